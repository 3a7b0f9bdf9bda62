//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestThroughAProxy gives the server a name that only the proxy knows: enrolment, stream and Git all have to take it.
func TestThroughAProxy(t *testing.T) {
	r := newRig(t)
	target, err := url.Parse(r.srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	passed := map[string]int{}
	forward := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Host != "crontopus.invalid" {
			http.Error(w, "not mine: "+req.URL.String(), http.StatusBadGateway)
			return
		}
		mu.Lock()
		for _, part := range []string{"/enroll", "/stream", "/heartbeat", "/git/"} {
			if strings.Contains(req.URL.Path, part) {
				passed[part]++
			}
		}
		mu.Unlock()
		forward.ServeHTTP(w, req)
	}))
	t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })
	for _, name := range []string{"http_proxy", "no_proxy", "NO_PROXY"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTP_PROXY", proxy.URL)
	r.srv.SetURL("http://crontopus.invalid")

	if out, code := r.agent("enroll", "--server", "http://crontopus.invalid", "--token", r.srv.EnrolToken, "--label", "role=db"); code != 0 {
		t.Fatalf("enroll: %d %s", code, out)
	}
	r.start()
	r.applied(r.srv.Repo.Head())
	began := time.Now()
	r.applied(r.srv.Push(map[string]string{"default/hello.yaml": job}))
	// The poll comes once a minute: what was quicker came by the stream.
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a commit took %s", took)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, part := range []string{"/enroll", "/stream", "/heartbeat", "/git/"} {
		if passed[part] == 0 {
			t.Errorf("%s did not go through the proxy: %v", part, passed)
		}
	}
}
