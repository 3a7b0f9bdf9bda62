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

// document is a crontab as lines, each with its line end, of which some are ours. Foreign lines are never
// looked into: they come out byte for byte as they went in.
type document struct {
	lines []line
}

type line struct {
	text  string
	owned bool
	job   uuid.UUID
}

const markerPrefix = "# crontopus:"

// markerRE is the end of an owned line: installation and job.
var markerRE = regexp.MustCompile(`# crontopus:([0-9a-f-]{36}):([0-9a-f-]{36})?[ \t\r]*$`)

func marker(installation, job uuid.UUID) string {
	return markerPrefix + installation.String() + ":" + job.String()
}

func parse(text string, installation uuid.UUID) document {
	var d document
	for l := range strings.Lines(text) {
		entry := line{text: l}
		m := markerRE.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
		if m != nil && m[1] == installation.String() {
			entry.owned = true
			if id, err := uuid.Parse(m[2]); err == nil {
				entry.job = id
			}
		}
		d.lines = append(d.lines, entry)
	}
	return d
}

// entries returns what is ours, in order of first appearance.
func (d document) entries() []scheduler.Entry {
	var out []scheduler.Entry
	at := map[uuid.UUID]int{}
	for _, l := range d.lines {
		if !l.owned {
			continue
		}
		body := strings.TrimSuffix(l.text, "\n")
		if i, ok := at[l.job]; ok {
			out[i].Body += "\n" + body
			continue
		}
		at[l.job] = len(out)
		out = append(out, scheduler.Entry{JobID: l.job, Body: body})
	}
	return out
}

func (d document) foreign() string {
	var b strings.Builder
	for _, l := range d.lines {
		if !l.owned {
			b.WriteString(l.text)
		}
	}
	return b.String()
}

var errForeign = errors.New("foreign lines would change; nothing was written")

// with returns the text in which our entries are exactly want. An entry that is there keeps its place. New
// ones go to the top: a crontab's variable lines (SHELL, HOME, CRON_TZ…) act on what follows them, and
// what follows them is not ours.
func (d document) with(want []scheduler.Entry, installation uuid.UUID) (string, error) {
	pending := make(map[uuid.UUID]string, len(want))
	for _, e := range want {
		if e.JobID == uuid.Nil || !ownBody(e, installation) {
			return "", fmt.Errorf("entry of job %s does not carry this installation's marker", e.JobID)
		}
		pending[e.JobID] = e.Body
	}
	present := map[uuid.UUID]bool{}
	for _, l := range d.lines {
		present[l.job] = present[l.job] || l.owned
	}
	var fresh []string
	for _, e := range want {
		if !present[e.JobID] {
			fresh = append(fresh, e.Body+"\n")
		}
	}
	slices.Sort(fresh)
	return d.assemble(pending, fresh, installation)
}

func (d document) assemble(pending map[uuid.UUID]string, fresh []string, installation uuid.UUID) (string, error) {
	var b strings.Builder
	top := 0
	for top < len(d.lines) && d.lines[top].owned {
		top++
	}
	for i, l := range d.lines {
		if i == top {
			b.WriteString(strings.Join(fresh, ""))
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
	if top == len(d.lines) {
		b.WriteString(strings.Join(fresh, ""))
	}
	text := b.String()
	if parse(text, installation).foreign() != d.foreign() {
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
		if want.owned {
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
