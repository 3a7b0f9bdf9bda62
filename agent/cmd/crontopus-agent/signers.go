package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"crontopus.dev/agent/pkg/commitsig"
	"crontopus.dev/agent/pkg/enroll"
)

// signersCommand shows whose signatures this machine believes, and lets a person accept a key for which no pinned one
// vouches.
func signersCommand(ctx context.Context, args []string, out io.Writer) error {
	s := newSettings("signers", out)
	accept := s.flags.String("accept", "", "trust the server's present key if it has this `fingerprint` (SHA256:…)")
	_, e, err := s.open(args)
	if err != nil {
		return err
	}
	if *accept != "" {
		return acceptSigner(ctx, e, *accept, out)
	}
	signers, err := e.store.Signers()
	if err != nil && !errors.Is(err, enroll.ErrNotPinned) {
		return err
	}
	if len(signers) == 0 {
		fmt.Fprintln(out, "No signing key is pinned.")
	}
	for _, signer := range signers {
		fingerprint, err := commitsig.Fingerprint(signer.Key)
		if err != nil {
			return err
		}
		until := "signs now"
		if !signer.Until.IsZero() {
			until = "until " + signer.Until.Format(time.RFC3339)
		}
		fmt.Fprintln(out, fingerprint, until)
	}
	return nil
}

func acceptSigner(ctx context.Context, e *endpoint, wanted string, out io.Writer) error {
	self, err := e.client.Self(ctx)
	if err != nil {
		return err
	}
	fingerprint, err := commitsig.Fingerprint(self.Signers.Current)
	if err != nil {
		return err
	}
	if fingerprint != wanted {
		return fmt.Errorf("the server's key is %s, not %s: nothing was changed", fingerprint, wanted)
	}
	if err := e.store.Pin(self.Signers.Current); err != nil {
		return err
	}
	fmt.Fprintln(out, "Pinned", fingerprint)
	return nil
}
