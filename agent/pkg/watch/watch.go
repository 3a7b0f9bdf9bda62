// Package watch tells a loop when the directories it looks at are worth another look. It says only that something
// changed, never what: what counts is what the look finds.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Pace is how often a loop looks.
type Pace struct {
	Least time.Duration // between two looks, however much changes
	Most  time.Duration // between two looks where nothing changes; a notice can be lost
	Blind time.Duration // between two looks where the system gives no notice
}

// settle is how long what follows the first notice of something has to arrive: a file is made before it is written to.
const settle = 50 * time.Millisecond

// ErrBlind means that the directories are looked at by the clock alone.
var ErrBlind = errors.New("changes cannot be watched for")

// Waiter waits for changes. It is for one loop, which calls Arm before each look and Wait after it.
type Waiter struct {
	Pace
	Off bool // watch nothing

	watcher *fsnotify.Watcher
	armed   bool
}

// Arm watches the directories from here on, so that no change falls between the look that follows and Wait. One that is
// missing is waited for blindly; so is everything after ErrBlind.
func (w *Waiter) Arm(dirs []string) error {
	w.armed = false
	// kqueue, on macOS, would open every file of a directory.
	if w.Off || runtime.GOOS == "darwin" {
		return nil
	}
	if w.watcher == nil {
		watcher, err := fsnotify.NewWatcher()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBlind, err)
		}
		w.watcher = watcher
	}
	for _, dir := range dirs {
		// Each time anew: another directory can have come in the place of one that is watched already.
		err := w.add(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBlind, err)
		}
	}
	w.armed = true
	return nil
}

// add watches a directory. Its owner may be hostile: a link that takes its place behind our back costs needless looks,
// no more.
func (w *Waiter) add(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("watch: %s is not a directory", dir)
	}
	if err := w.watcher.Add(dir); err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	return nil
}

// Wait returns when it is time for the next look, or ctx ends.
func (w *Waiter) Wait(ctx context.Context) {
	if !w.armed {
		after(ctx, w.Blind)
		return
	}
	began := time.Now()
	if !w.changed(ctx) {
		return
	}
	// Whatever else comes is found by the look. Nobody listens meanwhile, so that a flood of changes costs no more than looks.
	w.Close()
	after(ctx, max(settle, w.Least-time.Since(began)))
}

// changed waits for the first notice, trouble with notices included.
func (w *Waiter) changed(ctx context.Context) bool {
	timer := time.NewTimer(w.Most)
	defer timer.Stop()
	select {
	case <-w.watcher.Events:
		return true
	case <-w.watcher.Errors:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// Close ends watching; Arm begins again.
func (w *Waiter) Close() {
	w.armed = false
	if w.watcher != nil {
		_ = w.watcher.Close() // nothing is written: there is nothing to lose
		w.watcher = nil
	}
}

func after(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
