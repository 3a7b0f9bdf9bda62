// release finishes a directory of built binaries: checksums, a list of what is in it, signatures.
//
//	release keygen FILE            makes an unencrypted key pair FILE and FILE.pub, for development and tests
//	release public                 prints the public half of the signing key
//	release finish DIRECTORY       with VERSION, COMMIT and SOURCE_DATE_EPOCH in the environment
//
// The signing key is minisign's, in CRONTOPUS_SIGNING_KEY or the file CRONTOPUS_SIGNING_KEY_FILE; if it is encrypted,
// its password is in CRONTOPUS_SIGNING_KEY_PASSWORD.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"aead.dev/minisign"

	"crontopus.dev/agent/pkg/verify"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "keygen":
		return keygen(args[1])
	case len(args) == 1 && args[0] == "public":
		key, err := signingKey()
		if err != nil {
			return err
		}
		fmt.Println(public(key))
		return nil
	case len(args) == 2 && args[0] == "finish":
		return finish(args[1])
	}
	return errors.New("usage: release keygen FILE | public | finish DIRECTORY")
}

func keygen(path string) error {
	pub, private, err := minisign.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	text, err := private.MarshalText()
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if _, err := f.Write(append(text, '\n')); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Close(), put(path+".pub", pub.String()+"\n"))
}

func signingKey() (minisign.PrivateKey, error) {
	text := []byte(os.Getenv("CRONTOPUS_SIGNING_KEY"))
	if file := os.Getenv("CRONTOPUS_SIGNING_KEY_FILE"); file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return minisign.PrivateKey{}, fmt.Errorf("signing key: %w", err)
		}
	}
	text = []byte(strings.TrimSpace(string(text)))
	if len(text) == 0 {
		return minisign.PrivateKey{}, errors.New("no signing key: set CRONTOPUS_SIGNING_KEY_FILE (one for tests: release keygen FILE)")
	}
	if minisign.IsEncrypted(text) {
		key, err := minisign.DecryptKey(os.Getenv("CRONTOPUS_SIGNING_KEY_PASSWORD"), text)
		if err != nil {
			return key, fmt.Errorf("signing key: %w", err)
		}
		return key, nil
	}
	var key minisign.PrivateKey
	if err := key.UnmarshalText(text); err != nil {
		return key, fmt.Errorf("signing key: %w", err)
	}
	return key, nil
}

func public(key minisign.PrivateKey) string {
	pub, ok := key.Public().(minisign.PublicKey)
	if !ok {
		return ""
	}
	return pub.String()
}

// File is one line of manifest.json.
type File struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Manifest is what a release holds.
type Manifest struct {
	Version   string          `json:"version"`
	Commit    string          `json:"commit"`
	Released  time.Time       `json:"released"` // of the commit, so that a second build is the same
	PublicKey string          `json:"public_key"`
	Files     map[string]File `json:"files"`
}

func finish(dir string) error {
	key, err := signingKey()
	if err != nil {
		return err
	}
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	m := Manifest{Version: os.Getenv("VERSION"), Commit: os.Getenv("COMMIT"), Released: time.Unix(epoch, 0).UTC(),
		PublicKey: public(key), Files: map[string]File{}}
	if m.Version == "" || strings.ContainsAny(m.Version, " \t\n/'\"\\") {
		return fmt.Errorf("VERSION %q is no version", m.Version)
	}
	if err := settle(dir, m.Released); err != nil {
		return err
	}
	if err := m.collect(dir); err != nil {
		return err
	}
	if err := fillInstallers(dir, m); err != nil {
		return err
	}
	if err := m.collect(dir); err != nil { // the installers are part of it now
		return err
	}
	if err := m.write(dir); err != nil {
		return err
	}
	return signAll(dir, m, key)
}

// settle takes the moment of the build out of the lists of materials.
func settle(dir string, at time.Time) error {
	boms, err := filepath.Glob(filepath.Join(dir, "*.cdx.json"))
	if err != nil {
		return fmt.Errorf("materials: %w", err)
	}
	for _, path := range boms {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("materials: %w", err)
		}
		var bom map[string]any
		if err := json.Unmarshal(data, &bom); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		meta, ok := bom["metadata"].(map[string]any)
		if !ok {
			return fmt.Errorf("%s says nothing of itself", path)
		}
		meta["timestamp"] = at.Format(time.RFC3339)
		if data, err = json.MarshalIndent(bom, "", "  "); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := put(path, string(data)+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manifest) collect(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasSuffix(e.Name(), ".in") {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("release: %w", err)
		}
		h := sha256.New()
		n, err := io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
		m.Files[e.Name()] = File{SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}
	}
	return nil
}

func (m *Manifest) names() []string {
	names := make([]string, 0, len(m.Files))
	for name := range m.Files {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (m *Manifest) write(dir string) error {
	var sums strings.Builder
	for _, name := range m.names() {
		sums.WriteString(m.Files[name].SHA256 + "  " + name + "\n")
	}
	if err := put(filepath.Join(dir, "SHA256SUMS"), sums.String()); err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return put(filepath.Join(dir, "manifest.json"), string(data)+"\n")
}

// fillInstallers writes version, key and checksums into the templates *.in, and takes these away. The address of the
// server is filled in by the server that hands them out.
func fillInstallers(dir string, m Manifest) error {
	templates, err := filepath.Glob(filepath.Join(dir, "*.in"))
	if err != nil {
		return fmt.Errorf("installers: %w", err)
	}
	var sums strings.Builder
	for _, name := range m.names() {
		if strings.HasPrefix(name, "crontopus-") && !strings.HasSuffix(name, ".json") {
			sums.WriteString(m.Files[name].SHA256 + "  " + name + "\n")
		}
	}
	fill := strings.NewReplacer("@VERSION@", m.Version, "@PUBLIC_KEY@", m.PublicKey, "@CHECKSUMS@", strings.TrimSpace(sums.String()))
	for _, path := range templates {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("installers: %w", err)
		}
		if err := put(strings.TrimSuffix(path, ".in"), fill.Replace(string(data))); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("installers: %w", err)
		}
	}
	return nil
}

func signAll(dir string, m Manifest, key minisign.PrivateKey) error {
	for _, name := range append(m.names(), "SHA256SUMS", "manifest.json") {
		path := filepath.Join(dir, name)
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		r := minisign.NewReader(f)
		_, err = io.Copy(io.Discard, r)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("sign %s: %w", name, err)
		}
		signature := r.SignWithComments(key, verify.Comment(verify.Release{Version: m.Version, Name: name}), "signature of Crontopus "+m.Version)
		if err := put(path+verify.Suffix, string(signature)); err != nil {
			return err
		}
	}
	return nil
}

func put(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
