package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Event is one server-sent event that concerns the agent: a commit or labels.
type Event struct {
	Commit string            // the repository's HEAD, at connect and at every change
	Labels map[string]string // nil unless the labels changed
}

const (
	maxStreamLine = 64 << 10
	maxEventData  = 256 << 10
	// StreamSilence ends a stream on which not even the 15-second comment came.
	StreamSilence = 45 * time.Second
)

var errSilent = errors.New("the stream went silent")

// Stream holds one connection to the stream of changes until it ends; the error says why it did.
// opened is called once the server has accepted it.
func (c *Client) Stream(ctx context.Context, opened func(), handle func(Event)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := c.request(ctx, http.MethodGet, "/endpoints/self/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := c.http.Do(req)
	if err != nil {
		return &UnreachableError{c.base, err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		data, err := io.ReadAll(io.LimitReader(resp.Body, maxEventData))
		if err != nil {
			return &UnreachableError{c.base, err}
		}
		return problem(resp, data)
	}
	opened()
	silence := time.AfterFunc(StreamSilence, func() { cancel(errSilent) })
	defer silence.Stop()
	err = readEvents(resp.Body, func() { silence.Reset(StreamSilence) }, handle)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return &UnreachableError{c.base, err}
}

// readEvents parses text/event-stream: `event:` and `data:` lines, a blank line ends an event.
func readEvents(r io.Reader, alive func(), handle func(Event)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4<<10), maxStreamLine)
	var name string
	var data strings.Builder
	for lines.Scan() {
		alive()
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" {
			if e, ok := decodeEvent(name, data.String()); ok {
				handle(e)
			}
			name = ""
			data.Reset()
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch key {
		case "event":
			name = value
		case "data":
			if data.Len()+len(value) > maxEventData {
				return errors.New("an event is too large")
			}
			data.WriteString(value + "\n")
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return io.EOF
}

// decodeEvent ignores events it doesn't know, as later servers may send more.
func decodeEvent(name, data string) (Event, bool) {
	switch name {
	case "head":
		var v struct {
			Commit string `json:"commit"`
		}
		if json.Unmarshal([]byte(data), &v) == nil && v.Commit != "" {
			return Event{Commit: v.Commit}, true
		}
	case "labels":
		var v struct {
			Labels map[string]string `json:"labels"`
		}
		if json.Unmarshal([]byte(data), &v) == nil && v.Labels != nil {
			return Event{Labels: v.Labels}, true
		}
	}
	return Event{}, false
}
