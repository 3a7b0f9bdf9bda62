// Package enroll is who this endpoint is: the installation's id, the Ed25519 key made on the machine, the
// identity given by the server, and the short-lived token that goes with it.
package enroll

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/statedir"
)

const (
	installationFile = "installation.json"
	identityFile     = "identity.json"
	keyFile          = "key.json"
	tokenFile        = "token.json"
)

// ErrNotEnrolled means that this state directory belongs to no endpoint yet.
var ErrNotEnrolled = errors.New("this machine is not enrolled")

// Identity is what the server gave at enrolment.
type Identity struct {
	Server     string            `json:"server"`
	EndpointID uuid.UUID         `json:"endpoint_id"`
	TenantID   uuid.UUID         `json:"tenant_id"`
	TenantSlug string            `json:"tenant_slug"`
	Name       string            `json:"name"`
	Hostname   string            `json:"hostname"`
	Repository api.Repository    `json:"repository"`
	Labels     map[string]string `json:"labels"` // last known; the server's word
	EnrolledAt time.Time         `json:"enrolled_at"`
}

type token struct {
	Token     string    `json:"token"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Store reads and writes identity, key and token in a state directory. Token is safe for concurrent use.
type Store struct {
	dir *statedir.Dir
	mu  sync.Mutex
	tok token
}

// NewStore uses a state directory.
func NewStore(dir *statedir.Dir) *Store { return &Store{dir: dir} }

// Installation returns the id that marks this installation's entries; made once, it outlives enrolments.
func (s *Store) Installation() (uuid.UUID, error) {
	var v struct {
		ID uuid.UUID `json:"installation_id"`
	}
	err := s.dir.ReadJSON(installationFile, &v)
	if err == nil && v.ID != uuid.Nil {
		return v.ID, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return uuid.Nil, err
	}
	v.ID = uuid.New()
	return v.ID, s.dir.WriteJSON(installationFile, v)
}

// Load reads identity and token; ErrNotEnrolled when there are none.
func (s *Store) Load() (*Identity, error) {
	var id Identity
	err := s.dir.ReadJSON(identityFile, &id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotEnrolled
	}
	if err != nil {
		return nil, err
	}
	var t token
	if err := s.dir.ReadJSON(tokenFile, &t); err != nil {
		return nil, fmt.Errorf("endpoint token: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tok = t
	return &id, nil
}

// Token is the current endpoint token.
func (s *Store) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tok.Token
}

// RotateAt is when the token has lived 75 % of its life.
func (s *Store) RotateAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	life := s.tok.ExpiresAt.Sub(s.tok.IssuedAt)
	return s.tok.IssuedAt.Add(life * 3 / 4)
}

// ExpiresAt is when the token ends.
func (s *Store) ExpiresAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tok.ExpiresAt
}

// SetToken makes a new token durable before it is used for the first time, which ends the old one.
func (s *Store) SetToken(value string, issued, expires time.Time) error {
	t := token{Token: value, IssuedAt: issued.UTC(), ExpiresAt: expires.UTC()}
	if err := s.dir.WriteJSON(tokenFile, t); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tok = t
	return nil
}

// SaveIdentity replaces the identity.
func (s *Store) SaveIdentity(id *Identity) error { return s.dir.WriteJSON(identityFile, id) }

type storedKey struct {
	Seed []byte `json:"ed25519_seed"`
}

// Key is the endpoint's key.
func (s *Store) Key() (ed25519.PrivateKey, error) {
	var v storedKey
	if err := s.dir.ReadJSON(keyFile, &v); err != nil {
		return nil, fmt.Errorf("endpoint key: %w", err)
	}
	if len(v.Seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s holds no Ed25519 key", s.dir.Path(keyFile))
	}
	return ed25519.NewKeyFromSeed(v.Seed), nil
}

// MachineID is stable across reinstalls of the agent in the same place. The system's own id is secret to
// the machine and only enters hashed, together with what tells several agents on one machine apart.
func (s *Store) MachineID() (string, error) {
	for _, id := range systemIDs() {
		if len(id) >= 32 {
			mac := hmac.New(sha256.New, []byte(id))
			mac.Write([]byte("crontopus-machine-v1\n" + strconv.Itoa(os.Getuid()) + "\n" + s.dir.Root()))
			return hex.EncodeToString(mac.Sum(nil)[:16]), nil
		}
	}
	id, err := s.Installation()
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(id.String(), "-", ""), nil
}
