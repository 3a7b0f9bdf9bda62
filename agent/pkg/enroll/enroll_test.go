package enroll_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/apitest"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/statedir"
)

type agent struct {
	root   string
	store  *enroll.Store
	client *api.Client
	id     *enroll.Identity
}

func open(t *testing.T, root, server string) *agent {
	t.Helper()
	dir, err := statedir.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{root: root, store: enroll.NewStore(dir)}
	if a.client, err = api.New(server, a.store.Token); err != nil {
		t.Fatal(err)
	}
	return a
}

func enrolled(t *testing.T, s *apitest.Server) *agent {
	t.Helper()
	a := open(t, t.TempDir(), s.URL)
	var err error
	if a.id, err = a.store.Enroll(t.Context(), a.client, enroll.Request{Server: s.URL, Token: s.EnrolToken}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return a
}

// clone copies the state directory, as a snapshot of the machine would.
func (a *agent) clone(t *testing.T, server string) *agent {
	t.Helper()
	root := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(root, os.DirFS(a.root)); err != nil {
		t.Fatal(err)
	}
	b := open(t, root, server)
	var err error
	if b.id, err = b.store.Load(); err != nil {
		t.Fatal(err)
	}
	return b
}

func (a *agent) beat(t *testing.T, advance bool) error {
	t.Helper()
	shown, err := a.store.Present(advance)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.client.Heartbeat(t.Context(), api.Heartbeat{AgentVersion: "1", SentAt: time.Now(), Generation: &shown})
	if err != nil {
		return err
	}
	return a.store.Accepted(shown, answer.Generation)
}

func (a *agent) rotate(t *testing.T) error {
	t.Helper()
	key, err := a.store.Key()
	if err != nil {
		t.Fatal(err)
	}
	shown, err := a.store.Present(true)
	if err != nil {
		t.Fatal(err)
	}
	who := api.Rotation{Tenant: a.id.TenantID, Endpoint: a.id.EndpointID, Generation: shown}
	fresh, err := a.client.RotateToken(t.Context(), who, key, time.Now())
	if err != nil {
		return err
	}
	return errors.Join(a.store.Accepted(shown, fresh.Generation), a.store.SetToken(fresh.Token, time.Now(), fresh.ExpiresAt))
}

func TestACopiedStateDirectoryLocksTheEndpoint(t *testing.T) {
	for name, before := range map[string]func(*testing.T, *agent) error{
		"before it ever reported": func(*testing.T, *agent) error { return nil },
		"at work":                 func(t *testing.T, a *agent) error { return a.beat(t, true) },
		"just after it was started again": func(t *testing.T, a *agent) error {
			_, err := a.store.Present(true) // on the disk, not yet sent
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			a := enrolled(t, s)
			if err := before(t, a); err != nil {
				t.Fatal(err)
			}
			b := a.clone(t, s.URL)
			var refused error
			for range 3 {
				refused = errors.Join(refused, a.beat(t, true), b.beat(t, true))
			}
			if !s.Locked() || !api.HasCode(refused, api.CodeLocked) {
				t.Fatalf("not locked: %v", refused)
			}
			for _, each := range []*agent{a, b} {
				if err := each.rotate(t); !api.HasCode(err, api.CodeLocked) {
					t.Errorf("locked: %v", err)
				}
			}
			s.Unlock()
			if err := b.rotate(t); err != nil {
				t.Fatal(err)
			}
			if err := a.rotate(t); !api.HasCode(err, api.CodeSuperseded) {
				t.Errorf("the other one: %v", err)
			}
			if err := b.beat(t, true); err != nil || s.Locked() {
				t.Errorf("the winner: %v", err)
			}
		})
	}
}

