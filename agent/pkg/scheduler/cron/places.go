package cron

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
)

// tab is one text that cron reads.
type tab interface {
	name() string // for backups; no path
	// read gives the whole text and whether there is one at all. Any doubt is an error.
	read(ctx context.Context) (text string, there bool, err error)
	write(ctx context.Context, text string) error
}

// place is a tab with what its lines mean.
type place struct {
	tab
	source source
	owned  bool   // entries of ours may be in it
	user   string // whose entries these are, as Read names them
	top    string // what stands above them
}

// sight is a place and what was in it.
type sight struct {
	place
	text string
}

const (
	filePrefix = "crontopus-"
	// dotInName stands for a dot in a file's name: cron reads no name with a dot in it.
	dotInName = "_2E"
)

func (c *Cron) dropInDir() string  { return filepath.Join(c.root, "etc", "cron.d") }
func (c *Cron) systemFile() string { return filepath.Join(c.root, "etc", "crontab") }
func (c *Cron) filesPerUser() bool { return c.system && c.flavour.dropIns() }
func (c *Cron) zoneName() string {
	if _, err := schedule.LoadZone(c.zone.String()); err != nil {
		return ""
	}
	return c.zone.String()
}

// placeOf is where a user's entries go.
func (c *Cron) placeOf(name string) place {
	switch {
	case !c.system:
		p := c.userPlace("")
		p.source.user = c.me
		return p
	case c.filesPerUser():
		p := c.filePlace(filepath.Join(c.dropInDir(), filePrefix+strings.ReplaceAll(name, ".", dotInName)))
		p.tab = file{path: p.source.name, own: true}
		p.owned, p.user, p.top = true, name, header
		return p
	}
	return c.userPlace(name)
}

func (c *Cron) userPlace(name string) place {
	return place{tab: crontab{command: c.command, user: name}, owned: !c.filesPerUser(), user: name,
		source: source{name: "crontab", user: name, zone: c.zoneName(), cronTZ: c.flavour == Cronie, plain: c.flavour == Busybox}}
}

func (c *Cron) filePlace(path string) place {
	return place{tab: file{path: path}, source: source{name: path, zone: c.zoneName(), cronTZ: c.flavour == Cronie, plain: c.flavour == Busybox}}
}

// ownPlaces are those that may hold entries of ours now.
func (c *Cron) ownPlaces() ([]place, error) {
	if !c.system {
		return []place{c.placeOf("")}, nil
	}
	var users []string
	if c.filesPerUser() {
		found, err := filepath.Glob(filepath.Join(c.dropInDir(), filePrefix+"*"))
		if err != nil {
			return nil, fmt.Errorf("files in %s: %w", c.dropInDir(), err)
		}
		for _, path := range found {
			users = append(users, strings.ReplaceAll(strings.TrimPrefix(filepath.Base(path), filePrefix), dotInName, "."))
		}
	} else {
		var err error
		if users, err = usersWithCrontab(c.root); err != nil {
			return nil, err
		}
	}
	var out []place
	for _, u := range users {
		if userName.MatchString(u) {
			out = append(out, c.placeOf(u))
		}
	}
	return out, nil
}

// look reads every place of ours.
func (c *Cron) look(ctx context.Context) ([]sight, error) {
	places, err := c.ownPlaces()
	if err != nil {
		return nil, err
	}
	out := make([]sight, len(places))
	for i, p := range places {
		text, err := c.readPlace(ctx, p)
		if err != nil {
			return nil, err
		}
		out[i] = sight{p, text}
	}
	return out, nil
}

// readPlace reads a place and refuses to believe in a text that looks like a failure.
func (c *Cron) readPlace(ctx context.Context, p place) (string, error) {
	text, there, err := p.read(ctx)
	_, command := p.tab.(crontab)
	if err != nil || !command || !there {
		return text, err
	}
	if text == "" {
		last, err := c.backups.last(p.name())
		if err != nil {
			return "", err
		}
		if last != "" {
			return "", fmt.Errorf("%w: `crontab -l` printed nothing, and %d lines were written last (%s); if it was emptied on purpose, remove it with `crontab -r`",
				scheduler.ErrUnavailable, strings.Count(last, "\n"), c.backups.lastPath(p.name()))
		}
		return "", nil
	}
	if c.flavour.wholeLines() && !strings.HasSuffix(text, "\n") {
		return "", fmt.Errorf("%w: the crontab's last line has no end, and `crontab` takes none like that; look at it with `crontab -e`",
			scheduler.ErrUnavailable)
	}
	return text, nil
}

// token identifies a state: the digests of all texts that are not empty.
func token(seen []sight) string {
	var out []string
	for _, s := range seen {
		if s.text != "" {
			sum := sha256.Sum256([]byte(s.text))
			out = append(out, s.name()+" "+hex.EncodeToString(sum[:]))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}
