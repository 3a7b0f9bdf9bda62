package commitsig_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/commitsig"
)

type vector struct {
	Comment, Key, Next, Commit, Message, Signature string
}

// service is a commit and a succession as the service signs them.
func service(t *testing.T) vector {
	t.Helper()
	data, err := os.ReadFile("testdata/service.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCommitsOfTheService(t *testing.T) {
	v := service(t)
	trusted := []commitsig.Signer{{Key: v.Next}, {Key: v.Key}}
	made := time.Unix(1790000000, 0)
	header, _, _ := strings.Cut(v.Commit, "\n\n")
	sig := header[strings.Index(header, "gpgsig "):]
	for name, c := range map[string]struct {
		commit  string
		signers []commitsig.Signer
		want    error
	}{
		"as it is":           {v.Commit, trusted, nil},
		"retired later":      {v.Commit, []commitsig.Signer{{Key: v.Key, Until: made.Add(time.Hour)}}, nil},
		"retired before":     {v.Commit, []commitsig.Signer{{Key: v.Key, Until: made.Add(-time.Hour)}}, commitsig.ErrUnknownSigner},
		"nobody trusted":     {v.Commit, nil, commitsig.ErrUnknownSigner},
		"another trusted":    {v.Commit, []commitsig.Signer{{Key: v.Next}}, commitsig.ErrUnknownSigner},
		"another message":    {strings.Replace(v.Commit, "hello", "jello", 1), trusted, commitsig.ErrBadSignature},
		"another tree":       {strings.Replace(v.Commit, "tree 4b", "tree 5b", 1), trusted, commitsig.ErrBadSignature},
		"a header more":      {strings.Replace(v.Commit, "\ngpgsig", "\nencoding x\ngpgsig", 1), trusted, commitsig.ErrBadSignature},
		"two signatures":     {strings.Replace(v.Commit, "\ngpgsig", "\n"+sig+"\ngpgsig", 1), trusted, commitsig.ErrBadSignature},
		"no signature":       {strings.Replace(v.Commit, sig, "x y", 1), trusted, commitsig.ErrNotSigned},
		"an empty one":       {strings.Replace(v.Commit, sig, "gpgsig ", 1), trusted, commitsig.ErrNotSigned},
		"a broken one":       {strings.Replace(v.Commit, "U1NIU0", "U1NJU0", 1), trusted, commitsig.ErrBadSignature},
		"no end of headers":  {"tree x", trusted, commitsig.ErrBadSignature},
		"in the message":     {"tree x\n\n" + sig, trusted, commitsig.ErrNotSigned},
		"signed for another": {strings.Replace(v.Commit, sig, "gpgsig "+strings.ReplaceAll(v.Signature, "\n", "\n "), 1), trusted, commitsig.ErrBadSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want != nil && c.commit == v.Commit && len(c.signers) == len(trusted) {
				t.Fatal("nothing was changed")
			}
			if err := commitsig.Commit([]byte(c.commit), made, c.signers); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestSuccession(t *testing.T) {
	v := service(t)
	if err := commitsig.Succession([]byte(v.Message), []byte(v.Signature), commitsig.Signer{Key: v.Key}); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"by the wrong key": commitsig.Succession([]byte(v.Message), []byte(v.Signature), commitsig.Signer{Key: v.Next}),
		"of other words":   commitsig.Succession([]byte(v.Message+" "), []byte(v.Signature), commitsig.Signer{Key: v.Key}),
		"a commit's":       commitsig.Succession([]byte(v.Message), []byte("x"), commitsig.Signer{Key: v.Key}),
		"by no key":        commitsig.Succession([]byte(v.Message), []byte(v.Signature), commitsig.Signer{}),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzCommit(f *testing.F) {
	data, err := os.ReadFile("testdata/service.json")
	if err != nil {
		f.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(data, &v); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(v.Commit))
	f.Add([]byte("tree x\ngpgsig -----BEGIN SSH SIGNATURE-----\n -----END SSH SIGNATURE-----\n\nm"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := commitsig.Commit(raw, time.Unix(0, 0), []commitsig.Signer{{Key: v.Key}})
		if err == nil && string(raw) != v.Commit && !strings.Contains(string(raw), "SSH SIGNATURE") {
			t.Errorf("accepted %q", raw)
		}
	})
}
