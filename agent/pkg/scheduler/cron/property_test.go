//go:build unix

package cron

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/scheduler"
)

// cycles is how many random changes a property test makes: CRONTOPUS_SOAK asks for ten times as many.
func cycles(n int) int {
	if os.Getenv("CRONTOPUS_SOAK") != "" {
		return 10 * n
	}
	return n
}

// seedOf is a test's seed, which its log names: CRONTOPUS_FUZZ_SEED repeats it.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(os.Getpid())
	if asked := os.Getenv("CRONTOPUS_FUZZ_SEED"); asked != "" {
		var err error
		if seed, err = strconv.ParseUint(asked, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CRONTOPUS_FUZZ_SEED=%d", seed)
	return seed
}

// foreignCrontab is somebody's crontab of 200 lines, as cron takes it.
func foreignCrontab() []string {
	lines := []string{"# m h  dom mon dow   command", "SHELL=/bin/sh", `MAILTO="ops ü@example.org"`, "PATH=/usr/bin:/bin", "", " \t "}
	for i := len(lines); i < 200; i++ {
		lines = append(lines, []string{
			fmt.Sprintf("%d 3 * * *\t/usr/bin/true --n=%d  # trailing", i%60, i),
			fmt.Sprintf("  */7 1-5 * * mon,fri  echo 'quoted \"%d\"' \\%%Y %%stdin%%line", i),
			fmt.Sprintf("# comment %d — ünïcode \t", i),
			"@daily echo same twice",
			fmt.Sprintf("VAR_%d = 'a b' ", i),
			"",
			fmt.Sprintf("0 0 1 1 * x=%d; # crontopus:22222222-2222-4222-8222-222222222222:%s", i, uuid.UUID{byte(i)}),
		}[i%7])
	}
	return lines
}

// user is what a real crontab holds besides our entries, and how it came to that.
type crontabWorld struct {
	t       *testing.T
	rng     *rand.Rand
	c       *Cron
	place   place
	foreign []string
	want    map[uuid.UUID]scheduler.Entry
	adopted []scheduler.Foreign
	log     []string
}

func (w *crontabWorld) text() string {
	w.t.Helper()
	text, _, err := w.place.read(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// byHand changes the crontab as its owner would: lines of their own, and ours as well.
func (w *crontabWorld) byHand() {
	lines := strings.SplitAfter(w.text(), "\n")
	lines = lines[:len(lines)-1] // each ends with a newline, wherever it is put
	i := w.rng.IntN(len(lines))
	switch kind := w.rng.IntN(4); {
	case kind == 0:
		lines = slices.Insert(lines, i, fmt.Sprintf("%d 4 * * * by hand\n", w.rng.IntN(60)))
	case kind == 1 && len(lines) > 150:
		lines = slices.Delete(lines, i, i+1)
	case kind == 2:
		lines[i] = "# " + lines[i]
	default:
		j := w.rng.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
	}
	text := strings.Join(lines, "")
	if err := w.place.write(w.t.Context(), text); err != nil {
		w.t.Fatal(err)
	}
	w.foreign = strings.SplitAfter(parse(text, inst).foreign(), "\n")
	w.foreign = w.foreign[:len(w.foreign)-1]
	w.log = append(w.log, "by hand")
}

func (w *crontabWorld) list() []scheduler.Entry {
	var out []scheduler.Entry
	for _, e := range w.want {
		out = append(out, e)
	}
	return out
}

// step makes one change of each kind in one write, and checks it.
func (w *crontabWorld) step() {
	w.t.Helper()
	t := w.t
	for range w.rng.IntN(3) {
		w.byHand()
	}
	for range w.rng.IntN(4) {
		id := uuid.UUID{byte(1 + w.rng.IntN(12))}
		if _, there := w.want[id]; there && w.rng.IntN(2) == 0 {
			delete(w.want, id)
			continue
		}
		e := render(t, w.c, id, fmt.Sprintf("%d 2 * * *", w.rng.IntN(60)))
		e.User = w.place.user
		w.want[id] = e
	}
	change := scheduler.Change{Want: w.list()}
	jobs, _ := parse(w.text(), inst).others(w.place.source)
	jobs = slices.DeleteFunc(jobs, func(f scheduler.Foreign) bool { return f.Fixed != "" })
	if w.rng.IntN(2) == 0 && len(jobs) > 0 {
		change.Adopt = []scheduler.Foreign{jobs[w.rng.IntN(len(jobs))]}
	}
	if w.rng.IntN(2) == 0 && len(w.adopted) > 0 {
		change.Restore = []scheduler.Foreign{w.adopted[len(w.adopted)-1]}
		w.adopted = w.adopted[:len(w.adopted)-1]
	}
	if err := w.c.Write(t.Context(), read(t, w.c), change); err != nil {
		t.Fatalf("%v (%v)", err, w.log)
	}
	w.adopted = append(w.adopted, change.Adopt...)
	w.log = append(w.log, fmt.Sprintf("write %d, adopt %d, restore %d", len(change.Want), len(change.Adopt), len(change.Restore)))
	before := slices.Clone(w.foreign)
	w.check(change)
	if len(change.Adopt) > 0 && len(change.Restore) == 0 && w.rng.IntN(2) == 0 {
		w.regret(change.Adopt, before)
	}
}

// regret restores at once what was adopted: nothing may be left to see of it.
func (w *crontabWorld) regret(adopted []scheduler.Foreign, before []string) {
	w.t.Helper()
	change := scheduler.Change{Want: w.list(), Restore: adopted}
	if err := w.c.Write(w.t.Context(), read(w.t, w.c), change); err != nil {
		w.t.Fatal(err)
	}
	if now := parse(w.text(), inst).foreign(); now != strings.Join(before, "") {
		w.t.Fatalf("restored at once: %q\nwant %q", now, before)
	}
	w.adopted, w.foreign = w.adopted[:len(w.adopted)-len(adopted)], before
}

func (w *crontabWorld) check(change scheduler.Change) {
	w.t.Helper()
	d := parse(w.text(), inst)
	got := d.entries(w.place.user)
	if len(got) != len(w.want) {
		w.t.Fatalf("%d entries, want %d (%v)", len(got), len(w.want), w.log)
	}
	for _, e := range got {
		if e != w.want[e.JobID] {
			w.t.Fatalf("entry %+v, want %+v", e, w.want[e.JobID])
		}
	}
	want := slices.Clone(w.foreign)
	for _, f := range change.Adopt {
		want = without(w.t, want, f.Text, f.Spot.Line)
	}
	lines := strings.SplitAfter(d.foreign(), "\n")
	lines = lines[:len(lines)-1]
	after := slices.Clone(lines)
	for _, f := range change.Restore {
		if len(lines) > len(want) { // else as many lines say the same as did before
			lines = without(w.t, lines, f.Text, firstDifference(lines, want))
		}
	}
	if !slices.Equal(lines, want) {
		w.t.Fatalf("foreign lines differ at %d: %q\n%q\n(%v)", firstDifference(lines, want), lines, want, w.log)
	}
	w.foreign = after
}

func firstDifference(a, b []string) int {
	for i := range a {
		if i == len(b) || a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// without takes out the line at an index, which has to be the one that is meant.
func without(t *testing.T, lines []string, text string, at int) []string {
	t.Helper()
	if at >= len(lines) || trimEnd(lines[at]) != text {
		t.Fatalf("line %d is not %q", at, text)
	}
	return slices.Delete(slices.Clone(lines), at, at+1)
}

// TestForeignLinesStayByteForByte: through the real crontab command, whatever is added, changed, removed, adopted,
// restored and edited by hand, every line that is not ours is what it was, where it was.
func TestForeignLinesStayByteForByte(t *testing.T) {
	crontabtest.Borrow(t)
	c, _ := newCron(t, "")
	lines := foreignCrontab()
	crontabtest.Set(t, strings.Join(lines, "\n")+"\n")
	seed := seedOf(t)
	w := &crontabWorld{t: t, rng: rand.New(rand.NewPCG(seed, 5)), c: c, place: c.placeOf(""), want: map[uuid.UUID]scheduler.Entry{}}
	for _, l := range lines {
		w.foreign = append(w.foreign, l+"\n")
	}
	for range cycles(50) {
		w.step()
	}
	// Undone from the last to the first, all of it is there again.
	w.want = nil
	for {
		change := scheduler.Change{}
		if n := len(w.adopted); n > 0 {
			change.Restore, w.adopted = w.adopted[n-1:], w.adopted[:n-1]
		}
		if err := c.Write(t.Context(), read(t, c), change); err != nil {
			t.Fatal(err)
		}
		w.check(change)
		if len(change.Restore) == 0 {
			break
		}
	}
	if got := crontabtest.Get(t); got != strings.Join(w.foreign, "") || strings.Contains(got, inst.String()) {
		t.Errorf("left over: %q", got)
	}
}
