package gitsource

import (
	"errors"
	"fmt"
	"io"
	"path"
	"sort"
	"strings"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"crontopus.dev/agent/pkg/manifest"
)

// Bounds of a snapshot.
const (
	maxFiles = 10_000
	maxTotal = 64 << 20

	// TenantFile marks a repository as a tenant's.
	TenantFile = ".crontopus/tenant.yaml"
	discovered = "discovered"
	policies   = ".crontopus/policies"
)

// File is one manifest.
type File struct {
	Path string
	Data []byte // at most manifest.MaxBytes+1: enough to see that it is too large
}

// Snapshot is the part of a commit that jobs come from.
type Snapshot struct {
	Commit string
	Files  []File // *.yaml and *.yml directly in namespace folders, sorted by path
	Tenant []byte // .crontopus/tenant.yaml; nil when it is missing
	// Policies are the tenant's, .crontopus/policies/*.yaml, sorted by path.
	Policies []File
}

// Read returns the manifests of a commit that was fetched before. The snapshot is shared and not written to.
func (s *Source) Read(commit string) (*Snapshot, error) {
	if s.last != nil && s.last.Commit == commit {
		return s.last, nil
	}
	repo, done, err := s.open()
	if err != nil {
		return nil, err
	}
	snap, err := read(repo, commit)
	if err = errors.Join(err, done()); err != nil {
		return nil, err
	}
	s.last = snap
	return snap, nil
}

func read(repo *git.Repository, commit string) (*Snapshot, error) {
	c, err := repo.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return nil, fmt.Errorf("commit %s is not here: %w", commit, err)
	}
	tree, err := c.Tree()
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", commit, err)
	}
	snap := &Snapshot{Commit: commit}
	if err := snap.readTenant(tree); err != nil {
		return nil, err
	}
	total := 0
	if err := snap.readPolicies(tree, &total); err != nil {
		return nil, err
	}
	for _, e := range tree.Entries {
		if e.Mode != filemode.Dir || strings.HasPrefix(e.Name, ".") || e.Name == discovered {
			continue
		}
		sub, err := tree.Tree(e.Name)
		if err != nil {
			return nil, fmt.Errorf("folder %s: %w", e.Name, err)
		}
		if err := snap.readFolder(e.Name, sub, &total); err != nil {
			return nil, err
		}
	}
	sort.Slice(snap.Files, func(i, j int) bool { return snap.Files[i].Path < snap.Files[j].Path })
	return snap, nil
}

func (s *Snapshot) readTenant(tree *object.Tree) error {
	f, err := tree.File(TenantFile)
	if errors.Is(err, object.ErrFileNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", TenantFile, err)
	}
	s.Tenant, err = contents(f)
	return err
}

func (s *Snapshot) readPolicies(tree *object.Tree, total *int) error {
	sub, err := tree.Tree(policies)
	if errors.Is(err, object.ErrDirectoryNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("folder %s: %w", policies, err)
	}
	folder := Snapshot{}
	if err := folder.readFolder(policies, sub, total); err != nil {
		return err
	}
	s.Policies = folder.Files
	return nil
}

func (s *Snapshot) readFolder(folder string, tree *object.Tree, total *int) error {
	for _, e := range tree.Entries {
		ext := path.Ext(e.Name)
		if (ext != ".yaml" && ext != ".yml") || (e.Mode != filemode.Regular && e.Mode != filemode.Executable) {
			continue
		}
		f, err := tree.TreeEntryFile(&e)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", folder, e.Name, err)
		}
		data, err := contents(f)
		if err != nil {
			return err
		}
		*total += len(data)
		if len(s.Files) == maxFiles || *total > maxTotal {
			return fmt.Errorf("the repository holds more than %d manifests or %d bytes of them", maxFiles, maxTotal)
		}
		s.Files = append(s.Files, File{Path: folder + "/" + e.Name, Data: data})
	}
	return nil
}

func contents(f *object.File) ([]byte, error) {
	r, err := f.Reader()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, manifest.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	return data, nil
}
