package keystore_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// faults are the ways of a provider to fail that leave nothing behind.
var faults = map[string]keystoretest.Step{
	"hangs and heeds its context":         keystoretest.Hang(),
	"panics":                              keystoretest.Panic("the store is upset"),
	"panics with an error of the runtime": keystoretest.Panic(errors.New("index")),
	"answers an empty set":                answer(keystore.KeySet{}),
	"answers half a set":                  answer(keystore.KeySet{Current: verifiertest.NewKey()}),
	"answers a blank key":                 answerOf("   "),
	"answers a short key":                 answerOf("sig_short"),
	"answers a key with a line break":     answerOf("sig_0123456789012345678901234567\n"),
	"is throttled":                        fail(keystore.ErrThrottled),
	"is denied":                           fail(keystore.ErrDenied),
	"is not found":                        fail(keystore.ErrNotFound),
	"fails":                               fail(errors.New("connection refused")),
}

// answerOf answers as a provider does that makes a key of this secret.
func answerOf(secret string) keystoretest.Step {
	key, err := keystore.NewKey(secret)
	if err != nil {
		return fail(err)
	}
	return answer(keystore.KeySet{Current: key, Next: key})
}

func TestNoFaultOfTheStoreTakesTheLastGoodKeysAway(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inBubble(t, keystore.RingConfig{}, func(b *bed) {
				b.load()
				b.store.Then(fault)
				for range 100 {
					time.Sleep(maxStale / 101)
					b.want("a genuine delivery", b.deliver(), accepted)
					b.want("a forgery", b.forge(), undecided)
				}
				if got := b.store.MostAtOnce(); got != 1 {
					t.Errorf("%d calls ran at once, want one", got)
				}
				time.Sleep(maxStale / 50)
				b.want("a genuine delivery after MaxStale", b.deliver(), undecided)
				b.store.Then(ask(b.account))
				if took := b.untilAccepted(time.Hour); took > maxBackoff+fetchTimeout {
					t.Errorf("recovered after %v", took)
				}
			})
		})
	}
}

func TestAFaultAtTheFirstLoadIsAnErrorThatTimeMendsWithoutARestart(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inBubble(t, keystore.RingConfig{}, func(b *bed) {
				b.store.Then(fault)
				keys, err := b.ring.Keys(b.Context(), "")
				unavailable, ok := errors.AsType[*keystore.UnavailableError](err)
				if !ok || !errors.Is(err, keystore.ErrUnavailable) || unavailable.RetryAfter < time.Second || keys.Generation() != 0 {
					t.Fatalf("got generation %d and %v, want to hear when to retry", keys.Generation(), err)
				}
				b.want("a genuine delivery", b.deliver(), undecided)
				b.store.Then(ask(b.account))
				if took := b.untilAccepted(time.Minute); took > maxBackoff {
					t.Errorf("recovered after %v", took)
				}
			})
		})
	}
}

func TestAProviderThatIgnoresItsContextCostsOneGoroutineAndItsLateAnswerIsDropped(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		held := b.keys()
		release := make(chan struct{})
		late := verifiertest.NewSigner()
		b.store.Then(keystoretest.HangDeaf(release, ask(late)), ask(b.account))
		time.Sleep(minInterval)
		for range 100 {
			start := time.Now()
			b.want("a forgery", b.forge(), undecided)
			if waited := time.Since(start); waited > fetchTimeout {
				t.Errorf("a caller waited %v, want %v at most", waited, fetchTimeout)
			}
			b.want("a genuine delivery", b.deliver(), accepted)
			time.Sleep(time.Second)
		}
		b.wantCalls("while one is stuck", 2)
		close(release)
		synctest.Wait()
		if got := b.status(); !got.Current.Equal(held.Current) {
			t.Errorf("got %v, want the keys from before: nobody waits for the late answer any more", got.Current)
		}
		time.Sleep(maxBackoff)
		b.want("a forgery, once the provider is back", b.forge(), refused)
	})
}

func TestAProviderThatEndsItsGoroutineDoesNotTakeTheRingWithIt(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.store.Then(keystoretest.Exit(), ask(b.account))
		b.want("the first delivery", b.deliver(), undecided)
		time.Sleep(maxBackoff)
		b.want("the second", b.deliver(), accepted)
	})
}

func TestTheStoreIsAskedWithABackoffThatGrowsAndIsBounded(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.store.Then(fail(keystore.ErrThrottled))
		var begun []time.Time
		start := time.Now()
		for calls := 0; time.Since(start) < time.Hour; time.Sleep(time.Second / 4) {
			b.deliver()
			if now := b.store.Calls(); now > calls {
				calls = now
				begun = append(begun, time.Now())
			}
		}
		for i := 1; i < len(begun); i++ {
			gap := begun[i].Sub(begun[i-1])
			if gap < time.Second || gap > maxBackoff+time.Second/2 {
				t.Errorf("attempt %d came %v after the one before", i, gap)
			}
			if i == 1 && gap > 4*time.Second {
				t.Errorf("the first pause was %v", gap)
			}
		}
		if len(begun) > 3600/5 {
			t.Errorf("%d attempts in an hour: the backoff doesn't grow", len(begun))
		}
	})
}

func TestAGoodFetchEndsTheBackoff(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		for range 10 { // so that luck doesn't pass for it
			b.store.Then(fail(keystore.ErrThrottled))
			for range 10 {
				b.forge()
				time.Sleep(maxBackoff)
			}
			b.store.Then(ask(b.account))
			b.want("a genuine delivery", b.deliver(), accepted)
			b.want("a forgery", b.forge(), refused)
			b.store.Then(fail(keystore.ErrThrottled))
			time.Sleep(minInterval)
			b.want("a forgery when the store fails again", b.forge(), undecided)
			calls := b.store.Calls()
			time.Sleep(3 * time.Second)
			b.forge()
			b.wantCalls("three seconds later", calls+1)
		}
	})
}

func TestTheLogTellsCausesApartAndShowsNoKey(t *testing.T) {
	for name, test := range map[string]struct {
		fault       keystoretest.Step
		level, want string
	}{
		"denied":    {fail(fmt.Errorf("%w: by policy", keystore.ErrDenied)), "ERROR", "cause=denied"},
		"not found": {fail(keystore.ErrNotFound), "ERROR", `cause="not found"`},
		"invalid":   {answer(keystore.KeySet{}), "ERROR", "cause=invalid"},
		"throttled": {fail(keystore.ErrThrottled), "WARN", "cause=throttled"},
		"timeout":   {keystoretest.Hang(), "WARN", "cause=timeout"},
		"failed":    {fail(errors.New("x")), "WARN", "cause=failed"},
		"panic":     {keystoretest.Panic(stranger.Reveal()), "WARN", "cause=failed"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			inBubble(t, keystore.RingConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(b *bed) {
				b.store.Then(test.fault, ask(b.account))
				b.deliver()
				time.Sleep(maxBackoff)
				b.deliver()
				synctest.Wait()
				text := log.String()
				if !strings.Contains(text, "level="+test.level) || !strings.Contains(text, test.want) {
					t.Errorf("got %s, want level %s and %s", text, test.level, test.want)
				}
				if !strings.Contains(text, "answers again") || !strings.Contains(text, "signing keys installed") {
					t.Errorf("got %s, want to hear of the recovery", text)
				}
				for _, key := range []keystore.Key{b.keys().Current, b.keys().Next, stranger} {
					if strings.Contains(text, key.Reveal()[4:]) {
						t.Error("a key shows")
					}
				}
			})
		})
	}
}
