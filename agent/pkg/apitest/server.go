// Package apitest is a Crontopus server for the agent's tests: the agent's part of the API over real HTTP,
// and a real repository behind git's own `git http-backend`.
package apitest

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/spool"
)

// Server is the fake. Everything it received can be read back.
type Server struct {
	*httptest.Server
	Repo       *Repo
	Tenant     uuid.UUID
	Endpoint   uuid.UUID
	EnrolToken string

	mu         sync.Mutex
	url        string
	changed    chan struct{} // closed and replaced at every change
	tokens     []string      // valid ones; the last is the newest
	key        ed25519.PublicKey
	labels     map[string]string
	lifetime   time.Duration
	head       string
	down       bool
	nonces     map[string]bool
	records    []spool.Record
	events     map[uuid.UUID]bool
	heartbeats []api.Heartbeat
	reject     func(spool.Record) string
	enrolled   int
	standing   standing
	losing     int
	signer     api.Signers
}

// New starts a server with a fresh repository that is marked as the tenant's.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{Tenant: uuid.New(), Endpoint: uuid.New(), EnrolToken: "ctp_enr_test", changed: make(chan struct{}),
		labels: map[string]string{}, lifetime: time.Hour, nonces: map[string]bool{}, events: map[uuid.UUID]bool{}}
	s.Repo = NewRepo(t, s.Tenant)
	s.head = s.Repo.Head()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/endpoints/enroll", s.enroll)
	mux.HandleFunc("GET /api/v1/endpoints/self", s.auth(s.self))
	mux.HandleFunc("POST /api/v1/endpoints/self/heartbeat", s.auth(s.heartbeat))
	mux.HandleFunc("POST /api/v1/endpoints/self/rotate-token", s.rotate) // signed: no token is needed
	mux.HandleFunc("GET /api/v1/endpoints/self/stream", s.auth(s.stream))
	mux.HandleFunc("POST /api/v1/check-ins/batch", s.auth(s.checkIns))
	mux.Handle("/git/", http.StripPrefix("/git", s.gitAuth(s.Repo.Handler())))
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isDown() {
			problem(w, http.StatusServiceUnavailable, "unavailable", "down for the test")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	s.Start() // not before s.Server is set: handlers read its URL
	s.Update(func() { s.url = s.URL })
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// Update changes the server under its lock and wakes streams and waiters.
func (s *Server) Update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Push commits files to the repository ("" deletes one) and announces the new head.
func (s *Server) Push(files map[string]string) string {
	head := s.Repo.Commit(files)
	s.Announce()
	return head
}

// Announce tells streams of the repository's head.
func (s *Server) Announce() { s.Update(func() { s.head = s.Repo.Head() }) }

// SetLabels changes the endpoint's labels.
func (s *Server) SetLabels(labels map[string]string) { s.Update(func() { s.labels = labels }) }

// SetDown makes every request answer 503, and ends the streams.
func (s *Server) SetDown(down bool) { s.Update(func() { s.down = down }) }

// SetURL is the address the server gives of its repository, such as one that only a proxy knows.
func (s *Server) SetURL(url string) { s.Update(func() { s.url = url }) }

// SetTokenLife is how long tokens given from now on live.
func (s *Server) SetTokenLife(d time.Duration) { s.Update(func() { s.lifetime = d }) }

// RejectWith makes check-ins for which f gives a code be rejected.
func (s *Server) RejectWith(f func(spool.Record) string) { s.Update(func() { s.reject = f }) }

// Revoke makes all tokens invalid, and the key.
func (s *Server) Revoke() { s.Update(func() { s.tokens, s.standing.revoked = nil, true }) }

// SetSigners is whose signature the server says its commits carry.
func (s *Server) SetSigners(signers api.Signers) { s.Update(func() { s.signer = signers }) }

// Records are the check-ins accepted, each event once, in order of arrival.
func (s *Server) Records() []spool.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

// Heartbeats received.
func (s *Server) Heartbeats() []api.Heartbeat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heartbeats)
}

// Await blocks until ok, which is asked after every change of the server, or fails the test.
func (s *Server) Await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	s.AwaitFor(t, 30*time.Second, what, ok)
}

// AwaitFor is Await with another limit.
func (s *Server) AwaitFor(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	over := time.After(limit)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("waited %s for %s", limit, what)
		}
	}
}

