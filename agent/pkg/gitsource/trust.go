package gitsource

import (
	"context"
	"errors"
	"fmt"
	"io"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"crontopus.dev/agent/pkg/commitsig"
)

// Require is which commits have to be signed.
type Require string

// What a policy may ask for.
const (
	RequireOff     Require = "off"
	RequireService Require = "service" // the head, by the service: what was pushed past it waits for its next commit
	RequireAll     Require = "all"     // every commit since the applied one, by the service or one of Others
)

// Trust is whose commits are applied.
type Trust struct {
	Require Require
	Service []commitsig.Signer // pinned at enrolment
	Others  []commitsig.Signer // people who sign what they push; named in the machine's policy
}

func (t Trust) check(ctx context.Context, repo *git.Repository, applied, head plumbing.Hash) error {
	switch t.Require {
	case "", RequireOff:
		return nil
	case RequireService:
		return signed(repo, head, t.Service)
	case RequireAll:
		return t.checkAll(ctx, repo, applied, head)
	}
	return fmt.Errorf("signatures: %q is not one of off, service and all", t.Require)
}

func (t Trust) checkAll(ctx context.Context, repo *git.Repository, applied, head plumbing.Hash) error {
	signers := append(append([]commitsig.Signer{}, t.Service...), t.Others...)
	// What was there before this machine was enrolled, or is applied, was accepted with it.
	if applied.IsZero() || applied == head {
		return signed(repo, head, signers)
	}
	old, cut, err := ancestors(ctx, repo, applied)
	if err != nil {
		return err
	}
	var fresh []plumbing.Hash
	err = walk(ctx, repo, head, func(h plumbing.Hash) bool { return old[h] }, func(c *object.Commit) error {
		fresh = append(fresh, c.Hash)
		return nil
	})
	if err != nil {
		return err
	}
	for _, hash := range fresh {
		err := signed(repo, hash, signers)
		if cut && errors.Is(err, ErrUnsigned) {
			return errTooShallow // it may be older than the applied one, where that can't be seen
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const maxCommit = 1 << 20

func signed(repo *git.Repository, hash plumbing.Hash, signers []commitsig.Signer) error {
	c, err := repo.CommitObject(hash)
	if err != nil {
		return fmt.Errorf("commit %s: %w", hash, err)
	}
	raw, err := rawCommit(repo, hash)
	if err != nil {
		return err
	}
	if err := commitsig.Commit(raw, c.Committer.When, signers); err != nil {
		return fmt.Errorf("%w: %.12s by %s: %w", ErrUnsigned, hash, c.Author.Name, err)
	}
	return nil
}

func rawCommit(repo *git.Repository, hash plumbing.Hash) ([]byte, error) {
	o, err := repo.Storer.EncodedObject(plumbing.CommitObject, hash)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", hash, err)
	}
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", hash, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxCommit+1))
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", hash, err)
	}
	if len(raw) > maxCommit {
		return nil, fmt.Errorf("commit %s is larger than %d bytes", hash, maxCommit)
	}
	return raw, nil
}
