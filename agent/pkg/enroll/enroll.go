package enroll

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/version"
)

// Enroller is the part of the API client that enrolment needs.
type Enroller interface {
	Enroll(ctx context.Context, req api.EnrollRequest) (*api.Enrollment, error)
}

// Request is one enrolment.
type Request struct {
	Server string
	Token  string
	Labels map[string]string
	Force  bool // replace an enrolment that is there
}

// ErrAlreadyEnrolled means that Force is needed.
var ErrAlreadyEnrolled = errors.New("this machine is already enrolled")

// Enroll makes this machine an endpoint and keeps what the server gave.
func (s *Store) Enroll(ctx context.Context, client Enroller, req Request, now time.Time) (*Identity, error) {
	if id, err := s.Load(); err == nil && !req.Force {
		return id, fmt.Errorf("%w: as %q with %s", ErrAlreadyEnrolled, id.Name, id.Server)
	}
	hostname, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("own host name: %w", err)
	}
	key, err := s.Key()
	if err != nil {
		return nil, err
	}
	machine, err := s.MachineID()
	if err != nil {
		return nil, err
	}
	if _, err := s.Installation(); err != nil {
		return nil, err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the endpoint's key is not an Ed25519 key")
	}
	got, err := client.Enroll(ctx, api.EnrollRequest{Token: req.Token, Hostname: hostname, Platform: runtime.GOOS,
		Arch: runtime.GOARCH, AgentVersion: version.Version, PublicKey: public, MachineID: machine, Labels: req.Labels})
	if err != nil {
		return nil, err
	}
	// Token first: an identity without one would not load.
	if err := s.SetToken(got.Token, now, now.Add(got.TokenExpiresAt.Sub(got.ServerTime))); err != nil {
		return nil, err
	}
	id := &Identity{Server: req.Server, EndpointID: got.EndpointID, TenantID: got.TenantID, TenantSlug: got.TenantSlug,
		Name: got.Name, Hostname: hostname, Repository: got.Repository, Labels: got.Labels, EnrolledAt: now.UTC()}
	return id, s.SaveIdentity(id)
}
