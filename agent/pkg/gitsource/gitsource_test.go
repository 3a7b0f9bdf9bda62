package gitsource_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/apitest"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/manifest"
)

func setup(t *testing.T) (*apitest.Server, gitsource.Remote) {
	t.Helper()
	s := apitest.New(t)
	client, err := api.New(s.URL, func() string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	e, err := client.Enroll(t.Context(), api.EnrollRequest{Token: s.EnrolToken, PublicKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return s, gitsource.Remote{URL: e.Repository.URL, Branch: e.Repository.Branch, Token: e.Token}
}

func fetch(t *testing.T, src *gitsource.Source, remote gitsource.Remote, applied string) string {
	t.Helper()
	head, err := src.Fetch(t.Context(), remote, applied)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestFetchAndRead(t *testing.T) {
	s, remote := setup(t)
	for name, path := range map[string]string{"disk": filepath.Join(t.TempDir(), "r.git"), "memory": ""} {
		t.Run(name, func(t *testing.T) {
			src := gitsource.New(path)
			first := fetch(t, src, remote, "")
			if first != s.Repo.Head() {
				t.Fatalf("head %s, want %s", first, s.Repo.Head())
			}
			second := s.Push(map[string]string{"default/a-" + name + ".yaml": "one", "default/b.yml": "two", "default/deep/c.yaml": "no",
				"discovered/d.yaml": "no", ".crontopus/policy.yaml": "no", "top.yaml": "no", "default/readme.md": "no",
				"big/big.yaml": strings.Repeat("x", manifest.MaxBytes+100)})
			if got := fetch(t, src, remote, first); got != second {
				t.Fatalf("head %s, want %s", got, second)
			}
			snap, err := src.Read(second)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(snap.Tenant), s.Tenant.String()) {
				t.Errorf("tenant file: %q", snap.Tenant)
			}
			var paths []string
			for _, f := range snap.Files {
				paths = append(paths, f.Path)
				if len(f.Data) > manifest.MaxBytes+1 {
					t.Errorf("%s: read %d bytes", f.Path, len(f.Data))
				}
			}
			if got := strings.Join(paths, " "); !strings.HasPrefix(got, "big/big.yaml default/a-") || !strings.HasSuffix(got, " default/b.yml") {
				t.Errorf("files: %s", got)
			}
			old, err := src.Read(first)
			if err != nil || len(old.Files) >= len(snap.Files) {
				t.Errorf("old commit: %v, %v", old, err)
			}
		})
	}
}

func TestRewoundHistoryIsRefused(t *testing.T) {
	s, remote := setup(t)
	src := gitsource.New(filepath.Join(t.TempDir(), "r.git"))
	applied := s.Push(map[string]string{"default/a.yaml": "one"})
	fetch(t, src, remote, "")
	rewound := s.Repo.Rewind(map[string]string{"default/a.yaml": "evil"})
	head, err := src.Fetch(t.Context(), remote, applied)
	if !errors.Is(err, gitsource.ErrRewound) || head != rewound {
		t.Fatalf("head %s, error %v", head, err)
	}
	if _, err := src.Read(applied); err != nil {
		t.Errorf("the applied commit is gone: %v", err)
	}
	if _, err := src.Fetch(t.Context(), remote, ""); err != nil {
		t.Errorf("accepted rewind: %v", err)
	}
	// A copy that was lost and fetched anew must not forget what was applied.
	fresh := gitsource.New(filepath.Join(t.TempDir(), "r.git"))
	if _, err := fresh.Fetch(t.Context(), remote, applied); !errors.Is(err, gitsource.ErrRewound) {
		t.Errorf("fresh copy: %v", err)
	}
}

func TestFetchFailures(t *testing.T) {
	s, remote := setup(t)
	dir := filepath.Join(t.TempDir(), "r.git")
	src := gitsource.New(dir)
	head := fetch(t, src, remote, "")

	bad := remote
	bad.Token = "wrong"
	if _, err := src.Fetch(t.Context(), bad, ""); !errors.Is(err, gitsource.ErrUnauthorized) {
		t.Errorf("wrong token: %v", err)
	}
	bad = remote
	bad.URL = "file:///etc"
	if _, err := src.Fetch(t.Context(), bad, ""); err == nil {
		t.Error("file:// was accepted")
	}
	bad = remote
	bad.Branch = "nope"
	if _, err := src.Fetch(t.Context(), bad, ""); !errors.Is(err, gitsource.ErrEmpty) {
		t.Errorf("missing branch: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Fetch(gone, remote, ""); err == nil {
		t.Error("cancelled fetch succeeded")
	}
	s.SetDown(true)
	if _, err := src.Fetch(t.Context(), remote, ""); err == nil {
		t.Error("fetch from a server that is down succeeded")
	}
	if _, err := src.Read(head); err != nil {
		t.Errorf("the cached commit is gone: %v", err)
	}
	s.SetDown(false)
	s.Repo.DeleteBranch()
	if _, err := src.Fetch(t.Context(), remote, head); !errors.Is(err, gitsource.ErrEmpty) {
		t.Errorf("empty repository: %v", err)
	}
}

func TestBrokenCopyIsReplaced(t *testing.T) {
	_, remote := setup(t)
	dir := filepath.Join(t.TempDir(), "r.git")
	head := fetch(t, gitsource.New(dir), remote, "")
	if err := os.Remove(filepath.Join(dir, "HEAD")); err != nil {
		t.Fatal(err)
	}
	src := gitsource.New(dir)
	fetch(t, src, remote, head)
	if _, err := src.Read(head); err != nil {
		t.Fatal(err)
	}
}
