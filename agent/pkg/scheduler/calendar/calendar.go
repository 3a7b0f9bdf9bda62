// Package calendar says what a schedule is on a machine's wall clock: at which times of which days, what of
// that is exact, and what clocks that jump do to it. Task Scheduler and launchd are rendered from this.
package calendar

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"crontopus.dev/agent/pkg/schedule"
)

const (
	hour = 60
	day  = 24 * hour
)

// Rule is a set of minutes on the machine's wall clock. Days, Months and Weekdays are nil where any will do.
type Rule struct {
	Times    []int // minutes of the day, sorted
	Days     []int
	Months   []int
	Weekdays []int // Sunday is 0
	// EitherDay: with both Days and Weekdays given, one of them is enough.
	EitherDay bool
}

// Reading is one schedule as the machine sees it. Rule and Minutes name every slot there is, and maybe more.
type Reading struct {
	Text string
	Rule Rule
	// Inexact says, where not empty, why Rule names more than the slots even while no clock jumps.
	Inexact string
	// AtJumps says, where not empty, which of the times meet a jump of the machine's clock.
	AtJumps string
	// Twice: some of the times fall into an hour that the machine's clock gives twice.
	Twice bool
	// Follows the wall clock through its jumps.
	Follows bool

	// Minutes are those of the UTC hour; with Hourly, these of every hour are exactly the slots.
	Minutes []int
	Hourly  bool
	Every   time.Duration // > 0 for `every N`
}

// Machine is the clock of a machine from an instant on. It may be used by several goroutines.
type Machine struct {
	zone  *time.Location
	now   time.Time
	mu    sync.Mutex
	jumps map[*time.Location][]schedule.Jump
	// jumpsSince are the jumps of the machine's zone from Since on
	jumpsSince []schedule.Jump
	diffs      map[[2]*time.Location][]int
}

// NewMachine remembers what it found out about zones.
func NewMachine(zone *time.Location, now time.Time) *Machine {
	return &Machine{zone: zone, now: now, jumps: map[*time.Location][]schedule.Jump{}, diffs: map[[2]*time.Location][]int{}}
}

// name is how a reader knows a zone: one that came from the machine itself is only called Local.
func (m *Machine) name(zone *time.Location) string {
	if zone != time.Local {
		return zone.String()
	}
	short, _ := m.now.In(zone).Zone()
	return short
}

// Since is the day from which on entries that count from a start do so.
var Since = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Widths are the sizes in minutes of the jumps of the machine's clock since then; none for a clock that never
// jumps.
func (m *Machine) Widths() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.jumpsSince == nil {
		m.jumpsSince = append([]schedule.Jump{}, schedule.Jumps(m.zone, Since)...)
	}
	var out []int
	for _, j := range m.jumpsSince {
		if w := mod((j.After-j.Before)/60, day); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// Read looks at one schedule that is meant in zone. The error wraps schedule.ErrNotExpressible.
func (m *Machine) Read(s schedule.Schedule, zone *time.Location) (Reading, error) {
	if s.Every > 0 {
		zone = time.UTC
	}
	ahead, err := m.ahead(m.zone, zone)
	if err != nil {
		return Reading{}, err
	}
	utc, err := m.ahead(time.UTC, zone)
	if err != nil {
		return Reading{}, err
	}
	if s.Every > 0 {
		return m.every(s, ahead), nil
	}
	return m.cron(s, zone, ahead, utc), nil
}

// ahead lists by how many minutes the clock of a is ahead of that of b.
func (m *Machine) ahead(a, b *time.Location) ([]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]*time.Location{a, b}
	known, ok := m.diffs[key]
	if !ok {
		for _, d := range schedule.Differences(a, b, m.now) {
			if d%60 != 0 {
				return nil, fmt.Errorf("%w: %s and %s are not whole minutes apart", schedule.ErrNotExpressible, a, b)
			}
			known = append(known, d/60)
		}
		m.diffs[key] = known
	}
	return known, nil
}

func (m *Machine) jumpsOf(zone *time.Location) []schedule.Jump {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.jumps[zone]
	if !ok {
		known = schedule.Jumps(zone, m.now)
		m.jumps[zone] = known
	}
	return known
}

// every reads multiples of N from the Unix epoch.
func (m *Machine) every(s schedule.Schedule, ahead []int) Reading {
	n := int(s.Every / time.Minute)
	r := Reading{Text: s.Text, Every: s.Every, Minutes: multiples(gcd(n, hour), hour), Hourly: hour%n == 0, Follows: true}
	r.Rule.Times = shifted(multiples(gcd(n, day), day), ahead, day)
	switch {
	case hour%n == 0 && len(r.Rule.Times) == day/n:
	case !slices.Equal(ahead, []int{0}):
		r.Inexact = fmt.Sprintf("`%s` counts in UTC and the machine's clock is in %s", s.Text, m.name(m.zone))
	case n == 7*day:
		r.Rule.Weekdays = []int{int(time.Thursday)} // 1 January 1970
	case day%n != 0:
		r.Inexact = fmt.Sprintf("`%s` doesn't divide the day evenly", s.Text)
	}
	r.AtJumps, r.Twice = m.jumpsAmong(r.Rule.Times)
	return r
}

func (m *Machine) cron(s schedule.Schedule, zone *time.Location, ahead, utc []int) Reading {
	fields, _ := s.Parts()
	p := parts{fields}
	r := Reading{Text: s.Text, Follows: p.Follows}
	named := product(p.Hours, p.Minutes)
	landings, met := m.landings(s, zone)
	allDay := p.Follows && len(p.Hours) == 24 && p.anyDay() // no slot is made up for, none left out
	onUTC := shifted(p.Minutes, utc, hour)
	r.Hourly = allDay && len(onUTC) == len(p.Minutes)
	r.Minutes = onUTC
	for _, at := range landings {
		r.Minutes = insert(r.Minutes, at.UTC().Minute())
	}
	if slices.Equal(ahead, []int{0}) {
		r.Rule = p.rule(named)
		r.AtJumps = met
	} else {
		r.Rule.Times = shifted(named, ahead, day)
		if !allDay || len(r.Rule.Times) != len(named) {
			r.Inexact = fmt.Sprintf("it is meant in %s and the machine's clock is in %s", zone, m.name(m.zone))
		}
		r.AtJumps, _ = m.jumpsAmong(r.Rule.Times)
	}
	for _, at := range landings {
		local := at.In(m.zone)
		r.Rule.Times = insert(r.Rule.Times, local.Hour()*hour+local.Minute())
	}
	_, r.Twice = m.jumpsAmong(r.Rule.Times)
	return r
}
