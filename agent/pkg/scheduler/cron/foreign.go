package cron

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
)

// source says whose lines a document holds.
type source struct {
	name   string // crontab, or a file's path
	user   string // "" where the lines name the user
	zone   string // the machine's, as a manifest would name it; "" where it has no name
	cronTZ bool   // CRON_TZ is honoured
	plain  bool   // `%` is a character like others
	fixed  string // why nothing of it can be adopted
}

// anyMarkerRE: lines of every installation of ours are no job of others.
var anyMarkerRE = regexp.MustCompile(markerRE.String())

// foreignID tells entries apart by what they say; the nth of equal ones has an id of its own.
func foreignID(s source, user, text string, nth int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", s.name, user, text, nth))
	return hex.EncodeToString(sum[:16])
}

// others lists the jobs of others in a document, with the index of each one's line.
func (d document) others(s source) (jobs []scheduler.Foreign, at []int) {
	env, seen := map[string]string{}, map[string]int{}
	above, skipped := "", 0
	for i, l := range d.lines {
		if l.owned || l.header {
			skipped++
			continue
		}
		text := trimEnd(l.text)
		if f, ok := s.job(text, env); ok {
			f.ID = foreignID(s, f.User, text, seen[text])
			f.Place = fmt.Sprintf("line %d", i+1)
			f.Spot = scheduler.Spot{Line: i - skipped, Above: above, Below: d.below(i)}
			seen[text]++
			jobs, at = append(jobs, f), append(at, i)
		}
		if name, value, ok := setting(text); ok {
			env[name] = value
		}
		above = text
	}
	for i := range jobs {
		jobs[i].Spot.Equal = seen[jobs[i].Text]
	}
	return jobs, at
}

func (d document) below(i int) string {
	for _, l := range d.lines[i+1:] {
		if !l.owned && !l.header {
			return trimEnd(l.text)
		}
	}
	return ""
}

func (s source) job(text string, env map[string]string) (scheduler.Foreign, bool) {
	if _, _, is := setting(text); is || anyMarkerRE.MatchString(text) {
		return scheduler.Foreign{}, false
	}
	j, ok := jobOf(text, s.user == "", s.plain)
	if !ok {
		return scheduler.Foreign{}, false
	}
	f := scheduler.Foreign{Source: s.name, User: s.user + j.user, Schedule: j.schedule, Timezone: s.zone, Command: j.command,
		Text: text, Fixed: j.fixed, Env: maps.Clone(env)}
	if zone := env["CRON_TZ"]; zone != "" && s.cronTZ {
		f.Timezone = zone
		if _, err := schedule.LoadZone(zone); err != nil {
			f.Timezone, f.Fixed = "", "CRON_TZ: "+err.Error()
		}
	}
	if s.fixed != "" {
		f.Fixed = s.fixed
	}
	return f, true
}

// adopt takes the lines of foreign jobs out: those very ones, or none.
func (d *document) adopt(s source, list []scheduler.Foreign) error {
	jobs, at := d.others(s)
	gone := map[int]bool{}
	for _, f := range list {
		i := slices.IndexFunc(jobs, func(o scheduler.Foreign) bool { return o.ID == f.ID && o.Text == f.Text })
		if i < 0 {
			return fmt.Errorf("%s is no longer in %s: %w", f.Place, s.name, scheduler.ErrConflict)
		}
		if jobs[i].Fixed != "" {
			return fmt.Errorf("%s of %s cannot be adopted: %s: %w", f.Place, s.name, jobs[i].Fixed, scheduler.ErrUnsupported)
		}
		gone[at[i]] = true
	}
	var kept []line
	for i, l := range d.lines {
		if !gone[i] {
			kept = append(kept, l)
		}
	}
	d.lines = kept
	return nil
}

// restore puts an adopted line back where it was: below the same settings if that can be, between the same neighbours,
// at the same height. Where as many lines say the same as did before there is nothing to do: a restore may be done twice.
func (d *document) restore(s source, f scheduler.Foreign) error {
	if strings.ContainsAny(f.Text, "\n\x00") || anyMarkerRE.MatchString(f.Text) {
		return fmt.Errorf("restoring %s of %s: this is not a line of a crontab", f.Place, s.name)
	}
	equal := 0
	for _, l := range d.lines {
		if !l.owned && trimEnd(l.text) == f.Text {
			equal++
		}
	}
	if equal >= max(f.Spot.Equal, 1) {
		return nil
	}
	at := d.bestSpot(f)
	lines := slices.Clone(d.lines)
	if at > 0 && !strings.HasSuffix(lines[at-1].text, "\n") {
		lines[at-1].text += "\n"
	}
	d.lines = slices.Insert(lines, at, line{text: f.Text + "\n"})
	return nil
}

// bestSpot is the index to insert at. Settings weigh most, as they change what the line does; then the line above, the
// line below, and last the height.
func (d document) bestSpot(f scheduler.Foreign) int {
	env := map[string]string{}
	above, height := "", 0
	best, bestScore, bestDistance := len(d.lines), -1, 0
	for i := 0; i <= len(d.lines); i++ {
		score, distance := 0, max(height-f.Spot.Line, f.Spot.Line-height)
		for worth, same := range map[int]bool{4: maps.Equal(env, f.Env), 2: above == f.Spot.Above, 1: i == len(d.lines) && f.Spot.Below == "" || i < len(d.lines) && d.below(i-1) == f.Spot.Below} {
			if same {
				score += worth
			}
		}
		if score > bestScore || score == bestScore && distance < bestDistance {
			best, bestScore, bestDistance = i, score, distance
		}
		if i == len(d.lines) {
			return best
		}
		if l := d.lines[i]; !l.owned && !l.header {
			if name, value, ok := setting(trimEnd(l.text)); ok {
				env[name] = value
			}
			above, height = trimEnd(l.text), height+1
		}
	}
	return best
}
