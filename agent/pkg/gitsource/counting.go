package gitsource

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-billy/v5/osfs"
	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// maxObjects is how many objects one fetch may bring: they are indexed in memory.
const maxObjects = 500_000

var errTooMany = errors.New("the repository has more objects than this agent accepts")

// countingStorage looks at the head of every pack before the rest is written.
type countingStorage struct{ *filesystem.Storage }

// onDisk opens a copy. go-git opens and closes a pack's files for each object, unless it is told to keep them; then they
// are ours to close.
func onDisk(path string) (*git.Repository, func() error, error) {
	storage := filesystem.NewStorageWithOptions(osfs.New(path), cache.NewObjectLRUDefault(), filesystem.Options{KeepDescriptors: true})
	repo, err := git.Open(countingStorage{storage}, nil)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("repository copy: %w", err), storage.Close())
	}
	return repo, storage.Close, nil
}

func (s countingStorage) PackfileWriter() (io.WriteCloser, error) {
	w, err := s.Storage.PackfileWriter()
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return &packWriter{WriteCloser: w}, nil
}

const packHeader = 12 // "PACK", version, number of objects

type packWriter struct {
	io.WriteCloser
	head []byte
}

func (w *packWriter) Write(p []byte) (int, error) {
	if missing := packHeader - len(w.head); missing > 0 {
		w.head = append(w.head, p[:min(missing, len(p))]...)
		if len(w.head) == packHeader && binary.BigEndian.Uint32(w.head[8:]) > maxObjects {
			return 0, errTooMany
		}
	}
	return w.WriteCloser.Write(p)
}
