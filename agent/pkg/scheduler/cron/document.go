package cron

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

// document is a crontab as lines, each with its line end, of which some are ours. The lines of others come out byte
// for byte as they went in.
type document struct {
	installation uuid.UUID
	lines        []line
}

type line struct {
	text   string
	owned  bool
	header bool // the comment on top of a file of ours
	job    uuid.UUID
	under  string // settings of others in force here that would change what an owned entry does
}

const markerPrefix = "# crontopus:"

// header stands on top of the files that are all ours.
const header = "# Made by crontopus-agent from the tenant's Git repository; what is changed here by hand is drift.\n"

// markerRE is the end of an owned line: installation and job.
var markerRE = regexp.MustCompile(`# crontopus:([0-9a-f-]{36}):([0-9a-f-]{36})?[ \t\r]*$`)

// disturbing are the settings that decide when or whether an entry below them runs: SHELL and HOME for every cron,
// the others for cronie.
var disturbing = []string{"SHELL", "HOME", "CRON_TZ", "RANDOM_DELAY"}

func marker(installation, job uuid.UUID) string {
	return markerPrefix + installation.String() + ":" + job.String()
}

func parse(text string, installation uuid.UUID) document {
	d := document{installation: installation}
	under := ""
	for l := range strings.Lines(text) {
		entry := line{text: l, header: l == header, under: under}
		m := markerRE.FindStringSubmatch(trimEnd(l))
		if m != nil && m[1] == installation.String() {
			entry.owned = true
			if id, err := uuid.Parse(m[2]); err == nil {
				entry.job = id
			}
		} else if name, _, ok := setting(trimEnd(l)); ok && slices.Contains(disturbing, name) {
			under += strings.TrimSpace(l) + "\n"
		}
		d.lines = append(d.lines, entry)
	}
	return d
}

// entries returns what is ours, in order of first appearance. One that stands below somebody's settings is shown with
// them: it is not the entry that was written.
func (d document) entries(user string) []scheduler.Entry {
	var out []scheduler.Entry
	at := map[uuid.UUID]int{}
	for _, l := range d.lines {
		if !l.owned {
			continue
		}
		body := l.under + trimEnd(l.text)
		if i, ok := at[l.job]; ok {
			out[i].Body += "\n" + body
			continue
		}
		at[l.job] = len(out)
		out = append(out, scheduler.Entry{JobID: l.job, User: user, Body: body})
	}
	return out
}

// foreign is the text without what is ours.
func (d document) foreign() string {
	var b strings.Builder
	for _, l := range d.lines {
		if !l.owned && !l.header {
			b.WriteString(l.text)
		}
	}
	return b.String()
}

var errForeign = errors.New("foreign lines would change; nothing was written")

// with returns the text in which our entries are exactly want. An entry that is there keeps its place, unless a
// setting above it would change it. New ones go to the top: a crontab's settings act on what follows them, and
// what follows them is not ours.
func (d document) with(want []scheduler.Entry, top string) (string, error) {
	pending := make(map[uuid.UUID]string, len(want))
	for _, e := range want {
		if e.JobID == uuid.Nil || !ownBody(e, d.installation) {
			return "", fmt.Errorf("entry of job %s does not carry this installation's marker", e.JobID)
		}
		if _, twice := pending[e.JobID]; twice {
			return "", fmt.Errorf("job %s has two entries", e.JobID)
		}
		pending[e.JobID] = e.Body
	}
	present := map[uuid.UUID]bool{}
	for _, l := range d.lines {
		present[l.job] = present[l.job] || l.owned && l.under == ""
	}
	var fresh []string
	for _, e := range want {
		if !present[e.JobID] {
			fresh = append(fresh, e.Body+"\n")
			delete(pending, e.JobID)
		}
	}
	slices.Sort(fresh)
	if len(want) == 0 {
		top = ""
	}
	return d.assemble(pending, fresh, top)
}

func (d document) assemble(pending map[uuid.UUID]string, fresh []string, top string) (string, error) {
	var b strings.Builder
	b.WriteString(top)
	first := 0
	for first < len(d.lines) && (d.lines[first].owned || d.lines[first].header) {
		first++
	}
	for i, l := range d.lines {
		if i == first {
			b.WriteString(strings.Join(fresh, ""))
		}
		if l.header {
			continue
		}
		if !l.owned {
			b.WriteString(l.text)
			continue
		}
		if body, ok := pending[l.job]; ok {
			b.WriteString(body + "\n")
			delete(pending, l.job)
		}
	}
	if first == len(d.lines) {
		b.WriteString(strings.Join(fresh, ""))
	}
	text := b.String()
	if parse(text, d.installation).foreign() != d.foreign() {
		return "", errForeign
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n" // crontab(1) refuses a file whose last line has no end
	}
	return text, nil
}

func ownBody(e scheduler.Entry, installation uuid.UUID) bool {
	for _, l := range strings.Split(e.Body, "\n") {
		if !strings.HasSuffix(l, marker(installation, e.JobID)) {
			return false
		}
	}
	return e.Body != ""
}

// keepsForeign tells whether every foreign line of old is still in now, in order.
func keepsForeign(old, now string, installation uuid.UUID) bool {
	rest := parse(now, installation).lines
	for _, want := range parse(old, installation).lines {
		if want.owned || want.header {
			continue
		}
		i := slices.IndexFunc(rest, func(l line) bool { return !l.owned && trimEnd(l.text) == trimEnd(want.text) })
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

func trimEnd(s string) string { return strings.TrimSuffix(s, "\n") }
