// Package gitsource brings the tenant's repository to the machine: fetched over HTTP with the endpoint's
// token, bounded in time and size, kept on disk so that the last good commit outlives the network.
package gitsource

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

var (
	// ErrRewound means that the branch no longer contains the commit applied here.
	ErrRewound = errors.New("the branch was rewound: its head does not descend from the commit applied on this machine")
	// ErrEmpty means that the branch does not exist, which is never "no jobs".
	ErrEmpty = errors.New("the repository has no such branch yet")
	// ErrUnsigned means that a commit is not signed by whom the policy asks for.
	ErrUnsigned = errors.New("the repository has a commit that is not signed as this machine's policy asks")
	// ErrUnauthorized means that the repository refused the endpoint's token.
	ErrUnauthorized = errors.New("the repository refused this endpoint's token")
)

// Remote is where to fetch from.
type Remote struct {
	URL    string
	Branch string
	Token  string
	Trust  Trust // the zero value asks for no signature
}

// Source is a local copy of one branch. It is not safe for concurrent use.
type Source struct {
	path string // "" = in memory
	mem  *git.Repository
	last *Snapshot // what Read gave; in most rounds the head is the same
}

// maxPacks is how many fetches may pile up before the copy is made afresh: go-git does not repack.
const maxPacks = 200

const remoteRef = plumbing.ReferenceName("refs/remotes/origin/head")

// New keeps the copy in a directory of its own; path "" keeps it in memory (for looking only).
func New(path string) *Source {
	installHTTP()
	return &Source{path: path}
}

// Fetch brings the branch here and returns its head. applied is the commit applied last ("" = none yet):
// a head that does not descend from it is refused with ErrRewound.
func (s *Source) Fetch(ctx context.Context, remote Remote, applied string) (string, error) {
	if err := checkURL(remote.URL); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	repo, done, err := s.open()
	if err != nil {
		return "", err
	}
	head, err := fetchUntilKnown(ctx, repo, remote, plumbing.NewHash(applied))
	return head, errors.Join(err, done())
}

// depths are how deep a fetch looks, one after the other, until it can tell how the head and the applied commit are
// related. The last one is Git's "everything".
var depths = []int{1, 16, 128, 1024, 0x7fffffff}

func fetchUntilKnown(ctx context.Context, repo *git.Repository, remote Remote, applied plumbing.Hash) (string, error) {
	for _, depth := range depths {
		head, err := fetch(ctx, repo, remote, depth)
		if err != nil {
			return "", err
		}
		err = accept(ctx, repo, remote.Trust, applied, head)
		if !errors.Is(err, errTooShallow) {
			return head.String(), err
		}
	}
	return "", fmt.Errorf("fetch %s: the history has gaps", remote.URL)
}

// accept decides on a head. errTooShallow: not enough is here for that.
func accept(ctx context.Context, repo *git.Repository, trust Trust, applied, head plumbing.Hash) error {
	if applied != head && !applied.IsZero() {
		if err := descends(ctx, repo, applied, head); err != nil {
			return err
		}
	}
	return trust.check(ctx, repo, applied, head)
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return fmt.Errorf("repository address %q is not http or https", raw)
	}
	return nil
}

func fetch(ctx context.Context, repo *git.Repository, remote Remote, depth int) (plumbing.Hash, error) {
	spec := config.RefSpec("+refs/heads/" + remote.Branch + ":" + remoteRef.String())
	if err := spec.Validate(); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("branch %q: %w", remote.Branch, err)
	}
	r := git.NewRemote(repo.Storer, &config.RemoteConfig{Name: "origin", URLs: []string{remote.URL}})
	err := r.FetchContext(ctx, &git.FetchOptions{
		RemoteURL: remote.URL, RefSpecs: []config.RefSpec{spec}, Tags: git.NoTags, Force: true, Depth: depth,
		Auth: &githttp.BasicAuth{Username: "agent", Password: remote.Token},
	})
	var noMatch git.NoMatchingRefSpecError
	switch {
	case err == nil || errors.Is(err, git.NoErrAlreadyUpToDate):
	case errors.Is(err, errTooLarge) || errors.Is(err, errTooMany):
		return plumbing.ZeroHash, fmt.Errorf("fetch %s: %w", remote.URL, err)
	case errors.Is(err, transport.ErrEmptyRemoteRepository) || errors.As(err, &noMatch):
		return plumbing.ZeroHash, ErrEmpty
	case errors.Is(err, transport.ErrAuthenticationRequired) || errors.Is(err, transport.ErrAuthorizationFailed):
		return plumbing.ZeroHash, ErrUnauthorized
	default:
		return plumbing.ZeroHash, fmt.Errorf("fetch %s: %w", remote.URL, err)
	}
	ref, err := repo.Reference(remoteRef, true)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("fetched branch: %w", err)
	}
	return ref.Hash(), nil
}

// open opens the copy, and starts a new one where it is missing, broken or grown into too many pieces. done lets it go.
func (s *Source) open() (repo *git.Repository, done func() error, err error) {
	if s.path == "" {
		repo, err = s.inMemory()
		return repo, func() error { return nil }, err
	}
	packs, err := filepath.Glob(filepath.Join(s.path, "objects", "pack", "*.pack"))
	if err != nil {
		return nil, nil, fmt.Errorf("repository copy: %w", err)
	}
	if len(packs) <= maxPacks {
		if repo, done, err := onDisk(s.path); err == nil {
			return repo, done, nil
		}
	}
	// What is here is a copy: all of it can be fetched again.
	if err := os.RemoveAll(s.path); err != nil {
		return nil, nil, fmt.Errorf("repository copy: %w", err)
	}
	if _, err := git.PlainInit(s.path, true); err != nil {
		return nil, nil, fmt.Errorf("repository copy: %w", err)
	}
	return onDisk(s.path)
}

func (s *Source) inMemory() (*git.Repository, error) {
	if s.mem == nil {
		repo, err := git.Init(memory.NewStorage(), nil)
		if err != nil {
			return nil, fmt.Errorf("repository in memory: %w", err)
		}
		s.mem = repo
	}
	return s.mem, nil
}
