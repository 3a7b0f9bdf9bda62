// Package commitsig checks SSH signatures: of commits, and of the words by which one signing key names the next.
package commitsig

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

const (
	commitNamespace     = "git"
	successionNamespace = "crontopus-signer"
	maxSignature        = 16 << 10
)

var (
	// ErrNotSigned means that there is no signature at all.
	ErrNotSigned = errors.New("it is not signed")
	// ErrUnknownSigner means that the signature is of a key that is not trusted, or no more.
	ErrUnknownSigner = errors.New("it is signed with a key that is not trusted here")
	// ErrBadSignature means that the signature does not fit.
	ErrBadSignature = errors.New("its signature does not fit")
)

// Signer is a key whose signature is believed.
type Signer struct {
	Key   string    `json:"key"`            // as in an authorized_keys file
	Until time.Time `json:"until,omitzero"` // it signed nothing after; zero: it still signs
}

// Commit checks the signature of a commit given as Git stores it, without the object's header.
func Commit(raw []byte, made time.Time, signers []Signer) error {
	payload, armoured, err := split(raw)
	if err != nil {
		return err
	}
	return verify(payload, armoured, commitNamespace, made, signers)
}

// Succession checks the words by which the key old names the next one.
func Succession(message, armoured []byte, old Signer) error {
	return verify(message, armoured, successionNamespace, time.Time{}, []Signer{{Key: old.Key}})
}

// Fingerprint is SHA256:… of a key, as ssh-keygen -l shows it.
func Fingerprint(key string) (string, error) {
	k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(key))
	if err != nil {
		return "", fmt.Errorf("signing key %.40q: %w", key, err)
	}
	return ssh.FingerprintSHA256(k), nil
}

func verify(message, armoured []byte, namespace string, made time.Time, signers []Signer) error {
	sig, err := sshsig.Unarmor(armoured)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	for _, signer := range signers {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(signer.Key))
		if err != nil {
			return fmt.Errorf("signing key %.40q: %w", signer.Key, err)
		}
		if !bytes.Equal(key.Marshal(), sig.PublicKey.Marshal()) {
			continue
		}
		if !signer.Until.IsZero() && made.After(signer.Until) {
			return fmt.Errorf("%w: %s was retired on %s", ErrUnknownSigner, ssh.FingerprintSHA256(key), signer.Until.Format(time.RFC3339))
		}
		if err := sshsig.Verify(bytes.NewReader(message), sig, key, sig.HashAlgorithm, namespace); err != nil {
			return fmt.Errorf("%w: %w", ErrBadSignature, err)
		}
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnknownSigner, ssh.FingerprintSHA256(sig.PublicKey))
}

// split takes the signature out of a commit: what is left is what was signed. The library that reads commits puts
// together anew what it understood of them; what counts is what is there.
func split(raw []byte) (payload, armoured []byte, err error) {
	header, body, found := bytes.Cut(raw, []byte("\n\n"))
	if !found {
		return nil, nil, fmt.Errorf("%w: it has no message", ErrBadSignature)
	}
	var kept, sig [][]byte
	inside, seen := false, false
	for _, line := range bytes.Split(header, []byte("\n")) {
		switch {
		case bytes.HasPrefix(line, []byte("gpgsig ")):
			if seen {
				return nil, nil, fmt.Errorf("%w: there are two", ErrBadSignature)
			}
			inside, seen = true, true
			sig = append(sig, line[len("gpgsig "):])
		case inside && bytes.HasPrefix(line, []byte(" ")):
			sig = append(sig, line[1:])
		default:
			inside = false
			kept = append(kept, line)
		}
	}
	armoured = bytes.Join(sig, []byte("\n"))
	if len(armoured) == 0 {
		return nil, nil, ErrNotSigned
	}
	if len(armoured) > maxSignature {
		return nil, nil, fmt.Errorf("%w: it is too long", ErrBadSignature)
	}
	payload = bytes.Join([][]byte{bytes.Join(kept, []byte("\n")), body}, []byte("\n\n"))
	return payload, armoured, nil
}
