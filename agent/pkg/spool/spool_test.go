package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

var job = uuid.UUID{1}

// private is a new state directory.
func private(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func rec(run uuid.UUID, kind string) Record {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err)
	}
	return Record{EventID: id, RunID: run, JobID: job, Kind: kind, At: time.Unix(0, 0).UTC()}
}

func newRun(t *testing.T) uuid.UUID {
	t.Helper()
	run, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func write(t *testing.T, root string, run uuid.UUID, kinds ...string) []Record {
	t.Helper()
	w := NewWriter(root, run)
	var out []Record
	for _, k := range kinds {
		r := rec(run, k)
		if err := w.Append(r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// server accepts everything once and remembers the order.
type server struct {
	got    []Record
	err    error
	status func(Record) string
}

func (s *server) send(_ context.Context, batch []Record) ([]Result, error) {
	if s.err != nil {
		return nil, s.err
	}
	var out []Result
	for _, r := range batch {
		status := StatusAccepted
		if s.status != nil {
			status = s.status(r)
		}
		if status == "refuse the batch" {
			return nil, fmt.Errorf("%w: 422", ErrRefused)
		}
		out = append(out, Result{EventID: r.EventID, Status: status})
	}
	s.got = append(s.got, batch...)
	return out, nil
}

func newShipper(t *testing.T, root string, s *server) (*Shipper, *time.Time) {
	t.Helper()
	now := time.Now()
	sh, err := NewShipper(root, s.send, slog.New(slog.DiscardHandler), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return sh, &now
}

func ship(t *testing.T, sh *Shipper, want int) {
	t.Helper()
	if n, err := sh.Ship(t.Context()); err != nil || n != want {
		t.Fatalf("shipped %d, %v; want %d", n, err, want)
	}
}

func pending(t *testing.T, root string) int {
	t.Helper()
	n, err := Pending(root)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestShippedInOrderAndDeletedOnlyWhenAnswered(t *testing.T) {
	root := private(t)
	s := &server{err: errors.New("away")}
	sh, _ := newShipper(t, root, s)
	var want []Record
	for range 3 {
		want = append(want, write(t, root, newRun(t), KindStart, KindFinish)...)
	}
	if _, err := sh.Ship(t.Context()); err == nil || pending(t, root) != 3 {
		t.Fatalf("%v, %d left", err, pending(t, root))
	}
	s.err = nil
	ship(t, sh, 6)
	if !slices.EqualFunc(s.got, want, func(a, b Record) bool { return a.EventID == b.EventID }) || pending(t, root) != 0 {
		t.Errorf("got %+v, %d left", s.got, pending(t, root))
	}
}

func TestARunStillGoingKeepsItsFile(t *testing.T) {
	root, s := private(t), &server{}
	sh, now := newShipper(t, root, s)
	run := newRun(t)
	w := NewWriter(root, run)
	if err := w.Append(rec(run, KindStart)); err != nil {
		t.Fatal(err)
	}
	ship(t, sh, 1)
	*now = now.Add(time.Hour) // long, but alive: its lock is held
	ship(t, sh, 0)
	if err := w.Append(rec(run, KindFinish)); err != nil {
		t.Fatal(err)
	}
	ship(t, sh, 1)
	if err := w.Close(); err != nil || pending(t, root) != 0 {
		t.Errorf("%v, %d left", err, pending(t, root))
	}
}

func TestADeadRunIsLost(t *testing.T) {
	root, s := private(t), &server{}
	sh, now := newShipper(t, root, s)
	run := newRun(t)
	write(t, root, run, KindStart)
	torn, err := os.OpenFile(filepath.Join(root, Dir, run.String()+suffix), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString(`{"event_id":`); err != nil {
		t.Fatal(err)
	}
	if err := torn.Close(); err != nil {
		t.Fatal(err)
	}
	ship(t, sh, 1)
	*now = now.Add(2 * time.Minute)
	ship(t, sh, 1)
	if last := s.got[1]; last.Outcome != OutcomeLost || last.RunID != run || pending(t, root) != 0 {
		t.Errorf("%+v, %d left", last, pending(t, root))
	}
}

func TestRejectedRecordsAreMovedAside(t *testing.T) {
	for _, status := range []string{StatusRejected, "refuse the batch"} {
		root := private(t)
		bad := newRun(t)
		s := &server{status: func(r Record) string {
			if r.RunID == bad {
				return status
			}
			return StatusAccepted
		}}
		sh, _ := newShipper(t, root, s)
		write(t, root, newRun(t), KindStart, KindFinish)
		lines := write(t, root, bad, KindStart, KindFinish)
		write(t, root, newRun(t), KindStart, KindFinish)
		if _, err := sh.Ship(t.Context()); err != nil || pending(t, root) != 0 {
			t.Fatalf("%s: %v, %d left", status, err, pending(t, root))
		}
		var kept []byte
		files, err := filepath.Glob(filepath.Join(root, Rejected, bad.String()+suffix+".*"))
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, data...)
		}
		if err != nil || bytes.Count(kept, []byte("\n")) != len(lines) || !bytes.Contains(kept, []byte(lines[1].EventID.String())) {
			t.Errorf("%s: kept %q, %v", status, kept, err)
		}
	}
}

func TestBadAnswersDeleteNothing(t *testing.T) {
	for name, answer := range map[string]func([]Record) []Result{
		"none": func([]Record) []Result { return nil },
		"other event": func(b []Record) []Result {
			return []Result{{EventID: uuid.New(), Status: StatusAccepted}, {EventID: b[1].EventID, Status: StatusAccepted}}
		},
		"odd status": func(b []Record) []Result {
			return []Result{{EventID: b[0].EventID, Status: "hm"}, {EventID: b[1].EventID, Status: StatusAccepted}}
		},
	} {
		root := private(t)
		sh, err := NewShipper(root, func(_ context.Context, b []Record) ([]Result, error) { return answer(b), nil }, slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		write(t, root, newRun(t), KindStart, KindFinish)
		if _, err := sh.Ship(t.Context()); err == nil || pending(t, root) != 1 {
			t.Errorf("%s: %v, %d left", name, err, pending(t, root))
		}
	}
}

func TestLargeSpoolsGoInBatches(t *testing.T) {
	root := private(t)
	most := 0
	sh, err := NewShipper(root, func(_ context.Context, b []Record) ([]Result, error) {
		most = max(most, len(b))
		out := make([]Result, len(b))
		for i, r := range b {
			out[i] = Result{EventID: r.EventID, Status: StatusAccepted}
		}
		return out, nil
	}, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		run := newRun(t)
		r := rec(run, KindFinish)
		r.Output = &Output{Data: bytes.Repeat([]byte("x"), 300<<10)}
		w := NewWriter(root, run)
		if err := errors.Join(w.Append(r), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	ship(t, sh, 6)
	if most != 2 || pending(t, root) != 0 {
		t.Errorf("largest batch %d, %d left", most, pending(t, root))
	}
}

func FuzzSpoolFile(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"event_id":"01a20123-9f61-7855-ab10-f55de2fb2114","run_id":"01a20123-9f61-71a9-a1c4-5805fb55988d","job_id":"0ef42107-cba4-55f9-b4ec-1ea61024c305","kind":"finish"}` + "\n{"))
	f.Add([]byte("\n\n\x00"))
	run := uuid.MustParse("01a20123-9f61-71a9-a1c4-5805fb55988d")
	f.Fuzz(func(t *testing.T, data []byte) {
		root, s := private(t), &server{}
		sh, now := newShipper(t, root, s)
		name := filepath.Join(root, Dir, run.String()+suffix)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 { // sooner or later every file leaves the spool
			if _, err := sh.Ship(t.Context()); err != nil {
				t.Fatal(err)
			}
			*now = now.Add(time.Hour)
		}
		for _, r := range s.got {
			if r.RunID != run || r.EventID == uuid.Nil {
				t.Fatalf("shipped %+v", r)
			}
		}
		if n := pending(t, root); n != 0 {
			t.Fatalf("%q stays", data)
		}
	})
}
