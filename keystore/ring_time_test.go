package keystore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func TestKeysPastMaxAgeAreServedWhileOneFetchRuns(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(slow(time.Second, ask(b.account)))
		time.Sleep(maxAge)
		b.want("at MaxAge", b.deliver(), accepted)
		b.wantCalls("at MaxAge", 1)
		time.Sleep(time.Nanosecond)
		start := time.Now()
		if got := together(100, func() verdict { return b.deliver() }); got[accepted] != 100 || time.Since(start) != 0 {
			t.Errorf("past MaxAge: got %v after %v, want all accepted at once", got, time.Since(start))
		}
		time.Sleep(time.Second)
		b.wantCalls("past MaxAge", 2)
	})
}

// A Lambda environment is frozen between invocations. When it thaws, the wall clock
// has moved on and the monotonic one hasn't.
func TestAfterTwoHoursFrozenTheOldKeysServeAndAreFetchedAgain(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		jump := keystore.WallClock(b.ring)
		b.load()
		jump(2 * time.Hour)
		b.want("the first delivery after", b.deliver(), accepted)
		synctest.Wait()
		b.wantCalls("after it", 2)
		if got := b.status().Age; got != 0 {
			t.Errorf("got age %v, want 0", got)
		}
	})
}

func TestAfterLongerThanMaxStaleFrozenNothingOldIsServed(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		jump := keystore.WallClock(b.ring)
		b.load()
		b.store.Then(fail(keystore.ErrThrottled))
		jump(maxStale + time.Second)
		b.want("while the store is down", b.deliver(), undecided)
		b.store.Then(ask(b.account))
		time.Sleep(maxBackoff)
		b.want("once it is up", b.deliver(), accepted)
	})
}

func TestAFetchThatWasFrozenEndsByItsDeadline(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		jump := keystore.WallClock(b.ring)
		b.load()
		b.store.Then(keystoretest.Hang(), ask(b.account)) // its connection died in the freeze
		time.Sleep(maxAge + time.Second)
		b.want("the delivery that starts the fetch", b.deliver(), accepted)
		synctest.Wait()
		jump(2 * time.Hour)
		b.want("the first delivery after the freeze", b.deliver(), accepted)
		start := time.Now()
		b.want("a forgery, which waits for the fetch", b.forge(), undecided)
		if waited := time.Since(start); waited > fetchTimeout {
			t.Errorf("it waited %v, want %v at most", waited, fetchTimeout)
		}
		time.Sleep(maxBackoff)
		b.want("a forgery later", b.forge(), refused)
	})
}

func TestAWallClockThatJumpsCausesNeitherAStormNorAPauseWithoutEnd(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": 24 * time.Hour, "back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, keystore.RingConfig{}, func(b *bed) {
				set := keystore.WallClock(b.ring)
				b.load()
				calls := b.store.Calls()
				b.want("a forgery before", b.forge(), refused)
				set(jump)
				for range 600 {
					b.want("a forgery", b.forge(), refused)
					b.want("a genuine delivery", b.deliver(), accepted)
					time.Sleep(time.Second / 10)
				}
				got := b.store.Calls() - calls
				if got > perMinute+1 {
					t.Errorf("the store was asked %d times in a minute, want %d at most", got, perMinute+1)
				}
				if got < perMinute/2 {
					t.Errorf("the store was asked %d times in a minute: the pause does not end", got)
				}
			})
		})
	}
}

func TestAWallClockThatIsSetBackDoesNotKeepKeysYoung(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		jump := keystore.WallClock(b.ring)
		b.load()
		jump(-48 * time.Hour)
		time.Sleep(maxAge + time.Second)
		b.want("a delivery past MaxAge", b.deliver(), accepted)
		synctest.Wait()
		b.wantCalls("after it", 2)
	})
}

// A store that allows 40 reads a second, as SSM does for a whole account.
type rationed struct {
	keys keystore.KeyProvider
	mu   sync.Mutex
	at   time.Time
	left int
}

func (r *rationed) step() keystoretest.Step {
	return func(ctx context.Context) (keystore.KeySet, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if now := time.Now().Truncate(time.Second); !now.Equal(r.at) {
			r.at, r.left = now, 40
		}
		if r.left == 0 {
			return keystore.KeySet{}, keystore.ErrThrottled
		}
		r.left--
		return r.keys.Keys(ctx)
	}
}

func TestFiveHundredRingsThatStartAtOnceAllComeUpOverAStoreOf40ReadsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := verifiertest.NewSigner()
		store := keystoretest.Script((&rationed{keys: account}).step())
		start := time.Now()
		took := make([]time.Duration, 500)
		var wg sync.WaitGroup
		for i := range took {
			b := newBed(t, keystore.RingConfig{}, account, store)
			wg.Go(func() {
				for {
					_, err := b.ring.Keys(t.Context(), "")
					if err == nil {
						took[i] = time.Since(start)
						return
					}
					unavailable, ok := errors.AsType[*keystore.UnavailableError](err)
					if !ok || unavailable.RetryAfter < time.Second || unavailable.RetryAfter > maxBackoff || !errors.Is(err, keystore.ErrThrottled) {
						t.Errorf("got %v, want to hear when to retry", err)
						return
					}
					time.Sleep(unavailable.RetryAfter)
				}
			})
		}
		wg.Wait()
		var slowest time.Duration
		seconds := make(map[time.Duration]int)
		for _, d := range took {
			slowest = max(slowest, d)
			seconds[d.Truncate(time.Second)]++
		}
		if slowest > 3*time.Minute {
			t.Errorf("the last ring came up after %v", slowest)
		}
		if len(seconds) < 500/40 {
			t.Errorf("they came up in %d different seconds, want them spread", len(seconds))
		}
		t.Logf("500 rings up after %v, with %d reads", slowest, store.Calls())
		synctest.Wait()
	})
}
