package cron

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

var stateDirRE = regexp.MustCompile(` --state-dir (\S+) `)

// Siblings tells which other installations of ours have entries in the places that this one looks at.
func (c *Cron) Siblings(ctx context.Context) ([]scheduler.Sibling, error) {
	places, err := c.visible()
	errs := []error{err}
	var out []scheduler.Sibling
	for _, p := range places {
		text, err := c.readPlace(ctx, p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, l := range parse(text, c.installation).lines {
			out = p.source.sibling(out, l)
		}
	}
	return out, errors.Join(errs...)
}

// sibling adds what a line says of another installation.
func (s source) sibling(list []scheduler.Sibling, l line) []scheduler.Sibling {
	m := markerRE.FindStringSubmatch(trimEnd(l.text))
	if m == nil || l.owned {
		return list
	}
	installation, err := uuid.Parse(m[1])
	if err != nil {
		return list
	}
	user := s.user
	if j, ok := jobOf(trimEnd(l.text), user == "", s.plain); ok {
		user += j.user
	}
	i := slices.IndexFunc(list, func(other scheduler.Sibling) bool {
		return other.Installation == installation && other.Source == s.name && other.User == user
	})
	if i < 0 {
		i = len(list)
		list = append(list, scheduler.Sibling{Installation: installation, Source: s.name, User: user})
	}
	if m := stateDirRE.FindStringSubmatch(l.text); m != nil {
		list[i].StateDir = m[1]
	}
	if id, err := uuid.Parse(m[2]); err == nil {
		list[i].Jobs = append(list[i].Jobs, id)
	}
	return list
}
