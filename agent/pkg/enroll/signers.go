package enroll

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/commitsig"
)

const signersFile = "signers.json"

var (
	// ErrSignerChanged means that the server names a signing key to which no pinned one has handed over.
	ErrSignerChanged = errors.New("the server signs with a key that the one pinned on this machine does not vouch for")
	// ErrNotPinned means that this enrolment is older than pinning, or its file is gone.
	ErrNotPinned = errors.New("no signing key is pinned on this machine")
)

type pinned struct {
	Signers []commitsig.Signer `json:"signers"` // oldest first; the last one signs now
}

// Signers are the keys pinned here, the one that signs now last.
func (s *Store) Signers() ([]commitsig.Signer, error) {
	var p pinned
	err := s.dir.ReadJSON(signersFile, &p)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(p.Signers) == 0) {
		return nil, ErrNotPinned
	}
	return p.Signers, err
}

// Pin trusts one key and no other: at enrolment, and when a person says so.
func (s *Store) Pin(key string) error {
	if _, err := commitsig.Fingerprint(key); err != nil {
		return err
	}
	return s.dir.WriteJSON(signersFile, pinned{Signers: []commitsig.Signer{{Key: key}}})
}

// Follow goes from the pinned key to the server's present one, along the words that each key on the way has signed. It
// tells whether anything was pinned anew; ErrSignerChanged when the way does not lead there.
func (s *Store) Follow(known api.Signers) (bool, error) {
	signers, err := s.Signers()
	if err != nil {
		return false, err
	}
	before := len(signers)
	for range known.Successions { // each leads one step on at most
		current := &signers[len(signers)-1]
		if current.Key == known.Current {
			break
		}
		step := slices.IndexFunc(known.Successions, func(x api.Succession) bool { return vouches(x, *current) })
		if step < 0 {
			break
		}
		next := known.Successions[step]
		current.Until = next.At
		signers = append(signers, commitsig.Signer{Key: next.New})
	}
	if signers[len(signers)-1].Key != known.Current {
		theirs, err := commitsig.Fingerprint(known.Current)
		if err != nil {
			return false, err
		}
		return false, fmt.Errorf("%w: it names %s", ErrSignerChanged, theirs)
	}
	if len(signers) == before {
		return false, nil
	}
	return true, s.dir.WriteJSON(signersFile, pinned{Signers: signers})
}

// vouches tells whether a succession is the pinned key's own word. What the server says about the words is not
// believed: they have to say it themselves.
func vouches(x api.Succession, current commitsig.Signer) bool {
	words := strings.Join([]string{"crontopus-signer-v1", current.Key, x.New, x.At.UTC().Format(time.RFC3339), ""}, "\n")
	return x.Old == current.Key && x.Message == words &&
		commitsig.Succession([]byte(words), []byte(x.Signature), current) == nil
}
