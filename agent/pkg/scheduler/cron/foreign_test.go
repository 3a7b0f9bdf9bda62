package cron

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/scheduler"
)

var mine = source{name: "crontab", user: "me", zone: "Europe/London"}

func TestForeignJobs(t *testing.T) {
	own := entry([16]byte{1}, "0 1 * * *").Body
	text := "# 0 0 * * * dead\nPATH=/bin\nMAILTO = \"ops@example.org\"\n\n0 2 * * 1-5  backup --all\n" + own +
		"\n\t@daily\ttidy 100\\% %first%second\nSHELL=/bin/bash\r\n@reboot up\n0 2 * * 1-5  backup --all\nnonsense\n* * * *\n~ 1 * * * rnd\n*/5 * * * * %\n"
	jobs, at := parse(text, inst).others(mine)
	type row struct{ place, schedule, command, fixed string }
	var got []row
	for i, j := range jobs {
		if i != slices.Index(at, at[i]) || j.User != "me" || j.Timezone != "Europe/London" || j.Env["PATH"] != "/bin" || j.Env["MAILTO"] != "ops@example.org" {
			t.Errorf("%+v", j)
		}
		got = append(got, row{j.Place, j.Schedule, j.Command, strings.SplitN(j.Fixed, ":", 2)[0]})
	}
	want := []row{
		{"line 5", "0 2 * * 1-5", "backup --all", ""},
		{"line 7", "@daily", "{\ntidy 100% \n} <<'STDIN'\nfirst\nsecond\nSTDIN\n", ""},
		{"line 9", "", "up", "its schedule cannot be written in a manifest"},
		{"line 10", "0 2 * * 1-5", "backup --all", ""},
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q\nwant\n%q", got, want)
	}
	if jobs[0].ID == jobs[3].ID || jobs[0].Text != jobs[3].Text || jobs[0].Env["SHELL"] != "" || jobs[3].Env["SHELL"] != "/bin/bash" {
		t.Errorf("equal lines: %+v, %+v", jobs[0], jobs[3])
	}
	busybox := mine
	busybox.plain = true
	if jobs, _ := parse(text, inst).others(busybox); jobs[1].Command != `tidy 100\% %first%second` {
		t.Errorf("busybox: %q", jobs[1].Command)
	}
	moved, _ := parse("# new\n"+text, inst).others(mine)
	if moved[0].ID != jobs[0].ID || moved[0].Place == jobs[0].Place {
		t.Errorf("the id of a line that moved: %+v", moved[0])
	}
}

func TestForeignJobsOfTheSystem(t *testing.T) {
	s := source{name: "/etc/crontab", zone: "UTC", cronTZ: true}
	jobs, _ := parse("0 2 * * *\troot  a b\nCRON_TZ=Asia/Tokyo\n@hourly www-data c\nCRON_TZ=Nowhere\n1 1 1 1 1 x y\n0 0 * * * nouser\n", inst).others(s)
	if len(jobs) != 3 || jobs[0].User != "root" || jobs[0].Command != "a b" || jobs[0].Timezone != "UTC" || jobs[1].User != "www-data" ||
		jobs[1].Timezone != "Asia/Tokyo" || jobs[2].Fixed == "" || jobs[2].Timezone != "" {
		t.Errorf("%+v", jobs)
	}
}

// edited adopts, writes and restores as Write does.
func adopted(t *testing.T, text string, list ...scheduler.Foreign) string {
	t.Helper()
	d := parse(text, inst)
	if err := d.adopt(mine, list); err != nil {
		t.Fatal(err)
	}
	return d.foreign()
}

func restored(t *testing.T, text string, list ...scheduler.Foreign) string {
	t.Helper()
	d := parse(text, inst)
	for _, f := range list {
		if err := d.restore(mine, f); err != nil {
			t.Fatal(err)
		}
	}
	return d.foreign()
}

