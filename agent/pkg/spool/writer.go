package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/statedir"
)

// Dir and Rejected are the folders below the state directory.
const (
	Dir      = "spool"
	Rejected = "rejected"
	suffix   = ".jsonl"
)

// Writer appends the records of one run. While it is open it holds the file's lock, which tells the agent
// that the run is alive.
type Writer struct {
	dir string
	run uuid.UUID
	f   *os.File
}

// NewWriter prepares the writer of a run; the file appears with the first record.
func NewWriter(root string, run uuid.UUID) *Writer {
	return &Writer{dir: filepath.Join(root, Dir), run: run}
}

// Append makes a record durable. After an error the next Append tries again from the start, so that a
// disk that was full at the start of a run still gets its end.
func (w *Writer) Append(r Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	if err := w.open(); err != nil {
		return err
	}
	// A torn line from a failed write before is closed, so that it spoils only itself.
	if err := closeTornLine(w.f); err != nil {
		return err
	}
	if _, err := w.f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if err := w.f.Sync(); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

func (w *Writer) open() error {
	if w.f != nil {
		return nil
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(w.dir, w.run.String()+suffix), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if err := errors.Join(statedir.TryFlock(f), statedir.SyncDir(w.dir)); err != nil {
		return errors.Join(fmt.Errorf("spool: %w", err), f.Close())
	}
	w.f = f
	return nil
}

// Close lets the file's lock go.
func (w *Writer) Close() error {
	if w.f == nil {
		return nil
	}
	err := w.f.Close()
	w.f = nil
	return err
}

func closeTornLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if info.Size() == 0 {
		return nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	if _, err := f.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}
