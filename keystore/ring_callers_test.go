package keystore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
)

func TestAFetchOutlivesTheCallerThatStartedIt(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.store.Then(slow(time.Second, ask(b.account)))
		impatient, cancel := context.WithCancel(b.Context())
		gave := make(chan error, 1)
		go func() {
			_, err := b.ring.Keys(impatient, "")
			gave <- err
		}()
		synctest.Wait()
		others := make(chan map[verdict]int, 1)
		go func() { others <- together(10, func() verdict { return b.deliver() }) }()
		synctest.Wait()
		cancel()
		if err := <-gave; !errors.Is(err, context.Canceled) || !errors.Is(err, keystore.ErrUnavailable) {
			t.Errorf("the caller that left got %v", err)
		}
		if got := <-others; got[accepted] != 10 {
			t.Errorf("the others got %v, want all accepted", got)
		}
		b.wantCalls("for all of them", 1)
	})
}

func TestTheResultIsInstalledThoughAllCallersHaveLeft(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.store.Then(slow(time.Second, ask(b.account)))
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		b.want("with a context that has ended", b.deliverWithin(ctx), undecided)
		time.Sleep(2 * time.Second)
		b.store.Then(fail(keystore.ErrDenied))
		b.want("later", b.deliver(), accepted)
		b.wantCalls("for both", 1)
	})
}

func TestACallerWithLittleTimeLeavesInTimeAndNoFailureIsRecorded(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.store.Then(slow(time.Second, ask(b.account)))
		start := time.Now()
		ctx, cancel := context.WithTimeout(b.Context(), 5*time.Millisecond)
		defer cancel()
		b.want("with 5 ms left", b.deliverWithin(ctx), undecided)
		if took := time.Since(start); took != 5*time.Millisecond {
			t.Errorf("it took %v, want 5ms", took)
		}
		time.Sleep(time.Second)
		if got := b.status(); got.Failures != 0 || got.LastError != nil || !got.Usable {
			t.Errorf("got %+v, want no failure", got)
		}
	})
}

func TestAMissAfterAnothersRefreshIsRetriedWithNoFetch(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		seen, err := b.ring.Keys(b.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(minInterval)
		b.account.Roll()
		b.account.Roll()
		b.want("the delivery that refreshes", b.deliver(), accepted)
		b.wantCalls("after it", 2)
		time.Sleep(minInterval) // so that no pause hides a fetch
		newer, err := b.ring.Refresh(b.Context(), seen)
		if err != nil || newer.Generation() == seen.Generation() || !newer.Keys().SameKeys(b.keys()) {
			t.Errorf("got generation %d after %d and %v, want the newer keys", newer.Generation(), seen.Generation(), err)
		}
		b.wantCalls("after the one that saw the old keys", 2)
	})
}

func TestAFlightThatReadTheStoreBeforeTheRollMayBeFollowedByOneMore(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(keystoretest.Stale(time.Second, ask(b.account)))
		time.Sleep(minInterval)
		forged := make(chan verdict, 1)
		go func() { forged <- b.forge() }() // starts a flight, which reads at once and answers in a second
		synctest.Wait()
		b.account.Roll()
		b.account.Roll()
		if got := together(20, func() verdict { return b.deliver() }); got[accepted] != 20 {
			t.Errorf("got %v, want all accepted", got)
		}
		b.want("the forgery", <-forged, refused)
		b.wantCalls("after all", 3)
	})
}

func TestACallerJoinsAFlightThatRunsThoughAPauseForbidsANewOne(t *testing.T) {
	inBubble(t, keystore.RingConfig{MinInterval: maxAge}, func(b *bed) {
		b.load()
		b.store.Then(slow(time.Second, ask(b.account)))
		b.account.Roll()
		b.want("the match with the next key, which starts a flight", b.deliver(), accepted)
		b.account.Roll() // B, C are held, or on their way; C, D are current
		b.account.Roll()
		b.want("a delivery that can only join it", b.deliver(), accepted)
		b.wantCalls("after both", 2)
	})
}

func TestWithinAPauseTheAnswerComesAtOnce(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(slow(time.Second, ask(b.account)))
		time.Sleep(minInterval)
		b.want("the forgery that fetches", b.forge(), refused)
		start := time.Now()
		for range 1000 {
			b.want("a forgery in the pause", b.forge(), refused)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("forgeries waited %v", waited)
		}
		b.wantCalls("after them", 2)
	})
}
