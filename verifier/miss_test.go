package verifier_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// The store is asked again for a token that newer keys may make good, and for no
// other: else anybody could make a receiver ask all day.
func TestOnlyAPlausibleForgeryAsksTheStoreAgain(t *testing.T) {
	var fetches atomic.Int64
	signer := verifiertest.NewSigner()
	ring, err := keystore.NewRing(keystore.KeyProviderFunc(func(ctx context.Context) (keystore.KeySet, error) {
		fetches.Add(1)
		return signer.Keys(ctx)
	}), keystore.RingConfig{MinInterval: time.Nanosecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	forged := verifiertest.With(verifiertest.NewKey())
	now := time.Now().Unix()
	for name, test := range map[string]struct {
		edits   []verifiertest.Edit
		arrived string
		fetches int64
	}{
		"plausible":            {nil, hook, 1},
		"expired":              {[]verifiertest.Edit{verifiertest.Claim("exp", now-1)}, hook, 0},
		"not valid yet":        {[]verifiertest.Edit{verifiertest.Claim("nbf", now+100)}, hook, 0},
		"another issuer":       {[]verifiertest.Edit{verifiertest.Claim("iss", "evil")}, hook, 0},
		"another destination":  {nil, hook + "x", 0},
		"no expiry":            {[]verifiertest.Edit{verifiertest.Without("exp")}, hook, 0},
		"a claim of bad type":  {[]verifiertest.Edit{verifiertest.Claim("jti", 1)}, hook, 0},
		"plausible once again": {nil, hook, 1},
	} {
		before := fetches.Load()
		_, err := v.VerifyToken(t.Context(), signer.Sign(hook, nil, append(test.edits, forged)...), test.arrived, "")
		if !errors.Is(err, verifier.ErrSignature) {
			t.Errorf("%s: got %v, want %v", name, err, verifier.ErrSignature)
		}
		if got := fetches.Load() - before; got != test.fetches {
			t.Errorf("%s: got %d fetches, want %d", name, got, test.fetches)
		}
	}
}
