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
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

var (
	// ErrRewound means that the branch no longer contains the commit applied here.
	ErrRewound = errors.New("the branch was rewound: its head does not descend from the commit applied on this machine")
	// ErrEmpty means that the branch does not exist, which is never "no jobs".
	ErrEmpty = errors.New("the repository has no such branch yet")
	// ErrUnauthorized means that the repository refused the endpoint's token.
	ErrUnauthorized = errors.New("the repository refused this endpoint's token")
)

// Remote is where to fetch from.
type Remote struct {
	URL    string
	Branch string
	Token  string
}

// Source is a local copy of one branch. It is not safe for concurrent use.
type Source struct {
	path string // "" = in memory
	mem  *git.Repository
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
	repo, err := s.open()
	if err != nil {
		return "", err
	}
	head, err := fetch(ctx, repo, remote)
	if err != nil {
		return "", err
	}
	if applied != "" {
		if err := descends(ctx, repo, applied, head); err != nil {
			return head.String(), err
		}
	}
	return head.String(), nil
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return fmt.Errorf("repository address %q is not http or https", raw)
	}
	return nil
}

func fetch(ctx context.Context, repo *git.Repository, remote Remote) (plumbing.Hash, error) {
	spec := config.RefSpec("+refs/heads/" + remote.Branch + ":" + remoteRef.String())
	if err := spec.Validate(); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("branch %q: %w", remote.Branch, err)
	}
	r := git.NewRemote(repo.Storer, &config.RemoteConfig{Name: "origin", URLs: []string{remote.URL}})
	err := r.FetchContext(ctx, &git.FetchOptions{
		RemoteURL: remote.URL, RefSpecs: []config.RefSpec{spec}, Tags: git.NoTags, Force: true,
		Auth: &githttp.BasicAuth{Username: "agent", Password: remote.Token},
	})
	var noMatch git.NoMatchingRefSpecError
	switch {
	case err == nil || errors.Is(err, git.NoErrAlreadyUpToDate):
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

// open opens the copy, and starts a new one where it is missing, broken or grown into too many pieces.
func (s *Source) open() (*git.Repository, error) {
	if s.path == "" {
		if s.mem == nil {
			repo, err := git.Init(memory.NewStorage(), nil)
			if err != nil {
				return nil, fmt.Errorf("repository in memory: %w", err)
			}
			s.mem = repo
		}
		return s.mem, nil
	}
	packs, err := filepath.Glob(filepath.Join(s.path, "objects", "pack", "*.pack"))
	if err != nil {
		return nil, fmt.Errorf("repository copy: %w", err)
	}
	if len(packs) <= maxPacks {
		if repo, err := git.PlainOpen(s.path); err == nil {
			return repo, nil
		}
	}
	// What is here is a copy: all of it can be fetched again.
	if err := os.RemoveAll(s.path); err != nil {
		return nil, fmt.Errorf("repository copy: %w", err)
	}
	repo, err := git.PlainInit(s.path, true)
	if err != nil {
		return nil, fmt.Errorf("repository copy: %w", err)
	}
	return repo, nil
}

func descends(ctx context.Context, repo *git.Repository, applied string, head plumbing.Hash) error {
	want := plumbing.NewHash(applied)
	if want == head {
		return nil
	}
	commit, err := repo.CommitObject(head)
	if err != nil {
		return fmt.Errorf("commit %s: %w", head, err)
	}
	found := false
	walk := object.NewCommitIterBSF(commit, nil, nil)
	defer walk.Close()
	err = walk.ForEach(func(c *object.Commit) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.Hash == want {
			found = true
			return errStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return fmt.Errorf("history of %s: %w", head, err)
	}
	if !found {
		return fmt.Errorf("%w (head %.12s, applied %.12s)", ErrRewound, head.String(), applied)
	}
	return nil
}

var errStop = errors.New("stop")
