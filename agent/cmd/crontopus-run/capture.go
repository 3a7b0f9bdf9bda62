package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
)

const (
	// maxCapture is the most that the API takes of one output.
	maxCapture = 1 << 20
	// margin is how much is kept beyond each cut, so that a secret that lies across it is seen whole. What is
	// longer than this can escape its pattern.
	margin = 64 << 10
)

// capture keeps the head and the tail of an output in bounded memory and counts all of it. Beyond what is to be
// kept it holds a margin on the inner side of each, which only redaction reads.
type capture struct {
	mu     sync.Mutex
	opts   jobfile.Output
	redact redactor
	head   []byte
	tail   []byte // ring of what follows the head
	next   int    // where the ring goes on
	total  int64
	headN  int
	tailN  int
	extra  int // margin, where there is anything to redact
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
	var err error
	if c.redact, err = newRedactor(opts.Redact); err != nil {
		// The agent checked it; a pattern that can't be applied must not let secrets through.
		c.headN, c.tailN = 0, 0
	}
	if len(c.redact) > 0 {
		c.extra = margin
	}
	return c
}

func (c *capture) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.tail, c.next, c.total = nil, nil, 0, 0
}

// copyFrom reads until the last writer has closed its end, passing everything on to echo where there is one.
func (c *capture) copyFrom(r io.Reader, echo io.Writer) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		c.add(buf[:n])
		if echo != nil && n > 0 {
			if _, err := echo.Write(buf[:n]); err != nil {
				// Whoever read our output is gone: the command shall notice as it would without us.
				return fmt.Errorf("pass output on: %w", err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read output: %w", err)
		}
	}
}

func (c *capture) add(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += int64(len(p))
	if room := c.headCap() - len(c.head); room > 0 {
		n := min(room, len(p))
		c.head = append(c.head, p[:n]...)
		p = p[n:]
	}
	size := c.tailCap()
	if len(p) > size {
		p = p[len(p)-size:]
	}
	if room := size - len(c.tail); room > 0 {
		n := min(room, len(p))
		c.tail = append(c.tail, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(c.tail[c.next:], p)
		c.next = (c.next + n) % size
		p = p[n:]
	}
}

func (c *capture) headCap() int {
	if c.headN == 0 {
		return 0
	}
	return c.headN + c.extra
}

func (c *capture) tailCap() int {
	if c.tailN == 0 {
		return 0
	}
	return c.tailN + c.extra
}

// output is what was kept so far; nil when nothing is to be kept.
func (c *capture) output() *spool.Output {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opts.Capture == "none" {
		return nil
	}
	tail := append(append([]byte{}, c.tail[c.next:]...), c.tail[:c.next]...)
	cut := c.total > int64(c.headN+c.tailN)
	var data []byte
	switch {
	case int64(len(c.head)+len(tail)) == c.total: // nothing between them was let go of
		data = c.fromWhole(append(append([]byte{}, c.head...), tail...), cut)
	default:
		head := c.redact.hide(c.head, 0, min(c.headN, len(c.head)))
		from := max(len(tail)-c.tailN, 0)
		data = c.join(trimEnd(head), trimStart(c.redact.hide(tail, from, len(tail))))
	}
	if len(data) > maxCapture { // many short secrets, each replaced by a longer word
		data, cut = data[:maxCapture], true
	}
	return &spool.Output{Data: data, TotalBytes: c.total, Truncated: cut}
}

func (c *capture) fromWhole(all []byte, cut bool) []byte {
	if !cut {
		return c.redact.hide(all, 0, len(all))
	}
	head := c.redact.hide(all, 0, c.headN)
	tail := c.redact.hide(all, len(all)-c.tailN, len(all))
	return c.join(trimEnd(head), trimStart(tail))
}

func (c *capture) join(head, tail []byte) []byte {
	if c.headN > 0 && c.tailN > 0 {
		left := c.total - int64(c.headN) - int64(c.tailN)
		head = fmt.Appendf(head, "\n… %d bytes left out …\n", left)
	}
	return append(head, tail...)
}

// trimEnd takes away the first bytes of a character whose rest was cut off.
func trimEnd(p []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if b := p[len(p)-i]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-i:]) {
				return p[:len(p)-i]
			}
			return p
		}
	}
	return p
}

// trimStart takes away the last bytes of a character whose beginning was cut off; bytes that are no such rest stay.
func trimStart(p []byte) []byte {
	for i := range min(utf8.UTFMax, len(p)) {
		if utf8.RuneStart(p[i]) {
			return p[i:]
		}
	}
	if len(p) < utf8.UTFMax {
		return nil
	}
	return p
}
