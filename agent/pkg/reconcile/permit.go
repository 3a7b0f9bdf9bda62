package reconcile

import (
	"fmt"
	"strings"

	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/policy"
)

// readPolicies reads the tenant's policies. One that is broken counts as a problem, and so holds back removals;
// the server, which refuses such a file, is the one that enforces them.
func (p *planner) readPolicies() {
	for _, f := range p.in.Snapshot.Policies {
		m, err := manifest.ParseDocument(f.Path, f.Data)
		if err != nil {
			p.problem(err)
			continue
		}
		if found, ok := m.(*manifest.Policy); ok {
			p.policies = append(p.policies, found)
		}
	}
}

// permitted asks the endpoint's policy, which Git cannot override, then the tenant's.
func (p *planner) permitted(c *candidate, job *manifest.Job) bool {
	c.policy = p.in.Policy.Digest()
	user := job.User
	if user == "" {
		user = p.in.User
	}
	if found := p.in.Policy.Check(job, user); len(found) > 0 {
		p.forbid(c, policy.Text(found))
		return false
	}
	if most := p.in.Policy.MaxJobs(); most > 0 && p.accepted >= most {
		p.forbid(c, fmt.Sprintf("this endpoint takes %d jobs at most", most))
		return false
	}
	var refused, warned []policy.Violation
	for _, v := range policy.Check(job, p.policies) {
		if v.Refuses() {
			refused = append(refused, v)
		} else {
			warned = append(warned, v)
		}
	}
	if len(refused) > 0 {
		p.stall(c, "PolicyViolation", policy.Text(refused))
		return false
	}
	p.accepted++
	c.warning = policy.Text(warned)
	return true
}

// forbid is what the endpoint's own policy does to a job. What is applied stays only if this very policy let
// it pass: a stricter policy is meant for what runs already, too.
func (p *planner) forbid(c *candidate, message string) {
	passed := c.policy
	p.stall(c, "EndpointPolicy", message)
	if c.want && c.policy != passed {
		c.want, c.absent = false, "the endpoint's policy forbids it: "+strings.TrimSpace(message)
	}
}
