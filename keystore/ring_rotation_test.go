package keystore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
	"github.com/stashring/stashring/verifier/verifiertest"
)

var answer, ask, fail, slow = keystoretest.Answer, keystoretest.Ask, keystoretest.Fail, keystoretest.Slow

func TestOneRollUnderAThousandDeliveriesCostsOneFetchAndNobodyWaits(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(slow(time.Second, ask(b.account)))
		b.account.Roll()
		b.wantCalls("before the first match", 1)
		start := time.Now()
		if got := together(1000, func() verdict { return b.deliver() }); got[accepted] != 1000 {
			t.Errorf("got %v, want all accepted", got)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("deliveries waited %v for the store", waited)
		}
		time.Sleep(time.Minute)
		b.wantCalls("after it", 2)
		if got := b.status(); !got.Current.Equal(b.keys().Current) || got.MatchedNext != 1000 {
			t.Errorf("got %+v, want the new keys and 1000 matches with the next one", got)
		}
	})
}

func TestAStoreThatLagsBehindARollIsAskedOnceForItAndThenByAge(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(answer(b.keys()))
		b.account.Roll() // at QStash; its owner hasn't written the store yet
		for range int(maxAge/time.Second) - 1 {
			b.want("a delivery signed with the next key", b.deliver(), accepted)
			time.Sleep(time.Second)
		}
		b.wantCalls("within MaxAge", 2)
	})
}

func TestARollSeenWhileTheStoreIsDownIsFetchedWithTheBackoffOfAFailure(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(fail(keystore.ErrThrottled))
		b.account.Roll()
		deliverFor := func(d time.Duration) {
			for start := time.Now(); time.Since(start) < d; time.Sleep(time.Second / 10) {
				b.want("a delivery signed with the next key", b.deliver(), accepted)
			}
		}
		deliverFor(time.Minute)
		if got := b.store.Calls(); got < 3 || got > 60 {
			t.Errorf("the store was asked %d times in a minute, want it again after each backoff", got)
		}
		b.store.Then(ask(b.account))
		deliverFor(maxBackoff)
		if got := b.status(); !got.Current.Equal(b.keys().Current) {
			t.Error("the roll was not fetched one backoff after the store was up")
		}
	})
}

func TestADoubleRollCostsOneFetchAndLosesNothing(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(slow(time.Second, ask(b.account)))
		time.Sleep(minInterval)
		b.account.Roll()
		b.account.Roll()
		if got := together(1000, func() verdict { return b.deliver() }); got[accepted] != 1000 {
			t.Errorf("got %v, want all accepted", got)
		}
		b.wantCalls("after a double roll", 2)
	})
}

func TestADoubleRollWhileTheStoreIsDownIsUndecidedAndAcceptedOneBackoffAfterItIsUp(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		old := b.keys()
		time.Sleep(minInterval)
		b.account.Roll()
		b.account.Roll()
		b.store.Then(fail(keystore.ErrThrottled))
		for range 600 {
			b.want("while the store is down", b.deliver(), undecided)
			b.want("an old delivery meanwhile", b.deliver(verifiertest.With(old.Current)), accepted)
			time.Sleep(time.Second)
		}
		if got := b.status(); !got.Current.Equal(old.Current) || !got.Usable || got.LastError == nil {
			t.Errorf("got %+v, want the old set and the error", got)
		}
		b.store.Then(ask(b.account))
		if took := b.untilAccepted(time.Minute); took > maxBackoff {
			t.Errorf("recovered after %v, want one backoff (%v) at most", took, maxBackoff)
		}
	})
}

func TestHalfARollReadAsTheNewKeyTwiceRefusesNothing(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.account.Roll() // (A,B) is now (B,C)
		rolled := b.keys()
		b.store.Then(answer(keystore.KeySet{Current: rolled.Current, Next: rolled.Current})) // (B,B)
		for range 10 {
			b.want("signed with B", b.deliver(), accepted)
			synctest.Wait()
		}
		if got := b.status(); !got.Degraded || !got.Usable {
			t.Errorf("got %+v, want a usable set that is reported as degraded", got)
		}
		b.store.Then(ask(b.account)) // (B,C)
		for range int(2 * maxAge / time.Second) {
			b.want("signed with B", b.deliver(), accepted)
			time.Sleep(time.Second)
		}
		if got := b.status(); got.Degraded || !got.Next.Equal(rolled.Next) {
			t.Errorf("got %+v, want the whole roll", got)
		}
	})
}

