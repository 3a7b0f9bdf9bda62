package apitest

import (
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Key is an SSH signing key that git signs commits with, through ssh-keygen.
type Key struct {
	Public string // as in an authorized_keys file
	Signer ssh.Signer
	path   string
}

// NewKey makes one.
func NewKey(t *testing.T) *Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	k := &Key{Public: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), Signer: signer,
		path: filepath.Join(t.TempDir(), "key")}
	if err := os.WriteFile(k.path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// SignWith makes the commits from now on carry the key's signature; nil: none.
func (r *Repo) SignWith(k *Key) { r.key = k }

func (r *Repo) signing() []string {
	if r.key == nil {
		return nil
	}
	return []string{"-c", "gpg.format=ssh", "-c", "user.signingkey=" + r.key.path, "-c", "commit.gpgsign=true"}
}
