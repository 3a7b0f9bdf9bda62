package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/statedir"
)

// The reserve is a file whose blocks are on the disk already: while that is full, records without their output are
// written into its slots.
const (
	reserveName  = "reserve"
	reserve      = Dir + "/" + reserveName
	slotSize     = 2048
	slots        = 256
	reserveSize  = slots * slotSize
	slotMessage  = 200 // characters, so that a record fits
	reserveRetry = 5 * time.Millisecond
	reserveWait  = 2 * time.Second
)

var errReserveFull = errors.New("the reserve for a full disk is full itself")

// ensureReserve makes the file where there is none of the right size.
func ensureReserve(files *area.Files) error {
	info, err := files.Stat(reserve)
	if err == nil && info.Mode().IsRegular() && info.Size() == reserveSize {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return files.Write(reserve, bytes.Repeat([]byte{'\n'}, reserveSize))
}

// spare makes a record durable in the reserve of the spool below root, which is this process's own.
func (w *Writer) spare(r Record) error {
	r.Message = string([]rune(r.Message)[:min(slotMessage, len([]rune(r.Message)))])
	r = withoutOutput(r)
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(w.dir, reserveName), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	defer f.Close()
	if err := lockReserve(f); err != nil {
		return err
	}
	all := make([]byte, reserveSize)
	if _, err := f.ReadAt(all, 0); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	for slot := range slots {
		if all[slot*slotSize] == '\n' {
			return fillSlot(f, slot, line)
		}
	}
	return errReserveFull
}

func fillSlot(f *os.File, slot int, line []byte) error {
	if len(line) >= slotSize {
		return fmt.Errorf("reserve: a record of %d bytes does not fit", len(line))
	}
	padded := append(bytes.Clone(line), bytes.Repeat([]byte{'\n'}, slotSize-len(line))...)
	if _, err := f.WriteAt(padded, int64(slot)*slotSize); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	return nil
}

// lockReserve waits a moment for others who write to it.
func lockReserve(f *os.File) error {
	tick := time.NewTicker(reserveRetry)
	defer tick.Stop()
	for end := time.After(reserveWait); ; {
		err := statedir.TryFlock(f)
		if !errors.Is(err, statedir.ErrLocked) {
			return err
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("reserve: %w", err)
		}
	}
}

// spareRecord is a record in the reserve.
type spareRecord struct {
	slot int
	line []byte
	rec  Record
}

// ends tells whether the record is the end of the run that the file is of.
func (s spareRecord) ends(name string) bool {
	return s.rec.Kind == KindFinish && s.rec.RunID.String()+suffix == name
}

// readReserve gives what is in the reserve; what is being written is seen the next time.
func readReserve(files *area.Files) []spareRecord {
	all, err := files.Read(reserve, reserveSize)
	if err != nil || len(all) != reserveSize {
		return nil // prepare has told of it
	}
	var found []spareRecord
	for slot := range slots {
		line := bytes.TrimRight(all[slot*slotSize:(slot+1)*slotSize], "\n")
		if len(line) == 0 {
			continue
		}
		var r Record
		if json.Unmarshal(line, &r) != nil || r.RunID == uuid.Nil {
			continue
		}
		if rec, err := decode(line, r.RunID); err == nil {
			found = append(found, spareRecord{slot, bytes.Clone(line), rec})
		}
	}
	return found
}

// clearReserve frees a slot that still holds line.
func clearReserve(files *area.Files, slot int, line []byte) error {
	f, err := files.OpenFile(reserve, os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := lockReserve(f); err != nil {
		return err
	}
	held := make([]byte, slotSize)
	if _, err := f.ReadAt(held, int64(slot)*slotSize); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if !bytes.Equal(bytes.TrimRight(held, "\n"), line) {
		return nil // somebody else's by now
	}
	return fillSlot(f, slot, nil)
}
