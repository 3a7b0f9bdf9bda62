package daemon

import (
	"context"
	"errors"
	"net/http"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/commitsig"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/policy"
)

const (
	// A new mark at every start and every hour: of two copies that run, the later one is noticed within that time.
	advanceEvery = time.Hour
	maxRoundTrip = 10 * time.Second
)

// present is what this heartbeat says of the endpoint's generation; repeats: it said so before, to no answer.
func (d *Daemon) present() (shown api.Generation, repeats bool) {
	shown, err := d.Store.Present(false)
	if err == nil && shown.Next != nil {
		return shown, true
	}
	if err == nil && !time.Now().Before(d.advanceAt) {
		shown, err = d.Store.Present(true)
	}
	if err != nil {
		d.Log.Error("generation not advanced", "error", err)
	}
	return shown, false
}

func (d *Daemon) accepted(shown api.Generation, number int64, repeats bool) {
	if err := d.Store.Accepted(shown, number); err != nil {
		d.Log.Error("generation not kept; it is told again", "error", err)
		return
	}
	if shown.Next != nil && !repeats {
		d.advanceAt = time.Now().Add(jittered(advanceEvery))
	}
}

// measure tells the clocks apart by an answer: it was written at some time between sent and received.
func (d *Daemon) measure(sent time.Time, roundTrip time.Duration, server time.Time) {
	if server.IsZero() || roundTrip > maxRoundTrip {
		return
	}
	offset := server.Sub(sent.Add(roundTrip / 2))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.offset = offset
	d.status.ClockOffsetSeconds, d.status.ServerSeenAt = offset.Seconds(), time.Now().UTC()
	d.clock = &api.Clock{OffsetMS: -offset.Milliseconds(), RoundTripMS: roundTrip.Milliseconds()}
}

// stand notes what the server thinks of this endpoint: whether its key has to be shown, and why it is refused.
func (d *Daemon) stand(err error) {
	d.showKey = api.HasStatus(err, http.StatusUnauthorized)
	var answer *api.Error
	refused := ""
	if errors.As(err, &answer) {
		switch answer.Code {
		case api.CodeLocked, api.CodeSuperseded, api.CodeRevoked:
			refused = answer.Code + ": " + answer.Detail
			d.showKey = true // an unlock is noticed by it
		}
	} else if err != nil {
		return // no answer says nothing
	}
	if d.showKey && refused == "" {
		return // the key will tell why
	}
	d.mu.Lock()
	changed := d.status.Refused != refused
	d.status.Refused = refused
	s := d.status
	d.mu.Unlock()
	if changed {
		d.keep(s)
	}
}

// traded tells whether a refused token was traded for one that deserves a try at once. A server that takes no fresh token
// either gets its pause.
func (d *Daemon) traded(ctx context.Context) bool {
	before := d.hasTraded
	d.hasTraded = d.showKey && d.rotate(ctx)
	return d.hasTraded && !before
}

// rotate trades the token for a fresh one: once 75 % of its life are over, and whenever it is refused, as the key still
// says who this is.
func (d *Daemon) rotate(ctx context.Context) bool {
	now := time.Now()
	key, err := d.Store.Key()
	if err != nil {
		d.Log.Error("token not rotated", "error", err)
		return false
	}
	shown, err := d.Store.Present(true)
	if err != nil {
		d.Log.Error("generation not advanced", "error", err)
	}
	d.mu.Lock()
	offset, id := d.offset, d.id
	d.mu.Unlock()
	fresh, err := d.API.RotateToken(ctx, api.Rotation{Tenant: id.TenantID, Endpoint: id.EndpointID, Generation: shown}, key, now.Add(offset))
	d.stand(err)
	if err != nil {
		d.server.note(err)
		return false
	}
	d.accepted(shown, fresh.Generation, false)
	// Expiry is in the server's time; kept in ours.
	if err := d.Store.SetToken(fresh.Token, now, fresh.ExpiresAt.Add(-offset)); err != nil {
		d.Log.Error("fresh token not kept", "error", err)
		return false
	}
	d.Log.Info("token rotated", "expires_at", fresh.ExpiresAt)
	poke(d.wakeFetch) // it may have been refused with the old one
	return true
}

// trust is whose commits this machine applies.
func (d *Daemon) trust(rules *policy.Endpoint) (gitsource.Trust, error) {
	t := gitsource.Trust{Require: gitsource.Require(rules.RequireSigned())}
	for _, key := range rules.Signers() {
		t.Others = append(t.Others, commitsig.Signer{Key: key})
	}
	if t.Require == "" || t.Require == gitsource.RequireOff {
		return t, nil
	}
	signers, err := d.Store.Signers()
	if err != nil && !errors.Is(err, enroll.ErrNotPinned) {
		return t, err
	}
	t.Service = signers // nobody pinned: nothing is accepted
	return t, nil
}

// followSigners looks whether the service's signing key was changed, and says so if that is why a commit was refused.
func (d *Daemon) followSigners(ctx context.Context, refused error) error {
	if !errors.Is(refused, gitsource.ErrUnsigned) {
		return refused
	}
	self, err := d.API.Self(ctx)
	if err != nil {
		return errors.Join(refused, err)
	}
	followed, err := d.Store.Follow(self.Signers)
	if err != nil {
		return errors.Join(refused, err)
	}
	if followed {
		d.Log.Warn("the service's signing key was changed; the old one vouches for the new one", "key", self.Signers.Current)
		poke(d.wakeFetch)
	}
	return refused
}
