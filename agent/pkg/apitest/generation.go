package apitest

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
)

// standing is what the real server keeps to tell an endpoint from its copies (backend: endpoints/generations.py).
type standing struct {
	number, floor int64
	mark, before  string
	locked        bool
	revoked       bool
}

// refusal is the code to answer with; "" when the copy that speaks may go on.
func (s *standing) refusal(shown *api.Generation, mayClaim bool) string {
	switch {
	case s.revoked:
		return api.CodeRevoked
	case s.locked:
		return api.CodeLocked
	case shown == nil:
		return ""
	}
	mark, next := said(shown.Mark), said(shown.Next)
	again := next != "" && next == s.mark && mark == s.before
	switch {
	case again:
	case shown.Number < s.floor && (s.mark != "" || !mayClaim):
		return api.CodeSuperseded
	case s.mark == "" && next != "":
		s.number, s.mark, s.before = max(s.number, s.floor)+1, next, mark
	case mark != s.mark:
		s.locked = true
		return api.CodeLocked
	case next != "" && next != s.mark:
		s.number, s.mark, s.before = s.number+1, next, mark
	}
	return ""
}

func said(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// refuse answers as the real server does; a lock ends all tokens.
func (s *Server) refuse(w http.ResponseWriter, code string) {
	if code == api.CodeLocked {
		s.tokens = nil
	}
	problem(w, http.StatusForbidden, code, "refused for the test")
}

// Unlock lets the next copy that shows its key go on.
func (s *Server) Unlock() {
	s.Update(func() {
		n := s.standing.number + 1
		s.standing = standing{number: n, floor: n}
	})
}

// Locked tells whether two copies were noticed.
func (s *Server) Locked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.standing.locked
}

type rotation struct {
	Tenant     uuid.UUID      `json:"tenant_id"`
	Endpoint   uuid.UUID      `json:"endpoint_id"`
	Generation api.Generation `json:"generation"`
	Timestamp  string         `json:"timestamp"`
	Nonce      string         `json:"nonce"`
	Signature  string         `json:"signature"`
}

func (s *Server) rotate(w http.ResponseWriter, r *http.Request) {
	var body rotation
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error())
		return
	}
	at, timeErr := time.Parse(time.RFC3339, body.Timestamp)
	signature, err := base64.StdEncoding.DecodeString(body.Signature)
	s.mu.Lock()
	defer s.mu.Unlock()
	who := api.Rotation{Tenant: s.Tenant, Endpoint: s.Endpoint, Generation: body.Generation}
	message := api.RotationMessage(who, body.Timestamp, body.Nonce)
	if err != nil || timeErr != nil || time.Since(at).Abs() > 5*time.Minute || s.nonces[body.Nonce] || !ed25519.Verify(s.key, message, signature) {
		problem(w, http.StatusUnauthorized, "invalid_signature", "the rotation is not signed by this endpoint")
		return
	}
	s.nonces[body.Nonce] = true
	if code := s.standing.refusal(&body.Generation, true); code != "" {
		s.refuse(w, code)
		return
	}
	if s.losing > 0 {
		s.losing--
		panic(http.ErrAbortHandler) // the answer is lost, what it was about is not
	}
	token, expires := s.newToken()
	answer(w, http.StatusOK, api.Token{Token: token, ExpiresAt: expires, Generation: s.standing.number})
}

// LoseRotations makes the answers to the next n rotations disappear on their way.
func (s *Server) LoseRotations(n int) { s.Update(func() { s.losing = n }) }
