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
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/spool"
)

// Repository is where the tenant's jobs are.
type Repository struct {
	URL    string `json:"url"`
	Branch string `json:"branch"`
}

// Generation tells the server which copy of an endpoint is speaking.
type Generation struct {
	Number int64   `json:"number"`
	Mark   *string `json:"mark"`
	Next   *string `json:"next"`
}

// Succession is a signing key's word on which key follows it.
type Succession struct {
	Old       string    `json:"old"`
	New       string    `json:"new"`
	At        time.Time `json:"at"`
	Message   string    `json:"message"`
	Signature string    `json:"signature"`
}

// Signers is whose signature the server's commits carry, and how older keys handed over.
type Signers struct {
	Current     string       `json:"current"`
	Successions []Succession `json:"successions"`
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
	Generation     int64             `json:"generation"`
	Signers        Signers           `json:"signers"`
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
	Signers        Signers           `json:"signers"`
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
	Clock         *Clock      `json:"clock,omitempty"`
	Generation    *Generation `json:"generation,omitempty"`
}

// Clock is how far this machine's clock is ahead of the server's, as measured with an answer.
type Clock struct {
	OffsetMS    int64 `json:"offset_ms"`
	RoundTripMS int64 `json:"round_trip_ms"`
}

// HeartbeatAnswer is the server's view.
type HeartbeatAnswer struct {
	ServerTime     time.Time         `json:"server_time"`
	HeadCommit     string            `json:"head_commit"`
	Labels         map[string]string `json:"labels"`
	TokenExpiresAt time.Time         `json:"token_expires_at"`
	Generation     int64             `json:"generation"`
}

// Codes with which the server refuses an endpoint for good, until somebody does something.
const (
	CodeLocked     = "endpoint_locked"     // there are two copies of it
	CodeSuperseded = "endpoint_superseded" // another copy goes on as it
	CodeRevoked    = "endpoint_revoked"
)

// Token is a fresh endpoint token.
type Token struct {
	Token      string    `json:"token"`
	ExpiresAt  time.Time `json:"token_expires_at"`
	Generation int64     `json:"generation"`
}

// Rotation is which endpoint asks for a token.
type Rotation struct {
	Tenant     uuid.UUID
	Endpoint   uuid.UUID
	Generation Generation
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
func RotationMessage(r Rotation, timestamp, nonce string) []byte {
	mark, next := "-", "-"
	if r.Generation.Mark != nil {
		mark = *r.Generation.Mark
	}
	if r.Generation.Next != nil {
		next = *r.Generation.Next
	}
	return []byte(strings.Join([]string{"crontopus-rotate-v2", r.Tenant.String(), r.Endpoint.String(), timestamp, nonce,
		strconv.FormatInt(r.Generation.Number, 10), mark, next}, "\n"))
}

// RotateToken asks for a fresh token, signed by the endpoint's key: a token that is no longer valid does not matter.
// at is the server's time.
func (c *Client) RotateToken(ctx context.Context, r Rotation, key ed25519.PrivateKey, at time.Time) (*Token, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	nonce := hex.EncodeToString(random[:])
	timestamp := at.UTC().Format(time.RFC3339)
	signature := ed25519.Sign(key, RotationMessage(r, timestamp, nonce))
	body := map[string]any{"tenant_id": r.Tenant, "endpoint_id": r.Endpoint, "generation": r.Generation,
		"timestamp": timestamp, "nonce": nonce, "signature": base64.StdEncoding.EncodeToString(signature)}
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
