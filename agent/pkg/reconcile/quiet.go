package reconcile

import (
	"io/fs"
	"maps"
	"time"

	"crontopus.dev/agent/pkg/scheduler"
)

// quietLife is how long a plan that changes nothing is believed without making it anew, as long as nothing that it was
// made of changes: users of a directory service may come and go, and clocks change their offset, without a sign.
const quietLife = 10 * time.Minute

// quiet is the last plan, if there was nothing to do, and what it was made of. An idle agent has a round every minute, and
// with it a thousand jobs cost as little as ten.
type quiet struct {
	plan    *Plan
	in      Input
	token   string
	files   jobFiles
	users   time.Time
	applied fs.FileInfo
}

// keep remembers a plan that had nothing to do and nothing to wait for.
func (a *Applier) keep(plan *Plan, in Input, token string) {
	simple := in.PolicyErr == nil && in.Orders.none() && len(in.Adopted.Entries) == 0 && in.Foreign == nil
	for _, c := range plan.Conditions {
		simple = simple && c.Type != Drifted // which passes with time
	}
	if simple && len(plan.Actions)+len(plan.Files)+len(plan.Waiting) == 0 {
		in.Machine = Machine{}
		// What is there is what shall be: nobody needs it twice.
		plan.Change, plan.Next.Entries = scheduler.Change{}, a.cache.applied.Entries
		a.quiet = quiet{plan, in, token, a.cache.files, a.cache.users, a.cache.appliedInfo}
	}
}

// still is the last plan, where making it anew would give the same; nil otherwise.
func (a *Applier) still(in Input, token string) *Plan {
	q := a.quiet
	age := in.Now.Sub(q.in.Now)
	if q.plan == nil || age < 0 || age > quietLife || token != q.token || a.cache.appliedInfo != q.applied || !maps.Equal(a.cache.files, q.files) {
		return nil
	}
	if !a.cache.users.Equal(q.users) {
		return nil
	}
	if in.PolicyErr != nil || in.Policy.Digest() != q.in.Policy.Digest() || !in.Orders.none() || len(in.Adopted.Entries) > 0 || in.Foreign != nil {
		return nil
	}
	if in.Snapshot != q.in.Snapshot || in.Trusted != q.in.Trusted || in.ReportOnly != q.in.ReportOnly || in.System != q.in.System {
		return nil
	}
	if in.Tenant != q.in.Tenant || in.Endpoint != q.in.Endpoint || in.Hostname != q.in.Hostname || in.User != q.in.User || !maps.Equal(in.Labels, q.in.Labels) {
		return nil
	}
	return q.plan
}
