package keystore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunKeepsKeysYoungerThanMaxAgeAndComesBeforeTheDeliveries(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.ring.Run(ctx) }()
		time.Sleep(time.Hour)
		if got := b.store.Calls(); got < 12 || got > 16 {
			t.Errorf("the store was asked %d times in an hour, want between 12 and 15 and the first", got)
		}
		for range 60 {
			time.Sleep(time.Minute / 10)
			if got := b.status(); !got.Usable || got.Age > maxAge {
				t.Errorf("got age %v, want %v at most", got.Age, maxAge)
			}
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's end", err)
		}
		calls := b.store.Calls()
		b.want("a read after Run has ended", b.deliver(), accepted)
		time.Sleep(time.Hour)
		b.wantCalls("an hour after Run has ended", calls)
	})
}

func TestRunDoesNotKeepAFleetInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := verifiertest.NewSigner()
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		begun := make(map[time.Time]int)
		var wg sync.WaitGroup
		for range 100 {
			store := keystoretest.Script(func(ctx context.Context) (keystore.KeySet, error) {
				mu.Lock()
				begun[time.Now()]++
				mu.Unlock()
				return account.Keys(ctx)
			})
			b := newBed(t, keystore.RingConfig{}, account, store)
			wg.Go(func() { _ = b.ring.Run(ctx) })
		}
		start := time.Now()
		time.Sleep(time.Hour)
		stop()
		wg.Wait()
		for at, n := range begun {
			if n > 3 && at.After(start) {
				t.Errorf("%d processes fetch together, %v after the start", n, at.Sub(start))
			}
		}
	})
}

func TestRunEndsWithinTheFetchDeadlineOverAProviderThatHangs(t *testing.T) {
	for name, deaf := range map[string]bool{"that heeds its context": false, "that doesn't": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, keystore.RingConfig{}, func(b *bed) {
				release := make(chan struct{})
				defer close(release)
				b.store.Then(keystoretest.Hang())
				if deaf {
					b.store.Then(keystoretest.HangDeaf(release, ask(b.account)))
				}
				ctx, stop := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- b.ring.Run(ctx) }()
				time.Sleep(time.Second)
				stop()
				start := time.Now()
				<-ended
				if took := time.Since(start); took > fetchTimeout {
					t.Errorf("it took %v, want %v at most", took, fetchTimeout)
				}
			})
		})
	}
}

func TestRunMendsWhatFailsWithoutAnyDelivery(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.store.Then(fail(keystore.ErrThrottled), fail(keystore.ErrThrottled), ask(b.account))
		ctx, stop := context.WithCancel(b.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = b.ring.Run(ctx) })
		time.Sleep(2 * maxBackoff)
		if got := b.status(); !got.Usable || got.Failures != 2 || got.Failing != 0 {
			t.Errorf("got %+v, want keys after two failures", got)
		}
		stop()
		running.Wait()
	})
}

func TestWaitReturnsWhenNoFetchRuns(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(slow(time.Second, ask(b.account)))
		b.account.Roll()
		b.want("the delivery that starts a fetch", b.deliver(), accepted)
		short, cancel := context.WithTimeout(b.Context(), time.Millisecond)
		defer cancel()
		if err := b.ring.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with little time: got %v", err)
		}
		if err := b.ring.Wait(b.Context()); err != nil {
			t.Errorf("got %v", err)
		}
		if got := b.status(); !got.Current.Equal(b.keys().Current) {
			t.Error("Wait returned before the fetch was over")
		}
	})
}

// Not in a bubble: the race detector and goleak are the judges.
func TestReadersSwapsAndStatusGoTogether(t *testing.T) {
	account := verifiertest.NewSigner()
	b := newBed(t, keystore.RingConfig{MinInterval: 1, Grace: time.Second}, account, keystoretest.Script(ask(account)))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.ring.Run(ctx) })
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				b.deliver()
				b.forge()
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			_ = fmt.Sprint(b.ring.Status())
			_ = b.ring.Wait(ctx)
		}
	})
	for range 200 {
		account.Roll()
		if got := b.deliver(); got != accepted {
			t.Errorf("right after a roll: got %s", got)
		}
	}
	stop()
	wg.Wait()
	if err := b.ring.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARingThatCanNotBeIsRefusedAtTheStart(t *testing.T) {
	p := keystore.Development()
	for name, build := range map[string]func() (*keystore.Ring, error){
		"no provider":               func() (*keystore.Ring, error) { return keystore.NewRing(nil, keystore.RingConfig{}) },
		"a negative time":           func() (*keystore.Ring, error) { return keystore.NewRing(p, keystore.RingConfig{MaxAge: -1}) },
		"MaxStale below MaxAge":     func() (*keystore.Ring, error) { return keystore.NewRing(p, keystore.RingConfig{MaxStale: time.Minute}) },
		"MaxAge below MinInterval":  func() (*keystore.Ring, error) { return keystore.NewRing(p, keystore.RingConfig{MaxAge: time.Second}) },
		"too much grace":            func() (*keystore.Ring, error) { return keystore.NewRing(p, keystore.RingConfig{Grace: 2 * time.Hour}) },
		"a region without provider": func() (*keystore.Ring, error) { return regions(p, "US_EAST_1", nil) },
		"the default region twice":  func() (*keystore.Ring, error) { return regions(p, "", p) },
		"a region misspelt":         func() (*keystore.Ring, error) { return regions(p, "us-east-1", p) },
	} {
		if ring, err := build(); err == nil || ring != nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func regions(p keystore.KeyProvider, name keystore.Region, further keystore.KeyProvider) (*keystore.Ring, error) {
	return keystore.NewRing(p, keystore.RingConfig{Regions: map[keystore.Region]keystore.KeyProvider{name: further}})
}