func TestWhateverIsLostOrKilledIsNoClone(t *testing.T) {
	s := apitest.New(t)
	a := enrolled(t, s)
	for range 3 {
		s.LoseRotations(1)
		if err := a.rotate(t); err == nil {
			t.Fatal("the answer was to be lost")
		}
		a = a.clone(t, s.URL) // killed, started again with what the disk holds
		if err := a.beat(t, true); err != nil {
			t.Fatal(err)
		}
		if err := a.rotate(t); err != nil {
			t.Fatal(err)
		}
		// Killed between the answer and its being written.
		shown, err := a.store.Present(true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.client.Heartbeat(t.Context(), api.Heartbeat{AgentVersion: "1", Generation: &shown}); err != nil {
			t.Fatal(err)
		}
	}
	if s.Locked() {
		t.Error("locked by itself")
	}
}

func TestAMarkThatCannotBeKeptIsNotSent(t *testing.T) {
	s := apitest.New(t)
	a := enrolled(t, s)
	if err := a.beat(t, true); err != nil {
		t.Fatal(err)
	}
	// Root, too, can write nothing into a directory that is gone.
	if err := os.RemoveAll(a.root); err != nil {
		t.Fatal(err)
	}
	if shown, err := a.store.Present(true); err == nil || shown.Next != nil {
		t.Errorf("%+v, %v", shown, err)
	}
}

func TestANewEnrolmentHasANewKey(t *testing.T) {
	s := apitest.New(t)
	a := enrolled(t, s)
	if err := a.beat(t, true); err != nil {
		t.Fatal(err)
	}
	before, err := a.store.Key()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.store.Enroll(t.Context(), a.client, enroll.Request{Server: s.URL, Token: "wrong", Force: true}, time.Now()); err == nil {
		t.Fatal("a wrong token enrolled")
	}
	if same, err := a.store.Key(); err != nil || !same.Equal(before) {
		t.Errorf("a refused enrolment changed the key: %v", err)
	}
	if _, err := a.store.Enroll(t.Context(), a.client, enroll.Request{Server: s.URL, Token: s.EnrolToken, Force: true}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if after, err := a.store.Key(); err != nil || after.Equal(before) {
		t.Errorf("the key stayed: %v", err)
	}
	if shown, err := a.store.Present(false); err != nil || shown.Mark != nil {
		t.Errorf("the mark of the old enrolment stayed: %+v, %v", shown, err)
	}
}

// succession is what the service publishes when its key was changed.
func succession(t *testing.T, old, next *apitest.Key, at time.Time) api.Succession {
	t.Helper()
	message := strings.Join([]string{"crontopus-signer-v1", old.Public, next.Public, at.UTC().Format(time.RFC3339), ""}, "\n")
	sig, err := sshsig.Sign(strings.NewReader(message), old.Signer, sshsig.HashSHA512, "crontopus-signer")
	if err != nil {
		t.Fatal(err)
	}
	return api.Succession{Old: old.Public, New: next.Public, At: at, Message: message, Signature: string(bytes.TrimSpace(sshsig.Armor(sig)))}
}

func TestSignersAreFollowedOnlyByTheirOwnWord(t *testing.T) {
	first, second, third, evil := apitest.NewKey(t), apitest.NewKey(t), apitest.NewKey(t), apitest.NewKey(t)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	a, b := succession(t, first, second, at), succession(t, second, third, at.Add(time.Hour))
	forged := succession(t, evil, second, at)
	forged.Old = first.Public
	signedByEvil := *evil
	signedByEvil.Public = first.Public // the right words, in another's hand
	otherHand := succession(t, &signedByEvil, second, at)
	otherwise := a
	otherwise.New = evil.Public
	early := a
	early.At = at.Add(-time.Hour)
	for name, c := range map[string]struct {
		current     *apitest.Key
		successions []api.Succession
		signers     int // 0: refused
	}{
		"as before":               {first, nil, 1},
		"one step":                {second, []api.Succession{a}, 2},
		"two steps, newest first": {third, []api.Succession{b, a}, 3},
		"no word":                 {second, nil, 0},
		"a step is missing":       {third, []api.Succession{b}, 0},
		"forged":                  {second, []api.Succession{forged}, 0},
		"in another's hand":       {second, []api.Succession{otherHand}, 0},
		"says another key":        {evil, []api.Succession{otherwise}, 0},
		"says another time":       {second, []api.Succession{early}, 0},
		"leads elsewhere":         {evil, []api.Succession{a, b}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			s.SetSigners(api.Signers{Current: first.Public})
			agent := enrolled(t, s)
			followed, err := agent.store.Follow(api.Signers{Current: c.current.Public, Successions: c.successions})
			if c.signers == 0 {
				if !errors.Is(err, enroll.ErrSignerChanged) {
					t.Fatalf("%v", err)
				}
				c.signers = 1
			} else if err != nil || followed != (c.signers > 1) {
				t.Fatalf("%v, %v", followed, err)
			}
			kept, err := agent.store.Signers()
			if err != nil || len(kept) != c.signers {
				t.Fatalf("%+v, %v", kept, err)
			}
			if len(kept) > 1 && !kept[0].Until.Equal(at) {
				t.Errorf("the first is good until %s", kept[0].Until)
			}
		})
	}
}
