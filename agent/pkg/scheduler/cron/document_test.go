package cron

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

var inst = uuid.MustParse("11111111-1111-4111-8111-111111111111")

func entry(id uuid.UUID, schedules ...string) scheduler.Entry {
	var lines []string
	for _, s := range schedules {
		lines = append(lines, s+" /usr/bin/crontopus-run "+id.String()+" "+marker(inst, id))
	}
	return scheduler.Entry{JobID: id, Body: strings.Join(lines, "\n")}
}

func with(t *testing.T, text string, want ...scheduler.Entry) string {
	t.Helper()
	got, err := parse(text, inst).with(want, "")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEntriesKeepTheirPlaceAndForeignLinesTheirBytes(t *testing.T) {
	a, b, c := entry(uuid.UUID{1}, "0 1 * * *"), entry(uuid.UUID{2}, "0 2 * * *", "5 2 * * *"), entry(uuid.UUID{3}, "0 3 * * *")
	foreign := "# x\r\n\n  \t\nPATH=/bin\n0 0 * * * echo '%' # crontopus:22222222-2222-4222-8222-222222222222:" + uuid.NewString() + "\n\xff\xfe\n"
	text := with(t, foreign, b, a)
	if want := a.Body + "\n" + b.Body + "\n" + foreign; text != want {
		t.Fatalf("added:\n%s\nwant\n%s", text, want)
	}
	// Moved below by hand, and one line of b doubled: a keeps its place, b is one again.
	moved := b.Body + "\n" + foreign + a.Body + "\n" + b.Body + "\n"
	a2 := entry(a.JobID, "9 9 * * *")
	if got, want := with(t, moved, a2, b, c), b.Body+"\n"+c.Body+"\n"+foreign+a2.Body+"\n"; got != want {
		t.Fatalf("updated:\n%s\nwant\n%s", got, want)
	}
	if got := with(t, moved); got != foreign {
		t.Fatalf("removed: %q", got)
	}
	if got := with(t, ""); got != "" {
		t.Fatalf("empty: %q", got)
	}
	if got := with(t, "no newline", a); got != a.Body+"\nno newline\n" {
		t.Fatalf("no newline: %q", got)
	}
	for _, bad := range []scheduler.Entry{{JobID: a.JobID, Body: "0 0 * * * evil"}, {JobID: a.JobID, Body: a.Body + "\n* * * * * evil"}, {JobID: uuid.Nil, Body: a.Body}, {JobID: b.JobID, Body: a.Body}, {JobID: a.JobID}} {
		if _, err := parse("", inst).with([]scheduler.Entry{bad}, ""); err == nil {
			t.Errorf("%+v was written", bad)
		}
	}
}

// TestSettingsAboveAnEntryAreSeenAndLeft: somebody who writes SHELL= on top of the crontab would change our entries too.
func TestSettingsAboveAnEntryAreSeenAndLeft(t *testing.T) {
	a := entry(uuid.UUID{1}, "0 1 * * *", "5 1 * * *")
	for _, setting := range []string{"SHELL=/bin/false", " CRON_TZ = 'Asia/Tokyo'", "HOME=/nowhere", "RANDOM_DELAY=30"} {
		text := setting + "\n" + a.Body + "\n# theirs\n"
		if got := parse(text, inst).entries("")[0].Body; got == a.Body || !strings.Contains(got, strings.TrimSpace(setting)) {
			t.Errorf("%s: seen as %q", setting, got)
		}
		if got, want := with(t, text, a), a.Body+"\n"+setting+"\n# theirs\n"; got != want {
			t.Errorf("%s: %q", setting, got)
		}
	}
	for _, harmless := range []string{"MAILTO=x", "PATH=/bin", "# SHELL=/bin/false", "0 0 * * * SHELL=x y"} {
		if got := parse(harmless+"\n"+a.Body+"\n", inst).entries("")[0].Body; got != a.Body {
			t.Errorf("%s: seen as %q", harmless, got)
		}
	}
}

func TestEditedEntriesAreSeen(t *testing.T) {
	id := uuid.UUID{7}
	own := marker(inst, id)
	for text, want := range map[string]int{
		"# 0 1 * * * x " + own + "\n":                      1, // commented out
		"0 1 * * * x " + own + "  \n":                      1,
		"0 1 * * * x " + own:                               1,
		"0 1 * * * x " + own + " mine\n":                   0,
		"0 1 * * * x # crontopus:" + inst.String() + ":\n": 1, // job unreadable
		"":   0,
		"\n": 0,
	} {
		if got := parse(text, inst).entries(""); len(got) != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestRandomEdits: whatever is added, changed, removed and edited by hand, foreign lines stay byte for byte.
func TestRandomEdits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	foreignLine := func() string {
		return []string{"# c\n", "\n", "A=b\n", "* * * * * echo \\% 'ü' \n", "\t\n", "@daily x\r\n"}[rng.IntN(6)]
	}
	var text, foreign string
	for range 500 {
		switch rng.IntN(3) {
		case 0: // somebody adds a line of their own at the end
			l := foreignLine()
			text, foreign = text+l, foreign+l
		default:
			var want []scheduler.Entry
			for i := range byte(12) {
				if rng.IntN(2) == 0 {
					want = append(want, entry(uuid.UUID{i + 1}, []string{"0 1 * * *", "0 2 * * *"}[rng.IntN(2)]))
				}
			}
			text = with(t, text, want...)
			if got := parse(text, inst).entries(""); len(got) != len(want) {
				t.Fatalf("%d entries, want %d", len(got), len(want))
			}
		}
		if got := parse(text, inst).foreign(); got != foreign {
			t.Fatalf("foreign lines: %q, want %q", got, foreign)
		}
	}
}

func TestKeepsForeign(t *testing.T) {
	for _, c := range []struct {
		old, now string
		want     bool
	}{
		{"a\nb\n", "a\nb\n", true}, {"a\nb\n", "x\na\ny\nb\nz\n", true}, {"a\nb\n", "a\n", false}, {"a\nb\n", "", false},
		{"a\nb\n", "b\na\n", false}, {"a\na\n", "a\n", false}, {"", "x\n", true}, {"a\nb\n", "a\nb", true},
	} {
		if got := keepsForeign(c.old, c.now, inst); got != c.want {
			t.Errorf("%q -> %q: %v", c.old, c.now, got)
		}
	}
}

func FuzzDocument(f *testing.F) {
	id := uuid.UUID{9}
	f.Add("# x\n0 0 * * * y\n", byte(1))
	f.Add("0 1 * * * z "+marker(inst, id)+"\nend", byte(2))
	f.Add("\x00\r\n# crontopus:"+inst.String()+":\n", byte(0))
	f.Fuzz(func(t *testing.T, text string, n byte) {
		d := parse(text, inst)
		var want []scheduler.Entry
		for i := range n % 5 {
			want = append(want, entry(uuid.UUID{9, i}, "0 1 * * *"))
		}
		got, err := d.with(want, "")
		if err != nil {
			t.Fatal(err)
		}
		again := parse(got, inst)
		if len(again.entries("")) != len(want) {
			t.Fatalf("%d entries, want %d, in %q", len(again.entries("")), len(want), got)
		}
		if trimEnd(again.foreign()) != trimEnd(d.foreign()) {
			t.Fatalf("foreign lines changed: %q -> %q", d.foreign(), again.foreign())
		}
		if twice, err := again.with(want, ""); err != nil || twice != got {
			t.Fatalf("not stable: %q -> %q, %v", got, twice, err)
		}
	})
}
