package watch

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestWhereTheKernelGivesNoWatcher runs itself again in a user namespace whose limit of watchers is none.
func TestWhereTheKernelGivesNoWatcher(t *testing.T) {
	if os.Getenv("WATCH_TEST_NO_WATCHERS") == "" {
		const inside = `echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"`
		cmd := exec.Command("unshare", "-r", "sh", "-c", inside, "sh", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "WATCH_TEST_NO_WATCHERS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	w := &Waiter{Pace: Pace{Least: never, Most: never, Blind: time.Millisecond}}
	defer w.Close()
	for range 2 {
		if err := w.Arm([]string{t.TempDir()}); !errors.Is(err, ErrBlind) || w.armed {
			t.Fatalf("watched %v, %v", w.armed, err)
		}
		returns(t, w)
	}
}
