package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// never is longer than any test takes.
const never = time.Hour

func watching(t *testing.T, pace Pace) *Waiter {
	t.Helper()
	if runtime.GOOS == "darwin" {
		t.Skip("nothing is watched here")
	}
	w := &Waiter{Pace: pace}
	t.Cleanup(w.Close)
	return w
}

func arm(t *testing.T, w *Waiter, dirs ...string) {
	t.Helper()
	if err := w.Arm(dirs); err != nil || !w.armed {
		t.Fatalf("watching: %v, %v", w.armed, err)
	}
}

// returns fails the test where Wait takes longer than any machine needs for a change.
func returns(t *testing.T, w *Waiter) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	w.Wait(ctx)
	if ctx.Err() != nil {
		t.Fatal("the change was not noticed")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600))
}

func TestAChangeEndsTheWait(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	w := watching(t, Pace{Least: 0, Most: never, Blind: never})
	for _, dir := range []string{one, two, one} {
		arm(t, w, one, two)
		write(t, dir, "a")
		returns(t, w)
	}
	arm(t, w, one, two)
	must(t, os.Remove(filepath.Join(one, "a")))
	returns(t, w)
}

func TestAChangeDuringTheLookIsNotMissed(t *testing.T) {
	dir := t.TempDir()
	w := watching(t, Pace{Least: 0, Most: never, Blind: never})
	arm(t, w, dir)
	for range 100 {
		write(t, dir, "a")
	}
	returns(t, w)
}

func TestNothingChangesAndALookIsTakenAllTheSame(t *testing.T) {
	dir := t.TempDir()
	w := watching(t, Pace{Least: never, Most: time.Millisecond, Blind: never})
	for range 3 {
		arm(t, w, dir)
		returns(t, w)
	}
}

func TestADirectoryIsRemovedAndMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	must(t, os.Mkdir(dir, 0o700))
	w := watching(t, Pace{Least: 0, Most: never, Blind: time.Millisecond})
	arm(t, w, dir)
	must(t, os.Remove(dir))
	returns(t, w)
	if err := w.Arm([]string{dir}); err != nil || w.armed {
		t.Fatalf("a missing directory: watched %v, %v", w.armed, err)
	}
	returns(t, w) // looking by the clock
	must(t, os.Mkdir(dir, 0o700))
	w.Blind = never
	arm(t, w, dir)
	write(t, dir, "a")
	returns(t, w)
}

func TestADirectoryIsReplacedTogetherWithWhatIsAboveIt(t *testing.T) {
	above := filepath.Join(t.TempDir(), "state")
	dir := filepath.Join(above, "spool")
	must(t, os.MkdirAll(dir, 0o700))
	w := watching(t, Pace{Least: 0, Most: time.Millisecond, Blind: never})
	arm(t, w, dir)
	must(t, os.Rename(above, above+".old"))
	must(t, os.MkdirAll(dir, 0o700))
	returns(t, w) // the watched one knows nothing of it
	w.Most = never
	arm(t, w, dir)
	write(t, dir, "a")
	returns(t, w)
}

func TestAFloodOfChangesIsLookedAtNowAndThen(t *testing.T) {
	dir := t.TempDir()
	const least, looks = 60 * time.Millisecond, 5
	w := watching(t, Pace{Least: least, Most: never, Blind: never})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i%50)), nil, 0o600); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	arm(t, w, dir)
	began := time.Now()
	for range looks {
		returns(t, w)
		arm(t, w, dir)
	}
	if took := time.Since(began); took < looks*least {
		t.Errorf("%d looks in %s", looks, took)
	}
	stop()
	must(t, <-done)
}

func TestALinkIsNotWatched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Skip(err)
	}
	w := watching(t, Pace{Least: never, Most: never, Blind: time.Millisecond})
	if err := w.Arm([]string{dir}); !errors.Is(err, ErrBlind) || w.armed {
		t.Errorf("watched %v, %v", w.armed, err)
	}
	returns(t, w)
}

func TestSwitchedOff(t *testing.T) {
	w := &Waiter{Off: true, Pace: Pace{Least: never, Most: never, Blind: time.Millisecond}}
	if err := w.Arm([]string{t.TempDir()}); err != nil || w.armed {
		t.Errorf("watched %v, %v", w.armed, err)
	}
	returns(t, w)
}