func (s *Server) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"about:blank","title":%q,"status":%d,"detail":%q,"code":%q}`, http.StatusText(status), status, detail, code)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// valid accepts the newest token, and the one before until the newest is used.
func (s *Server) valid(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.tokens, token)
	if i < 0 {
		return false
	}
	s.tokens = s.tokens[i:]
	return true
}

func (s *Server) auth(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !s.valid(token) {
			problem(w, http.StatusUnauthorized, "unauthenticated", "the token is not valid")
			return
		}
		next(w, r)
	}
}

func (s *Server) gitAuth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, ok := r.BasicAuth(); !ok || !s.valid(password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) newToken() (string, time.Time) {
	token := "ctp_ep_" + uuid.NewString()
	s.tokens = append(s.tokens, token)
	return token, time.Now().Add(s.lifetime).UTC()
}

func (s *Server) repository() api.Repository {
	return api.Repository{URL: s.url + "/git/" + RepoName, Branch: "main"}
}

func (s *Server) enroll(w http.ResponseWriter, r *http.Request) {
	var req api.EnrollRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error())
		return
	}
	if req.Token != s.EnrolToken {
		problem(w, http.StatusUnauthorized, "invalid_enrollment_token", "unknown enrolment token")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = req.PublicKey
	s.enrolled++
	s.standing = standing{}
	labels := maps.Clone(s.labels) // streams hold on to the old map
	maps.Copy(labels, req.Labels)
	s.labels = labels
	token, expires := s.newToken()
	answer(w, http.StatusCreated, api.Enrollment{EndpointID: s.Endpoint, TenantID: s.Tenant, TenantSlug: "acme", Name: req.Hostname,
		Token: token, TokenExpiresAt: expires, Repository: s.repository(), Labels: s.labels, ServerTime: time.Now().UTC(),
		Signers: s.signer})
}

func (s *Server) self(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, api.Self{EndpointID: s.Endpoint, TenantID: s.Tenant, TenantSlug: "acme", Labels: s.labels,
		Repository: s.repository(), HeadCommit: s.head, ServerTime: time.Now().UTC(), Signers: s.signer})
}

func (s *Server) heartbeat(w http.ResponseWriter, r *http.Request) {
	var h api.Heartbeat
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error())
		return
	}
	s.Update(func() { s.heartbeats = append(s.heartbeats, h) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.standing.refusal(h.Generation, false); code != "" {
		s.refuse(w, code)
		return
	}
	answer(w, http.StatusOK, api.HeartbeatAnswer{ServerTime: time.Now().UTC(), HeadCommit: s.head, Labels: s.labels,
		Generation: s.standing.number})
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	var head string
	var labels map[string]string
	for {
		s.mu.Lock()
		changed, now, nowLabels, down := s.changed, s.head, s.labels, s.down
		s.mu.Unlock()
		if down {
			return
		}
		if now != head {
			head = now
			fmt.Fprintf(w, ": hello\n\nevent: head\ndata: {\"commit\":%q}\n\n", head)
		}
		if data, err := json.Marshal(nowLabels); err == nil && labels != nil && !mapsEqual(labels, nowLabels) {
			fmt.Fprintf(w, "event: labels\ndata: {\"labels\":%s}\n\n", data)
		}
		labels = nowLabels
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func mapsEqual(a, b map[string]string) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func (s *Server) checkIns(w http.ResponseWriter, r *http.Request) {
	var body struct{ Items []spool.Record }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Items) > 1000 {
		problem(w, http.StatusUnprocessableEntity, "invalid", "bad batch")
		return
	}
	var results []spool.Result
	s.Update(func() {
		for _, item := range body.Items {
			res := spool.Result{EventID: item.EventID, RunID: item.RunID, Status: spool.StatusAccepted}
			code := ""
			if s.reject != nil {
				code = s.reject(item)
			}
			switch {
			case code != "":
				res.Status, res.Code = spool.StatusRejected, code
			case s.events[item.EventID]:
				res.Status = spool.StatusDuplicate
			default:
				s.events[item.EventID] = true
				s.records = append(s.records, item)
			}
			results = append(results, res)
		}
	})
	answer(w, http.StatusOK, map[string]any{"results": results})
}
