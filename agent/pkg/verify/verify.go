// Package verify checks files of a release against the key pinned in this binary: minisign's signatures, which cover
// the file, its name and its version.
package verify

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aead.dev/minisign"
)

// PublicKey is the release key, as minisign writes it on one line. It is set at build time:
// -ldflags "-X crontopus.dev/agent/pkg/verify.PublicKey=RW…".
var PublicKey = ""

const (
	// Suffix is what a signature's file is called after the file it is of.
	Suffix       = ".minisig"
	maxSignature = 4 << 10
	prefix       = "crontopus "
)

var (
	// ErrNoKey means that this binary was built without a key, as those of developers are.
	ErrNoKey = errors.New("this build has no release key; name one with --key")
	// ErrNotGenuine means that the file is not what was released, or not by whom it should be.
	ErrNotGenuine = errors.New("NOT GENUINE")
)

// Release is what a signature says of a file.
type Release struct {
	Version string
	Name    string
}

// Comment is what is signed along with a file.
func Comment(r Release) string { return prefix + r.Version + " file:" + r.Name }

// File checks path against the signature in signaturePath ("" = beside it). The name that was signed is told, and has to
// be the file's own unless the signature was named: a genuine crontopus-run is no crontopus-agent.
func File(path, signaturePath, key string) (Release, error) {
	named := signaturePath != ""
	if !named {
		signaturePath = path + Suffix
	}
	if key == "" {
		return Release{}, ErrNoKey
	}
	var public minisign.PublicKey
	if err := public.UnmarshalText([]byte(key)); err != nil {
		return Release{}, fmt.Errorf("release key: %w", err)
	}
	signature, err := readSmall(signaturePath)
	if err != nil {
		return Release{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Release{}, fmt.Errorf("verify: %w", err)
	}
	defer f.Close()
	r := minisign.NewReader(f)
	if _, err := io.Copy(io.Discard, r); err != nil {
		return Release{}, fmt.Errorf("verify %s: %w", path, err)
	}
	if !r.Verify(public, signature) {
		return Release{}, fmt.Errorf("%w: %s does not match %s and the release key", ErrNotGenuine, path, signaturePath)
	}
	release, err := comment(signature)
	if err != nil {
		return Release{}, err
	}
	if !named && release.Name != filepath.Base(path) {
		return release, fmt.Errorf("%w: %s is %s of version %s under another name", ErrNotGenuine, path, release.Name, release.Version)
	}
	return release, nil
}

func comment(signature []byte) (Release, error) {
	var s minisign.Signature
	if err := s.UnmarshalText(signature); err != nil {
		return Release{}, fmt.Errorf("signature: %w", err)
	}
	about, ours := strings.CutPrefix(s.TrustedComment, prefix)
	version, name, whole := strings.Cut(about, " file:")
	if !ours || !whole || version == "" || name == "" {
		return Release{}, fmt.Errorf("%w: it was signed as %q", ErrNotGenuine, s.TrustedComment)
	}
	return Release{Version: version, Name: name}, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSignature+1))
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	if len(data) > maxSignature {
		return nil, fmt.Errorf("%s is too long for a signature", path)
	}
	return data, nil
}
