package api

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/spool"
)

// Repository is where the tenant's jobs are.
type Repository struct {
	URL    string `json:"url"`
	Branch string `json:"branch"`
}

// EnrollRequest is POST /endpoints/enroll.
type EnrollRequest struct {
	Token        string            `json:"token"`
	Hostname     string            `json:"hostname"`
	Platform     string            `json:"platform"`
	Arch         string            `json:"arch"`
	AgentVersion string            `json:"agent_version"`
	PublicKey    []byte            `json:"public_key"`
	MachineID    string            `json:"machine_id"`
	Labels       map[string]string `json:"labels,omitempty"`
}

// Enrollment is what the server makes of it.
type Enrollment struct {
	EndpointID     uuid.UUID         `json:"endpoint_id"`
	TenantID       uuid.UUID         `json:"tenant_id"`
	TenantSlug     string            `json:"tenant_slug"`
	Name           string            `json:"name"`
	Token          string            `json:"token"`
	TokenExpiresAt time.Time         `json:"token_expires_at"`
	Repository     Repository        `json:"repository"`
	Labels         map[string]string `json:"labels"`
	ServerTime     time.Time         `json:"server_time"`
}

// Self is GET /endpoints/self.
type Self struct {
	EndpointID     uuid.UUID         `json:"endpoint_id"`
	TenantID       uuid.UUID         `json:"tenant_id"`
	TenantSlug     string            `json:"tenant_slug"`
	Name           string            `json:"name"`
	Hostname       string            `json:"hostname"`
	Labels         map[string]string `json:"labels"`
	Repository     Repository        `json:"repository"`
	HeadCommit     string            `json:"head_commit"`
	TokenExpiresAt time.Time         `json:"token_expires_at"`
	ServerTime     time.Time         `json:"server_time"`
}

// Condition is the state of one instance on this endpoint.
type Condition struct {
	JobID      uuid.UUID `json:"job_id"`
	InstanceID uuid.UUID `json:"instance_id"`
	Type       string    `json:"type"`
	Reason     string    `json:"reason"`
	Message    string    `json:"message"`
}

// SpoolState is how much is still to be shipped.
type SpoolState struct {
	Pending int `json:"pending"`
}

// Heartbeat is POST /endpoints/self/heartbeat.
type Heartbeat struct {
	AgentVersion  string      `json:"agent_version"`
	FetchedCommit *string     `json:"fetched_commit"`
	AppliedCommit *string     `json:"applied_commit"`
	Conditions    []Condition `json:"conditions"`
	Spool         SpoolState  `json:"spool"`
	SentAt        time.Time   `json:"sent_at"`
}

// HeartbeatAnswer is the server's view.
type HeartbeatAnswer struct {
	ServerTime     time.Time         `json:"server_time"`
	HeadCommit     string            `json:"head_commit"`
	Labels         map[string]string `json:"labels"`
	TokenExpiresAt time.Time         `json:"token_expires_at"`
}

// Token is a fresh endpoint token.
type Token struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"token_expires_at"`
}

// Enroll trades an enrolment token for an identity.
func (c *Client) Enroll(ctx context.Context, req EnrollRequest) (*Enrollment, error) {
	var out Enrollment
	if err := c.do(ctx, http.MethodPost, "/endpoints/enroll", req, &out); err != nil {
		return nil, err
	}
	if out.EndpointID == uuid.Nil || out.TenantID == uuid.Nil || out.Token == "" || out.Repository.URL == "" {
		return nil, fmt.Errorf("%s does not answer like a Crontopus server: the enrolment is incomplete", c.base)
	}
	return &out, nil
}

// Self asks who this endpoint is.
func (c *Client) Self(ctx context.Context) (*Self, error) {
	var out Self
	if err := c.do(ctx, http.MethodGet, "/endpoints/self", nil, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// Heartbeat reports this endpoint's state.
func (c *Client) Heartbeat(ctx context.Context, h Heartbeat) (*HeartbeatAnswer, error) {
	if h.Conditions == nil {
		h.Conditions = []Condition{}
	}
	var out HeartbeatAnswer
	if err := c.do(ctx, http.MethodPost, "/endpoints/self/heartbeat", h, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RotationMessage is what the endpoint's key signs.
func RotationMessage(endpoint uuid.UUID, timestamp, nonce string) []byte {
	return []byte("crontopus-rotate-v1\n" + endpoint.String() + "\n" + timestamp + "\n" + nonce)
}

// RotateToken asks for a fresh token, signed by the endpoint's key. at is the server's time.
func (c *Client) RotateToken(ctx context.Context, endpoint uuid.UUID, key ed25519.PrivateKey, at time.Time) (*Token, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	nonce := hex.EncodeToString(random[:])
	timestamp := at.UTC().Format(time.RFC3339)
	signature := ed25519.Sign(key, RotationMessage(endpoint, timestamp, nonce))
	body := map[string]string{"timestamp": timestamp, "nonce": nonce, "signature": base64.StdEncoding.EncodeToString(signature)}
	var out Token
	if err := c.do(ctx, http.MethodPost, "/endpoints/self/rotate-token", body, &out); err != nil {
		return nil, err
	}
	if out.Token == "" {
		return nil, errors.New("the server answered the rotation without a token")
	}
	return &out, nil
}

// CheckIns ships a batch; the results stand in the order of the records.
func (c *Client) CheckIns(ctx context.Context, batch []spool.Record) ([]spool.Result, error) {
	var out struct {
		Results []spool.Result `json:"results"`
	}
	err := c.do(ctx, http.MethodPost, "/check-ins/batch", map[string]any{"items": batch}, &out)
	if HasStatus(err, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity) {
		return nil, fmt.Errorf("%w: %w", spool.ErrRefused, err)
	}
	return out.Results, err
}
