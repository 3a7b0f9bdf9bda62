package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
)

const maxCapture = 1 << 20

// capture keeps the head and the tail of an output in bounded memory and counts all of it.
type capture struct {
	mu     sync.Mutex
	opts   jobfile.Output
	redact []*regexp.Regexp
	head   []byte
	tail   []byte // ring
	next   int    // where the ring goes on
	total  int64
	headN  int
	tailN  int
}

func newCapture(opts jobfile.Output) *capture {
	limit := min(max(opts.MaxBytes, 0), maxCapture)
	c := &capture{opts: opts}
	switch opts.Capture {
	case "none":
	case "head":
		c.headN = limit
	case "tail":
		c.tailN = limit
	default:
		c.headN = limit / 2
		c.tailN = limit - c.headN
	}
	for _, pattern := range opts.Redact {
		re, err := regexp.Compile(pattern)
		if err != nil {
			// The agent checked it; a pattern that can't be applied must not let secrets through.
			c.headN, c.tailN = 0, 0
			continue
		}
		c.redact = append(c.redact, re)
	}
	return c
}

func (c *capture) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.tail, c.next, c.total = nil, nil, 0, 0
}

// ReadFrom reads until the last writer has closed its end.
func (c *capture) ReadFrom(r io.Reader) (int64, error) {
	buf := make([]byte, 32<<10)
	var total int64
	for {
		n, err := r.Read(buf)
		c.add(buf[:n])
		total += int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, fmt.Errorf("read output: %w", err)
		}
	}
}

func (c *capture) add(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += int64(len(p))
	if room := c.headN - len(c.head); room > 0 {
		n := min(room, len(p))
		c.head = append(c.head, p[:n]...)
		p = p[n:]
	}
	if c.tailN == 0 {
		return
	}
	if len(p) > c.tailN {
		p = p[len(p)-c.tailN:]
	}
	if room := c.tailN - len(c.tail); room > 0 {
		n := min(room, len(p))
		c.tail = append(c.tail, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(c.tail[c.next:], p)
		c.next = (c.next + n) % c.tailN
		p = p[n:]
	}
}

// output is what was kept so far; nil when nothing is to be kept.
func (c *capture) output() *spool.Output {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opts.Capture == "none" {
		return nil
	}
	kept := int64(len(c.head) + len(c.tail))
	tail := append(bytes.Clone(c.tail[c.next:]), c.tail[:c.next]...)
	cut := kept < c.total
	var gap []byte
	if cut && c.headN > 0 && c.tailN > 0 {
		gap = fmt.Appendf(nil, "\n… %d bytes left out …\n", c.total-kept)
	}
	data := c.hide(append(append(append([]byte{}, c.head...), gap...), tail...))
	return &spool.Output{Data: data, TotalBytes: c.total, Truncated: cut}
}

func (c *capture) hide(data []byte) []byte {
	for _, re := range c.redact {
		data = re.ReplaceAllLiteral(data, []byte("[redacted]"))
	}
	return data
}
