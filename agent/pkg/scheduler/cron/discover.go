package cron

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"crontopus.dev/agent/pkg/scheduler"
)

// Foreign lists the jobs of others: in user mode the user's own crontab and what the system runs as this user; in system
// mode every user's crontab and everything below /etc that cron or anacron reads.
func (c *Cron) Foreign(ctx context.Context) ([]scheduler.Foreign, error) {
	var out []scheduler.Foreign
	places, err := c.visible()
	errs := []error{err}
	for _, p := range places {
		text, err := c.readPlace(ctx, p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		jobs, _ := parse(text, c.installation).others(p.source)
		out = append(out, jobs...)
	}
	out = append(out, c.scripts(out)...)
	anacron, err := c.anacron()
	out = append(out, anacron...)
	if !c.system {
		out = c.ownOnly(out)
	}
	return out, errors.Join(append(errs, err)...)
}

// visible are all places of lines that cron reads and this agent looks at: users' crontabs and the system's files.
func (c *Cron) visible() ([]place, error) {
	users := []string{""}
	var errs []error
	if c.system {
		var err error
		users, err = usersWithCrontab(c.root)
		errs = append(errs, err)
	}
	var out []place
	for _, u := range users {
		p := c.userPlace(u)
		if u == "" {
			p.source.user = c.me
		}
		out = append(out, p)
	}
	paths, err := c.systemFiles()
	for _, path := range paths {
		out = append(out, c.systemPlace(path))
	}
	return out, errors.Join(append(errs, err)...)
}

// ownOnly is what an agent in user mode tells: an account's jobs are not every tenant's business.
func (c *Cron) ownOnly(list []scheduler.Foreign) (out []scheduler.Foreign) {
	for _, f := range list {
		if f.Source != "crontab" && f.User != c.me {
			continue
		}
		if f.Source != "crontab" && f.Fixed == "" {
			f.Fixed = "it is in a file of the system's: only an agent in system mode changes these"
		}
		out = append(out, f)
	}
	return out
}

// dropInName is what Debian's cron and run-parts read; cronie takes a few names more.
var dropInName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (c *Cron) systemFiles() ([]string, error) {
	if !c.flavour.dropIns() {
		if c.flavour == MacOS {
			return []string{c.systemFile()}, nil
		}
		return nil, nil // busybox's crond reads users' crontabs only
	}
	out := []string{c.systemFile()}
	entries, err := os.ReadDir(c.dropInDir())
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("files of /etc/cron.d: %w", err)
	}
	for _, e := range entries {
		if dropInName.MatchString(e.Name()) || c.flavour == Cronie && !strings.ContainsAny(e.Name(), "#~") && !strings.HasPrefix(e.Name(), ".") &&
			!strings.Contains(e.Name(), ".rpm") {
			out = append(out, filepath.Join(c.dropInDir(), e.Name()))
		}
	}
	return out, nil
}

func (c *Cron) systemPlace(path string) place {
	p := c.filePlace(path)
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		p.tab, p.source.fixed = linked{p.tab.(file)}, "the file is a link to another place"
	}
	return p
}

// linked is a file behind a link: cron follows it, and so does looking; it is not written.
type linked struct{ file }

func (l linked) read(ctx context.Context) (string, bool, error) {
	target, err := filepath.EvalSymlinks(l.path)
	if err != nil {
		return "", false, fmt.Errorf("read %s: %w", l.path, err)
	}
	return file{path: target}.read(ctx)
}

// write refuses.
func (l linked) write(context.Context, string) error { return scheduler.ErrUnsupported }

var periods = []string{"hourly", "daily", "weekly", "monthly"}

// scripts lists what run-parts starts, at the time at which a crontab of the system starts it. It also marks those
// crontab lines in list: what they do is told script by script.
func (c *Cron) scripts(list []scheduler.Foreign) (out []scheduler.Foreign) {
	for _, period := range periods {
		dir := filepath.Join(c.root, "etc", "cron."+period)
		when := scheduler.Foreign{}
		for i, f := range list {
			if strings.Contains(f.Command, "run-parts") && strings.Contains(f.Command, "/etc/cron."+period) {
				when = f
				list[i].Fixed = "it starts the scripts in /etc/cron." + period + ", which are listed one by one"
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // most makes of cron have no such directories
		}
		for _, e := range entries {
			info, err := os.Stat(filepath.Join(dir, e.Name()))
			if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 || !dropInName.MatchString(e.Name()) {
				continue
			}
			path := filepath.Join(dir, e.Name())
			out = append(out, scheduler.Foreign{ID: foreignID(source{name: path}, "root", path, 0), Source: path, Place: "cron." + period,
				User: "root", Schedule: when.Schedule, Timezone: when.Timezone, Command: path, Text: path, Env: when.Env,
				Fixed: "a script in /etc/cron." + period + " usually belongs to a package: move it away by hand"})
		}
	}
	return out
}

var anacronRE = regexp.MustCompile(`^[ \t]*(\d+|@(?:monthly|weekly|daily|yearly|annually))[ \t]+(\d+)[ \t]+(\S+)[ \t]+(.*)$`)

// anacron lists /etc/anacrontab: it fires after so many days and not at a time, so that nothing of it is adopted.
func (c *Cron) anacron() (out []scheduler.Foreign, err error) {
	path := filepath.Join(c.root, "etc", "anacrontab")
	text, _, err := file{path: path}.read(context.Background())
	if err != nil {
		return nil, err
	}
	every := map[string]string{"1": "@daily", "7": "@weekly", "30": "@monthly", "@daily": "@daily", "@weekly": "@weekly", "@monthly": "@monthly"}
	for i, l := range strings.Split(text, "\n") {
		m := anacronRE.FindStringSubmatch(strings.TrimSuffix(l, "\r"))
		if m == nil {
			continue
		}
		out = append(out, scheduler.Foreign{ID: foreignID(source{name: path}, "root", l, 0), Source: path, Place: fmt.Sprintf("line %d", i+1),
			User: "root", Schedule: every[m[1]], Timezone: c.zoneName(), Command: m[4], Text: l,
			Fixed: "anacron runs it after so many days, at no time of its own"})
	}
	return out, nil
}
