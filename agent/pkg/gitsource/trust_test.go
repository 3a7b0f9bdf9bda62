package gitsource_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/apitest"
	"crontopus.dev/agent/pkg/commitsig"
	"crontopus.dev/agent/pkg/gitsource"
)

func trust(require gitsource.Require, service *apitest.Key, others ...*apitest.Key) gitsource.Trust {
	t := gitsource.Trust{Require: require, Service: []commitsig.Signer{{Key: service.Public}}}
	for _, k := range others {
		t.Others = append(t.Others, commitsig.Signer{Key: k.Public})
	}
	return t
}

func TestOnlySignedCommitsAreAccepted(t *testing.T) {
	service, person, stranger := apitest.NewKey(t), apitest.NewKey(t), apitest.NewKey(t)
	for name, c := range map[string]struct {
		commits []*apitest.Key // who signs one after the other, nil: nobody
		trust   gitsource.Trust
		ok      bool
	}{
		"nothing asked":                     {[]*apitest.Key{nil}, gitsource.Trust{}, true},
		"service: by the service":           {[]*apitest.Key{service}, trust(gitsource.RequireService, service), true},
		"service: unsigned":                 {[]*apitest.Key{nil}, trust(gitsource.RequireService, service), false},
		"service: by a person":              {[]*apitest.Key{person}, trust(gitsource.RequireService, service, person), false},
		"service: by a stranger":            {[]*apitest.Key{stranger}, trust(gitsource.RequireService, service), false},
		"service: unsigned push underneath": {[]*apitest.Key{nil, service}, trust(gitsource.RequireService, service), true},
		"all: service and person":           {[]*apitest.Key{person, service, person}, trust(gitsource.RequireAll, service, person), true},
		"all: unsigned underneath":          {[]*apitest.Key{nil, service}, trust(gitsource.RequireAll, service, person), false},
		"all: a stranger far underneath":    {append([]*apitest.Key{stranger}, repeat(service, 20)...), trust(gitsource.RequireAll, service), false},
		"all: many, all signed":             {repeat(service, 20), trust(gitsource.RequireAll, service), true},
		"a word that no policy knows":       {[]*apitest.Key{service}, trust("sometimes", service), false},
		"nobody pinned":                     {[]*apitest.Key{service}, gitsource.Trust{Require: gitsource.RequireService}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, remote := setup(t)
			src := gitsource.New(filepath.Join(t.TempDir(), "r.git"))
			applied := fetch(t, src, remote, "")
			for i, key := range c.commits {
				s.Repo.SignWith(key)
				s.Push(map[string]string{"default/a.yaml": strings.Repeat("x", i+1)})
			}
			remote.Trust = c.trust
			head, err := src.Fetch(t.Context(), remote, applied)
			if head != s.Repo.Head() {
				t.Errorf("head %s: what was fetched is not told", head)
			}
			if c.ok != (err == nil) || (!c.ok && c.trust.Require != "sometimes" && !errors.Is(err, gitsource.ErrUnsigned)) {
				t.Errorf("%v", err)
			}
		})
	}
}

func repeat(k *apitest.Key, n int) (out []*apitest.Key) {
	for range n {
		out = append(out, k)
	}
	return out
}

func TestAMergeBringsNoUnsignedCommitIn(t *testing.T) {
	service := apitest.NewKey(t)
	for name, c := range map[string]struct {
		side *apitest.Key
		ok   bool
	}{"signed side": {service, true}, "unsigned side": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, remote := setup(t)
			s.Repo.Many(30) // unsigned, and accepted with the first fetch
			src := gitsource.New(filepath.Join(t.TempDir(), "r.git"))
			applied := fetch(t, src, remote, "")
			s.Repo.SignWith(service)
			// The side forks off before the applied commit: what it has in common with it is old.
			s.Repo.Merge(25, c.side, map[string]string{"default/side.yaml": "x"})
			remote.Trust = trust(gitsource.RequireAll, service)
			_, err := src.Fetch(t.Context(), remote, applied)
			if c.ok != (err == nil) || (!c.ok && !errors.Is(err, gitsource.ErrUnsigned)) {
				t.Error(err)
			}
		})
	}
}

func TestARetiredKeySignedOnlyWhatIsOlder(t *testing.T) {
	s, remote := setup(t)
	old := apitest.NewKey(t)
	s.Repo.SignWith(old)
	s.Push(map[string]string{"default/a.yaml": "x"})
	for until, ok := range map[time.Time]bool{time.Now().Add(time.Hour): true, time.Now().Add(-time.Hour): false} {
		remote.Trust = gitsource.Trust{Require: gitsource.RequireService, Service: []commitsig.Signer{{Key: old.Public, Until: until}}}
		if _, err := gitsource.New("").Fetch(t.Context(), remote, ""); ok != (err == nil) {
			t.Errorf("until %s: %v", until, err)
		}
	}
}

func TestFetchesAreShallow(t *testing.T) {
	s, remote := setup(t)
	old := s.Push(map[string]string{"default/a.yaml": "first"})
	s.Repo.Many(40)
	dir := filepath.Join(t.TempDir(), "r.git")
	src := gitsource.New(dir)
	applied := fetch(t, src, remote, "")
	if _, err := src.Read(old); err == nil {
		t.Error("the whole history was fetched")
	}
	for _, more := range []int{1, 5, 40} { // next to the applied one, within the first deepening, beyond it
		s.Repo.Many(more)
		head := fetch(t, src, remote, applied)
		if _, err := src.Read(head); err != nil {
			t.Fatal(err)
		}
		applied = head
	}
	s.Repo.Many(300)
	if got := fetch(t, src, remote, applied); got != s.Repo.Head() {
		t.Error(got)
	}
	// Long after, from nothing: the copy is gone, and what was applied lies deep.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	fetch(t, gitsource.New(dir), remote, applied)
	fetch(t, gitsource.New(""), remote, old)
}

func TestARewindIsSeenHoweverDeep(t *testing.T) {
	s, remote := setup(t)
	src := gitsource.New(filepath.Join(t.TempDir(), "r.git"))
	applied := s.Push(map[string]string{"default/a.yaml": "one"})
	fetch(t, src, remote, "")
	s.Repo.Rewind(map[string]string{"default/a.yaml": "evil"})
	s.Repo.Many(200) // so many that a shallow look does not meet the end of history
	head, err := src.Fetch(t.Context(), remote, applied)
	if !errors.Is(err, gitsource.ErrRewound) || head != s.Repo.Head() {
		t.Errorf("%s, %v", head, err)
	}
	if _, err := src.Read(applied); err != nil {
		t.Errorf("the last good commit is gone: %v", err)
	}
}
