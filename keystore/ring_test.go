package keystore_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

var quiet = slog.New(slog.DiscardHandler)

// The ring's times when nothing is set.
const (
	maxAge       = 5 * time.Minute
	maxStale     = 24 * time.Hour
	minInterval  = 5 * time.Second
	fetchTimeout = 2 * time.Second
	maxBackoff   = 30 * time.Second
)

// bed is a QStash account, a store that its owner keeps, and a ring over that.
type bed struct {
	*testing.T
	account *verifiertest.Signer
	store   *keystoretest.Scripted
	ring    *keystore.Ring
	v       *verifier.Verifier
}

// inBubble runs f with a bed whose store answers the account's keys. Time is the
// bubble's.
func inBubble(t *testing.T, cfg keystore.RingConfig, f func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		account := verifiertest.NewSigner()
		b := newBed(t, cfg, account, keystoretest.Script(keystoretest.Ask(account)))
		f(b)
		synctest.Wait()
	})
}

func newBed(t *testing.T, cfg keystore.RingConfig, account *verifiertest.Signer, store *keystoretest.Scripted) *bed {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	ring, err := keystore.NewRing(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &bed{t, account, store, ring, v}
}

func (b *bed) load() {
	b.Helper()
	if err := b.ring.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// keys returns the account's keys.
func (b *bed) keys() keystore.KeySet {
	keys, _ := b.account.Keys(context.Background())
	return keys
}

// verdict is what becomes of a delivery.
type verdict string

const (
	accepted  verdict = "accepted"
	refused   verdict = "refused"
	undecided verdict = "undecided"
)

const hook = "https://h.example/"

// deliver has the verifier judge a delivery that is signed with the account's
// current key, unless an edit says otherwise.
func (b *bed) deliver(edits ...verifiertest.Edit) verdict {
	return b.deliverWithin(b.Context(), edits...)
}

func (b *bed) deliverWithin(ctx context.Context, edits ...verifiertest.Edit) verdict {
	b.Helper()
	_, err := b.v.Verify(ctx, verifier.Request{Signature: b.account.Sign(hook, nil, edits...), Destination: hook})
	switch {
	case err == nil:
		return accepted
	case errors.Is(err, verifier.ErrUndecided):
		return undecided
	}
	return refused
}

// forge delivers what nobody's key has signed.
func (b *bed) forge() verdict { return b.deliver(verifiertest.With(stranger)) }

var stranger = verifiertest.NewKey()

// want fails unless got is want.
func (b *bed) want(what string, got, want verdict) {
	b.Helper()
	if got != want {
		b.Errorf("%s: got %s, want %s", what, got, want)
	}
}

func (b *bed) wantCalls(what string, want int) {
	b.Helper()
	if got := b.store.Calls(); got != want {
		b.Errorf("%s: the store was asked %d times, want %d", what, got, want)
	}
}

// together runs f n times at once and returns how often each verdict came.
func together(n int, f func() verdict) map[verdict]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := make(map[verdict]int)
	for range n {
		wg.Go(func() {
			v := f()
			mu.Lock()
			got[v]++
			mu.Unlock()
		})
	}
	wg.Wait()
	return got
}

func (b *bed) status() keystore.RegionStatus { return b.ring.Status()[0] }

// untilAccepted delivers every tenth of a second and returns how long it took.
func (b *bed) untilAccepted(limit time.Duration) time.Duration {
	b.Helper()
	for start := time.Now(); ; time.Sleep(time.Second / 10) {
		if b.deliver() == accepted {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			b.Fatalf("nothing is accepted after %v", limit)
		}
	}
}
