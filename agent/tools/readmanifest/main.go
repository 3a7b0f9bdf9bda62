// Command readmanifest lets the server's tests ask what the agent makes of a manifest. It is not shipped.
//
// Each line of the input is `{"path": …, "content_base64": …}`; each line of the output is `{"manifest": …}`, the
// manifest with its defaults, or `{"errors": [{"code", "line", "column", "path", "message"}, …]}`.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"crontopus.dev/agent/pkg/manifest"
)

type request struct {
	Path    string `json:"path"`
	Content []byte `json:"content_base64"`
}

type problem struct {
	Code    manifest.Code `json:"code"`
	Line    int           `json:"line"`
	Column  int           `json:"column"`
	Path    string        `json:"path"`
	Message string        `json:"message"`
}

type answer struct {
	Manifest map[string]any `json:"manifest,omitempty"`
	Errors   []problem      `json:"errors,omitempty"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "readmanifest:", err)
		os.Exit(1)
	}
}

// serve answers line by line, so that one process can be asked many times.
func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			return fmt.Errorf("not a request: %w", err)
		}
		if err := encoder.Encode(read(asked)); err != nil {
			return err
		}
	}
}

func read(asked request) answer {
	m, err := manifest.ParseDocument(asked.Path, asked.Content)
	if err == nil {
		return answer{Manifest: m.Canonical()}
	}
	var found manifest.Errors
	if !errors.As(err, &found) {
		return answer{Errors: []problem{{Message: err.Error()}}}
	}
	var out answer
	for _, e := range found {
		out.Errors = append(out.Errors, problem{e.Code, e.Line, e.Column, e.Path, e.Message})
	}
	return out
}