func TestHalfARollReadNextFirstIsMendedByOneRefreshOrBridgedByGrace(t *testing.T) {
	for _, grace := range []time.Duration{0, time.Minute} {
		inBubble(t, keystore.RingConfig{Grace: grace}, func(b *bed) {
			b.load()
			old := b.keys()
			b.account.Roll() // (A,B) is now (B,C)
			rolled := b.keys()
			b.store.Then(answer(keystore.KeySet{Current: old.Current, Next: rolled.Next}), ask(b.account)) // (A,C), then (B,C)
			time.Sleep(maxAge + time.Second)
			b.want("an old delivery, which starts the refresh", b.deliver(verifiertest.With(old.Current)), accepted)
			synctest.Wait()
			b.wantCalls("after (A,C)", 2)
			time.Sleep(minInterval)
			b.want("signed with B", b.deliver(), accepted)
			wantCalls := 3
			if grace > 0 {
				wantCalls = 2
			}
			b.wantCalls("after B", wantCalls)
		})
	}
}

func TestAVersionThatGoesBackIsDiscardedAndOneThatGrowsIsInstalledWhateverItHolds(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		first := b.keys()
		b.account.Roll()
		b.account.Roll()
		second := b.keys() // version 3
		b.load()
		b.store.Then(answer(first)) // version 1, as a replica has it that lags
		time.Sleep(maxAge + time.Second)
		b.want("after a stale read", b.deliver(), accepted)
		synctest.Wait()
		if got := b.status(); got.Regressions != 1 || !got.Current.Equal(second.Current) || got.Version != 3 {
			t.Errorf("got %+v, want one regression and the newer keys", got)
		}
		time.Sleep(time.Minute)
		b.want("a forgery, which the stale read says nothing about", b.forge(), undecided)

		first.Version = 4 // somebody has put the old keys back
		b.store.Then(answer(first))
		time.Sleep(time.Minute)
		b.want("after a rollback", b.deliver(verifiertest.With(first.Current)), accepted)
		b.want("a forgery after it", b.forge(), refused)
	})
}

func TestAStaleCopyOfTheSameKeysConfirmsNothingIfItsVersionSaysSo(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.account.Roll()
		b.load()
		stale := b.keys()
		stale.Version--
		b.store.Then(answer(stale))
		time.Sleep(minInterval)
		b.want("a forgery", b.forge(), undecided)
		b.store.Then(ask(b.account))
		time.Sleep(maxBackoff)
		b.want("a forgery, once the store confirms", b.forge(), refused)
	})
}

func TestGraceEndsAndThenTheOldKeyIsRefusedWithoutAStorm(t *testing.T) {
	inBubble(t, keystore.RingConfig{Grace: time.Minute}, func(b *bed) {
		b.load()
		old := b.keys()
		b.account.Roll()
		b.want("the delivery that shows the roll", b.deliver(), accepted)
		synctest.Wait()
		b.want("the old key in its grace", b.deliver(verifiertest.With(old.Current)), accepted)
		if got := b.status().MatchedOutgoing; got != 1 {
			t.Errorf("got %d matches with an outgoing key, want 1", got)
		}
		time.Sleep(time.Minute)
		calls := b.store.Calls()
		for range 600 {
			b.want("the old key after it", b.deliver(verifiertest.With(old.Current)), refused)
			time.Sleep(time.Second / 10)
		}
		if got, limit := b.store.Calls()-calls, int(time.Minute/minInterval)+1; got > limit {
			t.Errorf("the store was asked %d times in a minute, want %d at most", got, limit)
		}
	})
}

func TestWithoutGraceTheOldKeyEndsWithTheRoll(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		old := b.keys()
		b.account.Roll()
		b.deliver()
		synctest.Wait()
		b.want("the old key", b.deliver(verifiertest.With(old.Current)), refused)
	})
}

func TestRegionsAreIslands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		east, home := verifiertest.NewSigner(), verifiertest.NewSigner()
		eastStore := keystoretest.Script(keystoretest.Hang())
		b := newBed(t, keystore.RingConfig{Regions: map[keystore.Region]keystore.KeyProvider{"US_EAST_1": eastStore}},
			home, keystoretest.Script(ask(home)))
		for region, want := range map[keystore.Region]keystore.Region{
			"":             "",
			"EU-CENTRAL-1": "",
			"anything":     "",
		} {
			if got, err := b.ring.Keys(t.Context(), region); err != nil || got.Region() != want {
				t.Errorf("%q: got region %q and %v, want %q", region, got.Region(), err, want)
			}
		}
		b.wantCalls("unknown regions", 1)
		if _, err := b.ring.Keys(t.Context(), "US-EAST-1"); err == nil {
			t.Error("a region whose store hangs gave keys")
		}
		eastStore.Then(ask(east))
		time.Sleep(maxBackoff)
		for _, spelling := range []keystore.Region{"US-EAST-1", "US_EAST_1", "us-east-1"} {
			if got, err := b.ring.Keys(t.Context(), spelling); err != nil || got.Region() != "US_EAST_1" {
				t.Errorf("%q: got region %q and %v", spelling, got.Region(), err)
			}
		}
		if got := eastStore.Calls(); got != 2 {
			t.Errorf("the region's store was asked %d times, want 2", got)
		}
		b.wantCalls("after all that", 1)
		synctest.Wait()
	})
}
