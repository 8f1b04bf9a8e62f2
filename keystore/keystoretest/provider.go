// Package keystoretest tests providers of keys.
//
//	func TestVault(t *testing.T) {
//		keystoretest.TestProvider(t, myProvider)
//	}
//
// [TestProvider] holds a [keystore.KeyProvider] to its contract, and [TestStore] one
// that is a [keystore.KeyWriter] too. [Script] makes a provider with faults in a
// written order, for tests of what stands on one.
package keystoretest

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// patience is how long a provider may take to return after its context has ended.
const patience = 5 * time.Second

// TestProvider tests that p, whose store holds keys, keeps the contract of a
// [keystore.KeyProvider].
func TestProvider(t *testing.T, p keystore.KeyProvider) {
	t.Helper()
	keys, err := p.Keys(t.Context())
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	if err := keys.Validate(); err != nil {
		t.Fatalf("Keys answered without an error: %v", err)
	}
	if keys.Version < 0 {
		t.Errorf("Keys answered version %d", keys.Version)
	}

	t.Run("answers the same again", func(t *testing.T) {
		again, err := p.Keys(t.Context())
		if err != nil || !again.SameKeys(keys) || again.Version < keys.Version {
			t.Errorf("got %v and %v, want %v", again, err, keys)
		}
	})
	t.Run("returns when its context has ended, with a whole set or an error that shows no key", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			answer, err := p.Keys(ctx)
			if err == nil && answer.Validate() != nil {
				t.Errorf("got %v and no error", answer)
			}
			if err != nil && (strings.Contains(err.Error(), keys.Current.Reveal()) || strings.Contains(err.Error(), keys.Next.Reveal())) {
				t.Error("the error shows a key")
			}
		}()
		select {
		case <-done:
		case <-time.After(patience):
			t.Errorf("it has not returned after %v", patience)
		}
	})
	t.Run("serves many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if answer, err := p.Keys(t.Context()); err != nil || !answer.SameKeys(keys) {
					t.Errorf("got %v and %v, want %v", answer, err, keys)
				}
			})
		}
		wg.Wait()
	})
}

// Store is a place that keys are read from and written to.
type Store interface {
	keystore.KeyProvider
	keystore.KeyWriter
}

// TestStore tests that s, which may be empty, keeps the contracts of a
// [keystore.KeyWriter] and of a [keystore.KeyProvider]. What s held is replaced by
// keys that are good for nothing.
func TestStore(t *testing.T, s Store) {
	t.Helper()
	signer := verifiertest.NewSigner()
	put := func() keystore.KeySet {
		t.Helper()
		keys, err := signer.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutKeys(t.Context(), keys); err != nil {
			t.Fatalf("PutKeys: %v", err)
		}
		return keys
	}
	want := put()
	t.Run("reads what was written", func(t *testing.T) {
		if got, err := s.Keys(t.Context()); err != nil || !got.SameKeys(want) {
			t.Fatalf("got %v and %v, want %v", got, err, want)
		}
	})
	t.Run("refuses half a set and keeps what it has", func(t *testing.T) {
		for _, half := range []keystore.KeySet{{}, {Current: verifiertest.NewKey()}, {Next: verifiertest.NewKey()}} {
			if err := s.PutKeys(t.Context(), half); err == nil {
				t.Errorf("PutKeys took %v", half)
			}
		}
		if got, err := s.Keys(t.Context()); err != nil || !got.SameKeys(want) {
			t.Errorf("got %v and %v, want %v", got, err, want)
		}
	})
	t.Run("versions grow", func(t *testing.T) {
		before, err := s.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		signer.Roll()
		put()
		after, err := s.Keys(t.Context())
		if err != nil || after.Version < before.Version || before.Version > 0 && after.Version == before.Version {
			t.Errorf("got version %d (%v) after %d", after.Version, err, before.Version)
		}
	})
	t.Run("a reader never sees a set that refuses what QStash signs", func(t *testing.T) {
		testReaders(t, s, signer)
	})
	TestProvider(t, s)
}

// testReaders reads while keys are rolled. From the moment of a roll QStash signs
// with the key that was next, and both the old and the new set have it.
func testReaders(t *testing.T, s Store, signer *verifiertest.Signer) {
	const rolls = 20
	var signing atomic.Pointer[keystore.Key] // nil between two rolls
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				before := signing.Load()
				keys, err := s.Keys(t.Context())
				if err != nil {
					t.Errorf("during a write: %v", err)
					return
				}
				if before != nil && before == signing.Load() && !keys.Current.Equal(*before) && !keys.Next.Equal(*before) {
					t.Errorf("read %v while QStash signs with %v", keys, *before)
				}
			}
		})
	}
	for range rolls {
		signer.Roll()
		keys, err := signer.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		signing.Store(&keys.Current)
		if err := s.PutKeys(t.Context(), keys); err != nil {
			t.Errorf("PutKeys: %v", err)
		}
		signing.Store(nil)
	}
	close(stop)
	readers.Wait()
}
