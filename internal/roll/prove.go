package roll

import (
	"context"
	"log/slog"
	"time"

	"github.com/stashring/stashring/internal/qstash"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
)

// A probe is never sent, so its destination need not exist (RFC 6761, section 6.4).
const probeURL = "https://probe.invalid/stashring"

// prove signs a token with key as QStash does, and verifies it over store as a
// verifier does that starts now.
func prove(ctx context.Context, store keystore.KeyProvider, key keystore.Key) error {
	ring, err := keystore.NewRing(store, keystore.RingConfig{
		FetchTimeout: callTimeout,
		Logger:       slog.New(slog.DiscardHandler), // what it finds is in the error
	})
	if err != nil {
		return err
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		return err
	}
	body := []byte("probe")
	signature, err := qstash.NewToken(probeURL, body, time.Now()).Sign(key)
	if err != nil {
		return err
	}
	_, err = v.Verify(ctx, verifier.Request{Signature: signature, Destination: probeURL, Body: body})
	return err
}
