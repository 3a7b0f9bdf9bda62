package enroll

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
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
	// A new enrolment gets a new key: whoever has a copy of the old one has no part in it.
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
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
	return s.keep(req, key, hostname, got, now)
}

// keep writes the identity last: without it, whatever was killed before, this machine counts as not enrolled.
func (s *Store) keep(req Request, key ed25519.PrivateKey, hostname string, got *api.Enrollment, now time.Time) (*Identity, error) {
	if err := s.dir.Remove(identityFile); err != nil {
		return nil, err
	}
	if err := s.dir.WriteJSON(keyFile, storedKey{key.Seed()}); err != nil {
		return nil, err
	}
	if err := s.dir.WriteJSON(generationFile, generation{Number: got.Generation}); err != nil {
		return nil, err
	}
	if got.Signers.Current != "" {
		if err := s.Pin(got.Signers.Current); err != nil {
			return nil, err
		}
	}
	if err := s.SetToken(got.Token, now, now.Add(got.TokenExpiresAt.Sub(got.ServerTime))); err != nil {
		return nil, err
	}
	id := &Identity{Server: req.Server, EndpointID: got.EndpointID, TenantID: got.TenantID, TenantSlug: got.TenantSlug,
		Name: got.Name, Hostname: hostname, Repository: got.Repository, Labels: got.Labels, EnrolledAt: now.UTC()}
	return id, s.SaveIdentity(id)
}
