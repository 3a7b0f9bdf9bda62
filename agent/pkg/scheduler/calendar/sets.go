package calendar

import (
	"fmt"
	"slices"
	"time"

	"crontopus.dev/agent/pkg/schedule"
)

type parts struct{ schedule.Parts }

func (p parts) anyDay() bool {
	all := len(p.Days) == 31 && len(p.Weekdays) == 7
	if p.EitherDay {
		all = len(p.Days) == 31 || len(p.Weekdays) == 7
	}
	return all && len(p.Months) == 12
}

// rule leaves out what restricts nothing.
func (p parts) rule(times []int) Rule {
	r := Rule{Times: times}
	if len(p.Months) < 12 {
		r.Months = p.Months
	}
	if p.EitherDay && (len(p.Days) == 31 || len(p.Weekdays) == 7) {
		return r
	}
	if len(p.Days) < 31 {
		r.Days = p.Days
	}
	if len(p.Weekdays) < 7 {
		r.Weekdays = p.Weekdays
	}
	r.EitherDay = p.EitherDay && r.Days != nil && r.Weekdays != nil
	return r
}

// landings are the instants at which a job that does not follow the clock makes up for skipped times; met says
// which jump of its zone the schedule meets at all.
func (m *Machine) landings(s schedule.Schedule, zone *time.Location) (at []time.Time, met string) {
	fields, _ := s.Parts()
	for _, j := range m.jumpsOf(zone) {
		from, to := j.Skipped()
		if j.After < j.Before {
			from, to = j.Repeated()
		}
		if !s.NamesWall(from, to) {
			continue
		}
		if met == "" {
			met = m.stretch(from, to, j, zone)
		}
		if j.After > j.Before && !fields.Follows {
			at = append(at, j.At)
		}
	}
	return at, met
}

// jumpsAmong tells which times meet a jump of the machine's clock, and whether one of them comes twice then.
func (m *Machine) jumpsAmong(times []int) (met string, twice bool) {
	for _, j := range m.jumpsOf(m.zone) {
		from, to := j.Skipped()
		back := j.After < j.Before
		if back {
			from, to = j.Repeated()
		}
		for wall := from; wall < to; wall += 60 {
			if _, found := slices.BinarySearch(times, mod(int(wall/60), day)); !found {
				continue
			}
			if met == "" {
				met = m.stretch(from, to, j, m.zone)
			}
			twice = twice || back
			break
		}
		if twice {
			return met, twice
		}
	}
	return met, twice
}

func (m *Machine) stretch(from, to int64, j schedule.Jump, zone *time.Location) string {
	what := "leaves out"
	if j.After < j.Before {
		what = "gives twice"
	}
	clock := func(wall int64) string { return time.Unix(wall, 0).UTC().Format("15:04") }
	return fmt.Sprintf("one of its times is among those that the clock of %s %s when it jumps (%s to %s)", m.name(zone), what, clock(from), clock(to))
}

func product(hours, minutes []int) []int {
	out := make([]int, 0, len(hours)*len(minutes))
	for _, h := range hours {
		for _, m := range minutes {
			out = append(out, h*hour+m)
		}
	}
	return out
}

// shifted is the union of a set moved by each of by, on a circle of size.
func shifted(set, by []int, size int) []int {
	on := make([]bool, size)
	for _, d := range by {
		for _, v := range set {
			on[mod(v+d, size)] = true
		}
	}
	var out []int
	for v, ok := range on {
		if ok {
			out = append(out, v)
		}
	}
	return out
}

// Closed is a set of minutes of the hour with all that jumps of these widths can make of them.
func Closed(minutes, widths []int) []int {
	for {
		more := shifted(minutes, append([]int{0}, widths...), hour)
		if len(more) == len(minutes) {
			return more
		}
		minutes = more
	}
}

// Steps finds the start and the step of a set that is every step-th value from start to below size, over the
// whole circle.
func Steps(set []int, size int) (start, step int, ok bool) {
	if len(set) == 0 || size%len(set) != 0 {
		return 0, 0, false
	}
	step = size / len(set)
	for i, v := range set {
		if v != set[0]+i*step {
			return 0, 0, false
		}
	}
	return set[0], step, true
}

func multiples(n, size int) []int {
	out := make([]int, 0, size/n)
	for v := 0; v < size; v += n {
		out = append(out, v)
	}
	return out
}

func insert(set []int, v int) []int {
	i, found := slices.BinarySearch(set, v)
	if found {
		return set
	}
	return slices.Insert(slices.Clone(set), i, v)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func mod(a, n int) int { return ((a % n) + n) % n }

// Meet tells whether two rules may name the same minute of the same day.
func Meet(a, b Rule) bool {
	if !common(a.Months, b.Months) {
		return false
	}
	if !a.EitherDay && !b.EitherDay && (!common(a.Days, b.Days) || !common(a.Weekdays, b.Weekdays)) {
		return false
	}
	return slices.ContainsFunc(a.Times, func(v int) bool { return slices.Contains(b.Times, v) })
}

// common tells whether two sets meet; nil is everything.
func common(a, b []int) bool {
	return a == nil || b == nil || slices.ContainsFunc(a, func(v int) bool { return slices.Contains(b, v) })
}