func TestAdoptAndRestore(t *testing.T) {
	const text = "# top\nPATH=/a\n0 1 * * * one\n0 1 * * * one\n# between\nPATH=/b\n0 2 * * * two\t \n0 3 * * * three"
	jobs, _ := parse(text, inst).others(mine)
	if got := adopted(t, text, jobs[1], jobs[2]); got != "# top\nPATH=/a\n0 1 * * * one\n# between\nPATH=/b\n0 3 * * * three" {
		t.Fatalf("%q", got)
	}
	for i := range 1 << len(jobs) {
		var list []scheduler.Foreign
		for bit, j := range jobs {
			if i>>bit&1 != 0 {
				list = append(list, j)
			}
		}
		if got := restored(t, adopted(t, text, list...), list...); strings.TrimSuffix(got, "\n") != text {
			t.Errorf("adopted and restored %b: %q", i, got)
		}
	}
	// What moved meanwhile: it goes below the settings it had, beside the neighbours it had.
	out := adopted(t, text, jobs[2])
	if got := restored(t, "# new\n# lines\n"+out, jobs[2]); got != "# new\n# lines\n"+text {
		t.Errorf("moved down: %q", got)
	}
	if got := restored(t, "PATH=/b\n# else\nPATH=/c\n", jobs[2]); got != "PATH=/b\n# else\n0 2 * * * two\t \nPATH=/c\n" && got != "PATH=/b\n0 2 * * * two\t \n# else\nPATH=/c\n" {
		t.Errorf("only its setting is left: %q", got)
	}
	if got := restored(t, "", jobs[2]); got != jobs[2].Text+"\n" {
		t.Errorf("nothing is left: %q", got)
	}
	if got := restored(t, text, jobs[2]); got != text {
		t.Errorf("there already: %q", got)
	}
}

func TestOnlyTheVeryLineIsAdopted(t *testing.T) {
	const text = "0 1 * * * one\n@reboot boot\n"
	jobs, _ := parse(text, inst).others(mine)
	edited := jobs[0]
	edited.Text += " "
	forged := jobs[0]
	forged.ID = jobs[1].ID
	for _, bad := range []scheduler.Foreign{edited, forged, {}} {
		d := parse(text, inst)
		if err := d.adopt(mine, []scheduler.Foreign{bad}); !errors.Is(err, scheduler.ErrConflict) || d.foreign() != text {
			t.Errorf("%+v: %v, %q", bad, err, d.foreign())
		}
	}
	d := parse(text, inst)
	if err := d.adopt(mine, jobs); !errors.Is(err, scheduler.ErrUnsupported) || d.foreign() != text {
		t.Errorf("@reboot: %v, %q", err, d.foreign())
	}
	for _, bad := range []string{"0 1 * * * a\n* * * * * evil", "0 1 * * * x # crontopus:" + inst.String() + ":"} {
		if err := d.restore(mine, scheduler.Foreign{Text: bad}); err == nil {
			t.Errorf("%q restored", bad)
		}
	}
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"A=b": {"A": "b"}, " A = b c ": {"A": "b c"}, `A="b c" `: {"A": "b c"}, "'A b' = 'c'\r": {"A b": "c"}, "A=": {"A": ""},
		`A="b`: nil, "# A=b": nil, "* * * * * A=b": nil, "": nil, "=b": nil, `A="b" c`: nil,
	} {
		got := map[string]string{}
		if name, value, ok := setting(text); ok {
			got[name] = value
		}
		if !maps.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzForeign: whatever a crontab holds, adopting any of its jobs and restoring it gives the same text again.
func FuzzForeign(f *testing.F) {
	f.Add("# a\nPATH=/b\n0 1 * * * one\n@daily two % x\n0 1 * * * one\n", uint16(3))
	f.Add("0 1 * * * one\r\nSHELL=x\n0 1 * * * one", uint16(2))
	f.Fuzz(func(t *testing.T, text string, pick uint16) {
		jobs, _ := parse(text, inst).others(mine)
		var list []scheduler.Foreign
		for i, j := range jobs {
			if pick>>(i%16)&1 != 0 && j.Fixed == "" && !strings.Contains(j.Text, "\x00") {
				list = append(list, j)
			}
		}
		before := parse(text, inst).foreign()
		if got := restored(t, adopted(t, text, list...), list...); trimEnd(got) != trimEnd(before) {
			t.Fatalf("%q\nwant %q", got, before)
		}
	})
}
