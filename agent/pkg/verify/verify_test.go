package verify_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"crontopus.dev/agent/pkg/verify"
)

func key(t *testing.T) (string, minisign.PrivateKey) {
	t.Helper()
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public.String(), private
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sign(t *testing.T, private minisign.PrivateKey, text, comment string) string {
	t.Helper()
	r := minisign.NewReader(strings.NewReader(text))
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	return string(r.SignWithComments(private, comment, "whatever"))
}

func TestATamperedFileIsNotGenuine(t *testing.T) {
	ours, private := key(t)
	theirs, evil := key(t)
	good := verify.Comment(verify.Release{Version: "1.2.3", Name: "crontopus-run"})
	for name, c := range map[string]struct {
		text, signature, key string
		want                 error
	}{
		"genuine":               {"binary", sign(t, private, "binary", good), ours, nil},
		"tampered":              {"binarx", sign(t, private, "binary", good), ours, verify.ErrNotGenuine},
		"cut short":             {"binar", sign(t, private, "binary", good), ours, verify.ErrNotGenuine},
		"by somebody else":      {"binary", sign(t, evil, "binary", good), ours, verify.ErrNotGenuine},
		"another key expected":  {"binary", sign(t, private, "binary", good), theirs, verify.ErrNotGenuine},
		"another file of ours":  {"binary", sign(t, private, "binary", strings.Replace(good, "-run", "-agent", 1)), ours, verify.ErrNotGenuine},
		"another comment":       {"binary", strings.Replace(sign(t, private, "binary", good), "1.2.3", "9.9.9", 1), ours, verify.ErrNotGenuine},
		"signed for no release": {"binary", sign(t, private, "binary", "timestamp:1"), ours, verify.ErrNotGenuine},
		"no signature":          {"binary", "", ours, verify.ErrNotGenuine},
		"no key":                {"binary", sign(t, private, "binary", good), "", verify.ErrNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "crontopus-run"), c.text)
			write(t, path+verify.Suffix, c.signature)
			release, err := verify.File(path, "", c.key)
			if !errors.Is(err, c.want) || (c.want == nil && release.Version != "1.2.3") {
				t.Errorf("%+v, %v", release, err)
			}
		})
	}
}

func TestANamedSignatureIsOfWhateverTheFileIsCalledNow(t *testing.T) {
	ours, private := key(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "downloaded.tmp"), "binary")
	signature := write(t, filepath.Join(dir, "s"), sign(t, private, "binary", verify.Comment(verify.Release{Version: "1", Name: "crontopus-run"})))
	release, err := verify.File(path, signature, ours)
	if err != nil || release.Name != "crontopus-run" {
		t.Errorf("%+v, %v", release, err)
	}
	if _, err := verify.File(path, "", ours); err == nil {
		t.Error("there is no signature beside it")
	}
	if _, err := verify.File(path, write(t, filepath.Join(dir, "long"), strings.Repeat("x", 5000)), ours); err == nil {
		t.Error("a signature of 5,000 bytes was read")
	}
}

// minisign's own program and this package have to agree.
func TestMinisignAgrees(t *testing.T) {
	program, err := exec.LookPath("minisign")
	if err != nil {
		t.Fatal("minisign is needed for this test (Debian: apt install minisign)")
	}
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "crontopus-run"), "binary")
	run := func(args ...string) error {
		var out bytes.Buffer
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
		err := cmd.Run()
		t.Logf("minisign %v: %s", args, out.String())
		return err
	}
	if err := run("-GW", "-p", "k.pub", "-s", "k.key"); err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(dir, "k.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if err := run("-S", "-s", "k.key", "-t", "crontopus 7 file:crontopus-run", "-m", path); err != nil {
		t.Fatal(err)
	}
	if _, err := verify.File(path, "", string(public)); err != nil {
		t.Errorf("a signature made by minisign: %v", err)
	}
	ours, private := key(t)
	write(t, path+verify.Suffix, sign(t, private, "binary", "crontopus 7 file:crontopus-run"))
	if err := run("-V", "-P", ours, "-m", path); err != nil {
		t.Errorf("minisign refuses ours: %v", err)
	}
	write(t, path, "binarx")
	if err := run("-V", "-P", ours, "-m", path); err == nil {
		t.Error("minisign accepts anything")
	}
}
