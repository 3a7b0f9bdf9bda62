// Package systemd lists the timers of a machine from their unit files, without asking systemd. They are only shown:
// a timer's service may depend on other units in ways that a job cannot.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/command"
	"crontopus.dev/agent/pkg/statedir"
)

// Timers is a scheduler.Discoverer.
type Timers struct {
	folders []string // the first that has a unit counts
	user    string   // whose they are; "" = the system's
}

var _ scheduler.Discoverer = (*Timers)(nil)

const (
	maxUnit   = 1 << 20
	maxTimers = 2000
	onlyShown = "timers of systemd are only shown: move it by hand"
)

// System reads the timers of the machine below root, which is "/" outside tests.
func System(root string) *Timers {
	t := &Timers{}
	for _, folder := range []string{"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"} {
		t.folders = append(t.folders, filepath.Join(root, folder))
	}
	return t
}

// User reads the timers of one user.
func User(root, home, name string) *Timers {
	t := &Timers{user: name, folders: []string{filepath.Join(home, ".config/systemd/user"), filepath.Join(home, ".local/share/systemd/user")}}
	for _, folder := range []string{"etc/systemd/user", "run/systemd/user", "usr/local/lib/systemd/user", "usr/lib/systemd/user", "lib/systemd/user"} {
		t.folders = append(t.folders, filepath.Join(root, folder))
	}
	return t
}

// Foreign lists the timers that are enabled. What cannot be read is told with the rest.
func (t *Timers) Foreign(context.Context) ([]scheduler.Foreign, error) {
	names, err := t.enabled()
	var out []scheduler.Foreign
	for _, name := range names {
		f, unitErr := t.timer(name)
		if unitErr != nil {
			err = errors.Join(err, unitErr)
			continue
		}
		if f != nil {
			out = append(out, *f)
		}
	}
	return out, err
}

// enabled are the timers that some target wants or requires.
func (t *Timers) enabled() ([]string, error) {
	var names []string
	var problems error
	for _, folder := range t.folders {
		units, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = errors.Join(problems, fmt.Errorf("timers of systemd: %w", err))
		}
		for _, u := range units {
			if !strings.HasSuffix(u.Name(), ".wants") && !strings.HasSuffix(u.Name(), ".requires") {
				continue
			}
			links, err := os.ReadDir(filepath.Join(folder, u.Name()))
			if err != nil {
				problems = errors.Join(problems, fmt.Errorf("timers of systemd: %w", err))
			}
			for _, l := range links {
				if strings.HasSuffix(l.Name(), ".timer") {
					names = append(names, l.Name())
				}
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxTimers {
		return names[:maxTimers], errors.Join(problems, fmt.Errorf("more than %d timers of systemd", maxTimers))
	}
	return names, problems
}

// timer reads one; nil where it is masked, missing, or not by the clock.
func (t *Timers) timer(name string) (*scheduler.Foreign, error) {
	timer, err := t.unit(name)
	if err != nil || timer == nil {
		return nil, err
	}
	calendar := timer.all("Timer", "OnCalendar")
	periods := slices.Concat(timer.all("Timer", "OnUnitActiveSec"), timer.all("Timer", "OnUnitInactiveSec"))
	if len(calendar)+len(periods) == 0 {
		return nil, nil
	}
	service := timer.last("Timer", "Unit")
	if service == "" {
		service = strings.TrimSuffix(name, ".timer") + ".service"
	}
	f := &scheduler.Foreign{Source: "systemd", Place: name, User: t.user, Text: timer.text, Fixed: onlyShown}
	what, err := t.unit(service)
	if err != nil {
		return nil, err
	}
	if what != nil {
		f.Text += what.text
		f.Command = strings.Join(commands(what.all("Service", "ExecStart")), " && ")
		if user := what.last("Service", "User"); user != "" {
			f.User = user
		}
	}
	if len(calendar) == 1 && len(periods) == 0 {
		f.Schedule, f.Timezone = cronOf(calendar[0])
	}
	f.ID = command.Digest(f.Source, t.user, name, f.Text)
	return f, nil
}

// commands are without the characters that tell systemd how to start them.
func commands(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimLeft(l, "@-:+!|")
	}
	return out
}

// unit is a unit file with its drop-ins.
type unit struct {
	text    string
	entries []entry
}

type entry struct{ section, key, value string }

func (u *unit) all(section, key string) []string {
	var out []string
	for _, e := range u.entries {
		if e.section != section || e.key != key {
			continue
		}
		if e.value == "" { // takes back what was there
			out = nil
			continue
		}
		out = append(out, e.value)
	}
	return out
}

func (u *unit) last(section, key string) string {
	all := u.all(section, key)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// unit finds a unit: its own file, else that of its template; nil where there is none or it is masked.
func (t *Timers) unit(name string) (*unit, error) {
	candidates := []string{name}
	if at := strings.Index(name, "@"); at > 0 {
		candidates = append(candidates, name[:at+1]+filepath.Ext(name))
	}
	for _, candidate := range candidates {
		u, found, err := t.file(candidate)
		if err != nil || found {
			return u, err
		}
	}
	return nil, nil
}

func (t *Timers) file(name string) (u *unit, found bool, err error) {
	if name != filepath.Base(name) {
		return nil, false, fmt.Errorf("timers of systemd: %q is not the name of a unit", name)
	}
	for _, folder := range t.folders {
		path := filepath.Join(folder, name)
		if target, err := os.Readlink(path); err == nil && target == os.DevNull {
			return nil, true, nil
		}
		data, err := readRegular(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, true, err
		}
		u = &unit{}
		u.add(string(data))
		return u, true, t.dropIns(name, u)
	}
	return nil, false, nil
}

// dropIns are read in the order of their names; one of a folder that counts more hides its namesakes.
func (t *Timers) dropIns(name string, u *unit) error {
	files := map[string]string{}
	for _, folder := range t.folders {
		found, err := os.ReadDir(filepath.Join(folder, name+".d"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("timers of systemd: %w", err)
		}
		for _, f := range found {
			if _, hidden := files[f.Name()]; !hidden && strings.HasSuffix(f.Name(), ".conf") {
				files[f.Name()] = filepath.Join(folder, name+".d", f.Name())
			}
		}
	}
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		data, err := readRegular(files[n])
		if err != nil {
			return err
		}
		u.add(string(data))
	}
	return nil
}

// readRegular does not wait at a pipe that somebody calls a unit.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("timers of systemd: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("timers of systemd: %s is not a regular file", path)
	}
	return statedir.ReadFile(path, maxUnit)
}

// add reads the text of a unit file: sections, keys, lines that go on after a backslash.
func (u *unit) add(text string) {
	u.text += text
	if !strings.HasSuffix(u.text, "\n") {
		u.text += "\n"
	}
	section, pending := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if pending == "" && (line == "" || line[0] == '#' || line[0] == ';') || pending != "" && strings.HasPrefix(line, "#") {
			continue
		}
		if before, more := strings.CutSuffix(line, `\`); more {
			pending += strings.TrimRight(before, " \t") + " "
			continue
		}
		line, pending = pending+line, ""
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = line[1 : len(line)-1]
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			u.entries = append(u.entries, entry{section, strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
}
