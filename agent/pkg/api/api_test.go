package api_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/apitest"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
)

func enrolled(t *testing.T, s *apitest.Server) (*enroll.Store, *api.Client, *enroll.Identity) {
	t.Helper()
	dir, err := statedir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := enroll.NewStore(dir)
	client, err := api.New(s.URL+"/", store.Token)
	if err != nil {
		t.Fatal(err)
	}
	id, err := store.Enroll(t.Context(), client, enroll.Request{Server: s.URL, Token: s.EnrolToken}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return store, client, id
}

func TestEnrolSelfRotate(t *testing.T) {
	s := apitest.New(t)
	store, client, id := enrolled(t, s)
	if _, err := store.Enroll(t.Context(), client, enroll.Request{Server: s.URL, Token: s.EnrolToken}, time.Now()); !errors.Is(err, enroll.ErrAlreadyEnrolled) {
		t.Errorf("second enrolment: %v", err)
	}
	again, err := store.Load()
	if err != nil || again.EndpointID != s.Endpoint || again.TenantID != s.Tenant {
		t.Fatalf("%+v, %v", again, err)
	}
	if left := time.Until(store.RotateAt()); left < 40*time.Minute || left > 50*time.Minute {
		t.Errorf("rotation in %s of an hour", left)
	}
	key, err := store.Key()
	if err != nil {
		t.Fatal(err)
	}
	shown, err := store.Present(true)
	if err != nil {
		t.Fatal(err)
	}
	who := api.Rotation{Tenant: id.TenantID, Endpoint: id.EndpointID, Generation: shown}
	fresh, err := client.RotateToken(t.Context(), who, key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Accepted(shown, fresh.Generation); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Self(t.Context()); err != nil {
		t.Errorf("the old token ended before the new one was used: %v", err)
	}
	if err := store.SetToken(fresh.Token, time.Now(), fresh.ExpiresAt); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Self(t.Context()); err != nil {
		t.Error(err)
	}
	other := ed25519.NewKeyFromSeed(make([]byte, 32))
	if _, err := client.RotateToken(t.Context(), who, other, time.Now()); !api.HasCode(err, "invalid_signature") {
		t.Errorf("another key: %v", err)
	}
	s.Revoke()
	if _, err := client.Self(t.Context()); !api.HasStatus(err, http.StatusUnauthorized) {
		t.Errorf("revoked: %v", err)
	}
}

func TestStream(t *testing.T) {
	s := apitest.New(t)
	_, client, _ := enrolled(t, s)
	events := make(chan api.Event)
	opened := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- client.Stream(ctx, func() { close(opened) }, func(e api.Event) { events <- e })
	}()
	<-opened
	if e := <-events; e.Commit != s.Repo.Head() {
		t.Errorf("at connect: %+v", e)
	}
	head := s.Push(map[string]string{"default/a.yaml": "x"})
	if e := <-events; e.Commit != head {
		t.Errorf("after a push: %+v", e)
	}
	s.SetLabels(map[string]string{"a": "b"})
	if e := <-events; e.Labels["a"] != "b" {
		t.Errorf("labels: %+v", e)
	}
	stop()
	if err := <-done; err == nil {
		t.Error("a stream ended without saying why")
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"html":    func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"refused": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"huge":    func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(strings.Repeat("x", 9<<20))) },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.Write([]byte("{"))
		},
		"empty": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) },
	} {
		srv := httptest.NewServer(handler)
		c, err := api.New(srv.URL, func() string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Enroll(t.Context(), api.EnrollRequest{}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
	for _, bad := range []string{"", "localhost:8000", "ftp://x", "https://"} {
		if _, err := api.New(bad, nil); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestRefusedBatchesAreToldFromTrouble(t *testing.T) {
	for status, refused := range map[int]bool{400: true, 413: true, 422: true, 401: false, 429: false, 500: false, 503: false} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
		}))
		c, err := api.New(srv.URL, func() string { return "t" })
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.CheckIns(t.Context(), nil)
		var answer *api.Error
		if errors.Is(err, spool.ErrRefused) != refused || !errors.As(err, &answer) || answer.RetryAfter != 7*time.Second {
			t.Errorf("%d: %v", status, err)
		}
		srv.Close()
	}
}
