//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/spool"
)

// TestCronFires waits for a real cron daemon: up to two minutes. CRONTOPUS_TEST_CRON=1 asks for it.
func TestCronFires(t *testing.T) {
	if os.Getenv("CRONTOPUS_TEST_CRON") != "1" {
		t.Skip("set CRONTOPUS_TEST_CRON=1 (as root, with Debian's cron) to wait for a cron daemon")
	}
	r := newRig(t)
	if r.machine == nil {
		t.Skip("only root can give cron a machine of its own")
	}
	r.machine.Daemon(t, "cron -f")
	r.enroll("role=db")
	r.start()
	r.applied(r.srv.Push(map[string]string{"default/hello.yaml": strings.Replace(strings.Replace(job, "*/5", "*", 1), "/bin/echo", "/usr/bin/env", 1)}))
	r.srv.AwaitFor(t, 2*time.Minute, "cron to fire the job", func() bool { return len(r.srv.Records()) >= 2 })
	recs := r.srv.Records()
	t.Logf("start %+v", recs[0])
	t.Logf("finish %+v\n%s", recs[1], recs[1].Output.Data)
	if recs[0].Kind != spool.KindStart || recs[1].Kind != spool.KindFinish || recs[0].RunID != recs[1].RunID {
		t.Error("not one run's start and finish")
	}
}
