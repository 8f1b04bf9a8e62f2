package keystore_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// perMinute is the most that a minute of forgeries can make a ring fetch.
const perMinute = int(time.Minute/minInterval) + 1

// forgeries is a minute of 10,000 forged deliveries a second. meanwhile is called
// every tenth of a second.
func (b *bed) forgeries(meanwhile func(second float64)) {
	signature := b.account.Sign(hook, nil, verifiertest.With(stranger))
	forge := func() {
		if b.verify(signature, hook) == nil {
			b.Error("a forgery was accepted")
		}
	}
	for tick := range 600 {
		together(10, func() verdict {
			for range 100 {
				forge()
			}
			return refused
		})
		if tick%300 == 299 {
			signature = b.account.Sign(hook, nil, verifiertest.With(stranger)) // before it expires
		}
		meanwhile(float64(tick) / 10)
		time.Sleep(time.Second / 10)
	}
}

func TestAMinuteOfForgeriesCostsAFetchInMinIntervalAndNoGenuineDelivery(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		calls, goroutines := b.store.Calls(), runtime.NumGoroutine()
		b.forgeries(func(float64) { b.want("a genuine delivery", b.deliver(), accepted) })
		if got := b.store.Calls() - calls; got > perMinute {
			t.Errorf("the store was asked %d times, want %d at most", got, perMinute)
		}
		synctest.Wait()
		if got := runtime.NumGoroutine(); got > goroutines+2 {
			t.Errorf("%d goroutines after the flood, %d before", got, goroutines)
		}
		if got := b.status().Suppressed; got == 0 {
			t.Error("no suppressed fetch was counted")
		}
	})
}

func TestADoubleRollInTheMiddleOfAFloodIsSeenWithinOneCooldown(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(slow(300*time.Millisecond, ask(b.account)))
		calls := b.store.Calls()
		var rolled time.Time
		recovered := time.Duration(-1)
		b.forgeries(func(second float64) {
			if second == 30.7 {
				b.account.Roll()
				b.account.Roll()
				rolled = time.Now()
			}
			if !rolled.IsZero() && recovered < 0 && b.deliver() == accepted {
				recovered = time.Since(rolled)
			}
		})
		if recovered < 0 || recovered > minInterval+time.Second {
			t.Errorf("recovered after %v, want one cooldown (%v)", recovered, minInterval)
		}
		if got := b.store.Calls() - calls; got > perMinute {
			t.Errorf("the store was asked %d times, want %d at most", got, perMinute)
		}
		if got := b.store.MostAtOnce(); got > 1 {
			t.Errorf("%d fetches ran at once", got)
		}
	})
}

func TestImplausibleForgeriesCauseNoFetch(t *testing.T) {
	forged := verifiertest.With(stranger)
	for name, deliver := range map[string]func(b *bed) error{
		"expired": func(b *bed) error {
			return b.verify(b.account.Sign(hook, nil, forged, verifiertest.Claim("exp", time.Now().Unix())), hook)
		},
		"not yet valid": func(b *bed) error {
			return b.verify(b.account.Sign(hook, nil, forged, verifiertest.Claim("nbf", time.Now().Unix()+60)), hook)
		},
		"misdirected": func(b *bed) error { return b.verify(b.account.Sign(hook, nil, forged), hook+"other") },
		"of another issuer": func(b *bed) error {
			return b.verify(b.account.Sign(hook, nil, forged, verifiertest.Claim("iss", "me")), hook)
		},
		"without a claim": func(b *bed) error {
			return b.verify(b.account.Sign(hook, nil, forged, verifiertest.Without("exp")), hook)
		},
		"oversized": func(b *bed) error {
			return b.verify(b.account.Sign(hook, nil, forged, verifiertest.Claim("x", make([]byte, 20<<10))), hook)
		},
		"malformed": func(b *bed) error { return b.verify(b.account.Sign(hook, nil, forged)[1:], hook) },
		"of another algorithm": func(b *bed) error {
			return b.verify(b.account.Sign(hook, nil, forged, func(d *verifiertest.Draft) { d.Header["alg"] = "HS512" }), hook)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, keystore.RingConfig{}, func(b *bed) {
				b.load()
				for range 20 {
					for range 20 {
						if deliver(b) == nil {
							t.Fatal("accepted")
						}
					}
					time.Sleep(minInterval)
				}
				b.wantCalls("after the flood", 1)
			})
		})
	}
}

func (b *bed) verify(signature, destination string) error {
	_, err := b.v.Verify(b.Context(), verifier.Request{Signature: signature, Destination: destination})
	return err
}

func TestTwentyGenuineDeliveriesAtOnceAfterADoubleRollShareOneFetch(t *testing.T) {
	inBubble(t, keystore.RingConfig{}, func(b *bed) {
		b.load()
		b.store.Then(slow(time.Second, ask(b.account)))
		time.Sleep(minInterval)
		b.account.Roll()
		b.account.Roll()
		if got := together(20, func() verdict { return b.deliver() }); got[accepted] != 20 {
			t.Errorf("got %v, want 20 accepted", got)
		}
		b.wantCalls("after them", 2)
	})
}
