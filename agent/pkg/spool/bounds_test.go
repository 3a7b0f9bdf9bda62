package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
)

func openOwn(t *testing.T, root string) *area.Files {
	t.Helper()
	files, err := area.Area{UID: os.Getuid(), GID: os.Getgid(), Root: root}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return files
}

// writeOutput is a whole run with an output.
func writeOutput(t *testing.T, root string, size int) uuid.UUID {
	t.Helper()
	run := newRun(t)
	w := NewWriter(root, run)
	end := rec(run, KindFinish)
	end.Output = &Output{Data: bytes.Repeat([]byte("x"), size), TotalBytes: int64(size)}
	if err := errors.Join(w.Append(rec(run, KindStart)), w.Append(end), w.Close()); err != nil {
		t.Fatal(err)
	}
	return run
}

func total(t *testing.T, root string) (size int64) {
	t.Helper()
	_, size, err := sizes(openOwn(t, root))
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func TestOldestOutputsGoBeforeAnyResult(t *testing.T) {
	root, s := private(t), &server{err: errors.New("away for a week")}
	var runs []uuid.UUID
	for range 100 {
		runs = append(runs, writeOutput(t, root, 10<<10))
	}
	running := newRun(t)
	w := NewWriter(root, running)
	if err := w.Append(rec(running, KindStart)); err != nil {
		t.Fatal(err)
	}
	const budget = 700 << 10
	freed, err := Trim(openOwn(t, root), budget)
	if err != nil || freed.Outputs < 50 || freed.Outputs > 70 || freed.Runs != 0 || total(t, root) > budget {
		t.Fatalf("%+v %v, %d bytes", freed, err, total(t, root))
	}
	sh, _ := newShipper(t, root, s)
	if _, err := sh.Ship(t.Context()); err == nil {
		t.Fatal("the server is away")
	}
	s.err = nil
	ship(t, sh, 201)
	with := map[uuid.UUID]int{}
	for _, r := range s.got {
		if r.Output != nil {
			with[r.RunID] = len(r.Output.Data)
		}
		if r.Output != nil && r.Output.TotalBytes != 10<<10 {
			t.Errorf("%+v forgets how much there was", r.Output)
		}
	}
	for i, run := range runs {
		if kept := with[run] > 0; kept != (i >= freed.Outputs) {
			t.Errorf("run %d: output kept: %v, %d were dropped", i, kept, freed.Outputs)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestResultsGoWhenNothingElseIsLeft(t *testing.T) {
	root := private(t)
	for range 100 {
		write(t, root, newRun(t), KindStart, KindFinish)
	}
	running := newRun(t)
	write(t, root, running, KindStart)
	freed, err := Trim(openOwn(t, root), 10<<10)
	if err != nil || freed.Outputs != 0 || freed.Runs < 50 || total(t, root) > 10<<10 {
		t.Errorf("%+v %v, %d bytes", freed, err, total(t, root))
	}
	if _, err := os.Stat(filepath.Join(root, Dir, running.String()+suffix)); err != nil {
		t.Error("a run that is still going was dropped")
	}
}

func TestTheWriterAloneKeepsTheBudget(t *testing.T) {
	root := private(t)
	if err := os.MkdirAll(filepath.Join(root, Dir), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 40 { // sparse: what counts is the size
		f, err := os.Create(filepath.Join(root, Dir, newRun(t).String()+suffix))
		if err != nil {
			t.Fatal(err)
		}
		run, _ := runOf(filepath.Base(f.Name()))
		w := NewWriter(root, run)
		if err := errors.Join(f.Close(), w.Append(rec(run, KindFinish)), w.Close(), os.Truncate(f.Name(), 2<<20)); err != nil {
			t.Fatal(err)
		}
	}
	writeOutput(t, root, 1)
	if size := total(t, root); size > DefaultBudget {
		t.Errorf("%d bytes", size)
	}
}

// unsynced writes a whole run without waiting for the disk.
func unsynced(t *testing.T, root string) []Record {
	t.Helper()
	run := newRun(t)
	records := []Record{rec(run, KindStart), rec(run, KindFinish)}
	var lines []byte
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(root, Dir, run.String()+suffix), lines, 0o600); err != nil {
		t.Fatal(err)
	}
	return records
}

// TestAWeekOffline is a run every ten minutes for a week, told when the server is back, by an agent that starts anew.
func TestAWeekOffline(t *testing.T) {
	root, s := private(t), &server{err: errors.New("away")}
	sh, _ := newShipper(t, root, s)
	const runs = 7 * 24 * 60 / 10
	var want []Record
	for i := range runs {
		want = append(want, unsynced(t, root)...)
		if i%300 == 0 {
			if _, err := sh.Ship(t.Context()); err == nil {
				t.Fatal("shipped to nobody")
			}
		}
	}
	s.err = nil
	sh, now := newShipper(t, root, s)
	*now = now.Add(7 * 24 * time.Hour)
	ship(t, sh, 2*runs)
	for i, r := range s.got {
		if r.EventID != want[i].EventID {
			t.Fatalf("record %d is out of order", i)
		}
	}
	if pending(t, root) != 0 {
		t.Errorf("%d left", pending(t, root))
	}
}

func TestTheReserveTakesWhatAFullDiskDoesNot(t *testing.T) {
	root, s := private(t), &server{}
	sh, now := newShipper(t, root, s)
	w := NewWriter(root, newRun(t))
	w.dir = filepath.Join(root, Dir)
	start, end := rec(w.run, KindStart), rec(w.run, KindFinish)
	end.Message = string(bytes.Repeat([]byte("€\x01"), 1000))
	end.Output = &Output{Data: []byte("x"), TotalBytes: 1}
	for _, r := range []Record{start, end} {
		if err := w.spare(r); err != nil {
			t.Fatal(err)
		}
	}
	*now = now.Add(time.Hour)
	ship(t, sh, 2)
	if s.got[0].EventID != start.EventID || s.got[1].EventID != end.EventID || s.got[1].Output == nil || !s.got[1].Output.Truncated {
		t.Errorf("%+v", s.got)
	}
	ship(t, sh, 0)

	// All slots are free again; one more than there are does not fit.
	for i := range slots + 1 {
		if err := w.spare(rec(newRun(t), KindFinish)); (err != nil) != (i == slots) {
			t.Fatalf("slot %d: %v", i, err)
		}
	}
	ship(t, sh, slots)
}

func TestAnEndInTheReserveIsNoLostRun(t *testing.T) {
	root, s := private(t), &server{}
	sh, now := newShipper(t, root, s)
	run := newRun(t)
	write(t, root, run, KindStart)
	w := NewWriter(root, run)
	end := rec(run, KindFinish)
	end.Outcome = OutcomeSuccess
	if err := w.spare(end); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Hour)
	ship(t, sh, 2)
	ship(t, sh, 0)
	if s.got[1].Outcome != OutcomeSuccess || pending(t, root) != 0 {
		t.Errorf("%+v, %d left", s.got, pending(t, root))
	}
}

func FuzzReserve(f *testing.F) {
	f.Add([]byte(`{"event_id":"01a20123-9f61-7855-ab10-f55de2fb2114","run_id":"01a20123-9f61-71a9-a1c4-5805fb55988d","job_id":"0ef42107-cba4-55f9-b4ec-1ea61024c305","kind":"finish"}`))
	f.Add([]byte("{}\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, s := private(t), &server{}
		sh, _ := newShipper(t, root, s)
		file, err := os.OpenFile(filepath.Join(root, reserve), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.WriteAt(data[:min(len(data), reserveSize)], 0)
		if err = errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := sh.Ship(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.got) > slots {
			t.Fatalf("%d records", len(s.got))
		}
	})
}
