package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
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
	dir   string
	run   uuid.UUID
	f     *os.File
	fresh bool // its name is not known to be durable
	// big: an output was written, which can make the spool larger than it may be.
	big bool
}

// NewWriter prepares the writer of a run; the file appears with the first record.
func NewWriter(root string, run uuid.UUID) *Writer {
	return &Writer{dir: filepath.Join(root, Dir), run: run}
}

// Append makes a record durable. Where the disk is full it tries without the output, and then the reserve. After an
// error the next Append tries again from the start, so that a disk that was full at the start of a run still gets
// its end.
func (w *Writer) Append(r Record) error {
	err := w.write(r)
	if err == nil {
		return nil
	}
	if r.Output != nil {
		if w.write(withoutOutput(r)) == nil {
			return nil
		}
	}
	if spare := w.spare(r); spare != nil {
		return errors.Join(err, spare)
	}
	return nil
}

func (w *Writer) write(r Record) error {
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
	info, err := w.f.Stat()
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	_, err = w.f.Write(append(line, '\n'))
	if err == nil {
		err = w.sync()
	}
	w.big = w.big || r.Output != nil && len(r.Output.Data) > 0
	if err != nil {
		// What did not fit makes room for less.
		return errors.Join(fmt.Errorf("spool: %w", err), w.f.Truncate(info.Size()))
	}
	return nil
}

// sync makes the file durable, and its name with it, at once: a journalling file system does both in one go.
func (w *Writer) sync() error {
	named := make(chan error, 1)
	if w.fresh {
		go func() { named <- statedir.SyncDir(w.dir) }()
	} else {
		named <- nil
	}
	if err := errors.Join(w.f.Sync(), <-named); err != nil {
		return err
	}
	w.fresh = false
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
	w.fresh = true
	// The lock only says that the run is alive: a file system that knows no locks is no reason to be silent.
	_ = statedir.TryFlock(f)
	w.f = f
	return nil
}

// Close lets the file's lock go, and keeps the spool within its budget: there may be no agent that does.
func (w *Writer) Close() error {
	var err error
	if w.f != nil {
		err = w.f.Close()
		w.f = nil
	}
	if w.big {
		w.big = false
		err = errors.Join(err, w.trim())
	}
	return err
}

func (w *Writer) trim() error {
	files, err := area.Area{User: "this user", UID: os.Getuid(), GID: os.Getgid(), Root: filepath.Dir(w.dir)}.Open()
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	_, err = Trim(files, DefaultBudget)
	return errors.Join(err, files.Close())
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
