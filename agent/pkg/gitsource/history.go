package gitsource

import (
	"context"
	"errors"
	"fmt"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const maxCommits = 200_000

var errTooShallow = errors.New("the copy is too shallow to tell")

// walk visits the commits that head descends from, each once, and not beyond those of which skip is true.
// It returns errTooShallow, after visiting what is here, when the history is cut off somewhere.
func walk(ctx context.Context, repo *git.Repository, head plumbing.Hash, skip func(plumbing.Hash) bool, visit func(*object.Commit) error) error {
	seen := map[plumbing.Hash]bool{head: true}
	queue := []plumbing.Hash{head}
	cut := false
	for len(queue) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		hash := queue[0]
		queue = queue[1:]
		if skip(hash) {
			continue
		}
		c, err := repo.CommitObject(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			cut = true
			continue
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", hash, err)
		}
		if len(seen) > maxCommits {
			return fmt.Errorf("the history holds more than %d commits", maxCommits)
		}
		if err := visit(c); err != nil {
			return err
		}
		for _, parent := range c.ParentHashes {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	if cut {
		return errTooShallow
	}
	return nil
}

var errFound = errors.New("found")

// descends answers nil, ErrRewound or errTooShallow. A parent that is named is known, also when it isn't here.
func descends(ctx context.Context, repo *git.Repository, applied, head plumbing.Hash) error {
	err := walk(ctx, repo, head, func(plumbing.Hash) bool { return false }, func(c *object.Commit) error {
		for _, parent := range c.ParentHashes {
			if parent == applied {
				return errFound
			}
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w (head %.12s, applied %.12s)", ErrRewound, head.String(), applied.String())
}

// ancestors are the commits here that a commit descends from, itself included; cut: there are more elsewhere.
func ancestors(ctx context.Context, repo *git.Repository, from plumbing.Hash) (found map[plumbing.Hash]bool, cut bool, err error) {
	found = map[plumbing.Hash]bool{from: true}
	err = walk(ctx, repo, from, func(plumbing.Hash) bool { return false }, func(c *object.Commit) error {
		found[c.Hash] = true
		for _, parent := range c.ParentHashes {
			found[parent] = true
		}
		return nil
	})
	cut = errors.Is(err, errTooShallow)
	if cut {
		err = nil
	}
	return found, cut, err
}
