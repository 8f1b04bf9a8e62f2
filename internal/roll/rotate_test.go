package roll_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/internal/roll"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

var usual = roll.RotateConfig{Settle: 10 * time.Minute, Drain: 5 * time.Second}

var layouts = map[string]layout{"one document": whole, "a pair": pair}

func TestARotationRefusesNothingAtAnyStep(t *testing.T) {
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, layout)
				before, _ := w.account.Keys(t.Context())
				var seen []string
				w.onStep = func(what string) {
					seen = append(seen, what)
					w.verifies(t, what)
				}
				if err := w.region().Rotate(t.Context(), usual); err != nil {
					t.Fatal(err)
				}
				after, _ := w.account.Keys(t.Context())
				if !after.Current.Equal(before.Next) || w.standing(t) != roll.InStep {
					t.Errorf("got %v after %v and %q, want one roll, in step", after, before, w.standing(t))
				}
				if !slices.Contains(seen, "after: "+rollQStash) {
					t.Errorf("the steps were %q", seen)
				}
			})
		})
	}
}

func TestADeliverySignedRightBeforeTheRollIsAcceptedWhileTheStoreDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, whole)
		late := w.account.Sign("https://h.example/", nil)
		w.onStep = func(what string) {
			if what == "before: "+writeStore {
				for _, v := range []*verifier.Verifier{w.gateway, verifierOver(t, w.store)} {
					if _, err := v.Verify(t.Context(), verifier.Request{Signature: late, Destination: "https://h.example/"}); err != nil {
						t.Errorf("a delivery that was on its way for %v: %v", usual.Drain, err)
					}
				}
			}
		}
		began := time.Now()
		if err := w.region().Rotate(t.Context(), usual); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < usual.Drain {
			t.Errorf("it took %v, want at least %v", took, usual.Drain)
		}
	})
}

func TestKilledAtAnyStepNothingIsRefusedAndSyncCompletesIt(t *testing.T) {
	for name, layout := range layouts {
		for killAt, finished := 1, false; !finished; killAt++ {
			t.Run(fmt.Sprintf("%s, step %d", name, killAt), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, layout)
					w.killAt = killAt
					finished = w.region().Rotate(t.Context(), usual) == nil
					w.verifies(t, "after the kill")
					time.Sleep(10 * time.Minute)
					w.verifies(t, "ten minutes later")

					w.killAt, w.onStep = 0, func(what string) { w.verifies(t, "in the sync, "+what) }
					if _, err := w.region().Sync(t.Context(), roll.SyncConfig{}); err != nil {
						t.Fatal(err)
					}
					if got := w.standing(t); got != roll.InStep {
						t.Errorf("got %q after the sync", got)
					}
				})
			})
			if killAt > 100 {
				t.Fatal("it never finishes")
			}
		}
	}
}

func TestTheStoreFailsBeforeOrAfterTheRoll(t *testing.T) {
	for _, cause := range []error{keystore.ErrDenied, keystore.ErrThrottled} {
		for _, test := range []struct {
			name   string
			step   string
			rolled bool
			want   error
		}{
			{"it can't be read", readStore, false, cause},
			{"it can't be written", writeStore, true, roll.ErrUnfinished},
		} {
			t.Run(fmt.Sprintf("%s, %v", test.name, cause), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, whole)
					before, _ := w.account.Keys(t.Context())
					w.fail = func(what string) error {
						if what == test.step {
							return cause
						}
						return nil
					}
					err := w.region().Rotate(t.Context(), usual)
					if !errors.Is(err, test.want) || !errors.Is(err, cause) {
						t.Errorf("got %v, want %v", err, test.want)
					}
					after, _ := w.account.Keys(t.Context())
					if rolled := !after.SameKeys(before); rolled != test.rolled {
						t.Errorf("rolled at QStash: %v, want %v", rolled, test.rolled)
					}
					w.verifies(t, "after the failure")
					w.fail = nil
					if _, err := w.region().Sync(t.Context(), roll.SyncConfig{}); err != nil || w.standing(t) != roll.InStep {
						t.Errorf("got %v and %q", err, w.standing(t))
					}
				})
			})
		}
	}
}

func TestAWriteThatIsNotThereAfterwardsIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, whole)
		w.account.Roll()
		r := w.region()
		r.Writer = writer(func(context.Context, keystore.KeySet) error { return nil })
		if _, err := r.Sync(t.Context(), roll.SyncConfig{}); !errors.Is(err, roll.ErrUnfinished) {
			t.Errorf("got %v, want %v", err, roll.ErrUnfinished)
		}
	})
}

type writer func(context.Context, keystore.KeySet) error

func (f writer) PutKeys(ctx context.Context, keys keystore.KeySet) error { return f(ctx, keys) }

func TestAReplicaThatLagsIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, whole)
		r := w.region()
		old, _ := w.store.Keys(t.Context())
		r.Store = lagging{stepped{w}, old}
		if err := r.Rotate(t.Context(), usual); err != nil {
			t.Error(err)
		}
	})
}

// lagging answers what was there a second ago.
type lagging struct {
	stepped
	old keystore.KeySet
}

func (l lagging) Keys(ctx context.Context) (keystore.KeySet, error) {
	changed, _ := l.ChangedAt(ctx, keystore.SlotCurrent)
	if time.Since(changed) < time.Second {
		return l.old, nil
	}
	return l.stepped.Keys(ctx)
}

func TestQStashFailsToAnswerTheRoll(t *testing.T) {
	lost := errors.New("the connection is gone")
	for _, test := range []struct {
		name        string
		fail, after func(string) error
		want        error // nil: the rotation is completed
		rolled      bool
	}{
		{"before it took effect", at(rollQStash, lost), nil, roll.ErrNotRolled, false},
		{"after it took effect", nil, at(rollQStash, lost), nil, true},
		{"for good, before", from(rollQStash, lost), nil, roll.ErrUnclear, false},
		{"for good, after", nil, from(rollQStash, lost), roll.ErrUnclear, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, whole)
				before, _ := w.account.Keys(t.Context())
				w.fail, w.after = test.fail, test.after
				if err := w.region().Rotate(t.Context(), usual); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				after, _ := w.account.Keys(t.Context())
				if rolled := !after.SameKeys(before); rolled != test.rolled {
					t.Errorf("rolled: %v, want %v", rolled, test.rolled)
				}
				w.verifies(t, "after it")
				w.fail, w.after = nil, nil
				if _, err := w.region().Sync(t.Context(), roll.SyncConfig{}); err != nil || w.standing(t) != roll.InStep {
					t.Errorf("got %v and %q", err, w.standing(t))
				}
			})
		})
	}
}

// at fails one kind of step.
func at(step string, err error) func(string) error {
	return func(what string) error {
		if what == step {
			return err
		}
		return nil
	}
}

// from fails QStash at one kind of step and ever after.
func from(step string, err error) func(string) error {
	begun := false
	return func(what string) error {
		begun = begun || what == step
		if begun && (what == rollQStash || what == askQStash) {
			return err
		}
		return nil
	}
}

func TestARollThatWouldHurtIsRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(*world, *roll.Region)
		want    error
	}{
		{"one roll behind", func(w *world, _ *roll.Region) { w.account.Roll() }, roll.ErrNotInStep},
		{"two rolls behind", func(w *world, _ *roll.Region) { w.account.Roll(); w.account.Roll() }, roll.ErrNotInStep},
		{"half written", func(w *world, _ *roll.Region) {
			w.store.set(func(k *keystore.KeySet) { k.Next = k.Current })
			w.store.changed = time.Now().Add(-time.Hour)
		}, roll.ErrNotInStep},
		{"written a minute ago", func(w *world, _ *roll.Region) { w.store.changed = time.Now().Add(-time.Minute) }, roll.ErrUnsettled},
		{"written in the future", func(w *world, _ *roll.Region) { w.store.changed = time.Now().Add(time.Hour) }, roll.ErrUnsettled},
		{"a store without dates", func(w *world, r *roll.Region) { r.Store = keystore.KeyProviderFunc(w.store.Keys) }, roll.ErrUnsettled},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, whole)
				r := w.region()
				test.prepare(w, &r)
				before, _ := w.account.Keys(t.Context())
				if err := r.Rotate(t.Context(), usual); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if after, _ := w.account.Keys(t.Context()); !after.SameKeys(before) {
					t.Error("it was rolled all the same")
				}

				forced := usual
				forced.Force = true
				var said []string
				forced.Progress = func(sentence string) { said = append(said, sentence) }
				if err := r.Rotate(t.Context(), forced); err != nil {
					t.Fatal(err)
				}
				if after, _ := w.account.Keys(t.Context()); !after.Current.Equal(before.Next) || w.standing(t) != roll.InStep {
					t.Errorf("forced: got %v after %v, and %q", after, before, w.standing(t))
				}
				if !strings.Contains(said[0], "FORCED") {
					t.Errorf("said %q", said)
				}
			})
		})
	}
}

func TestAnInterruptEndsTheDrainAndNotTheRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, whole)
		ctx, cancel := context.WithCancel(t.Context())
		w.onStep = func(what string) {
			if what == "after: "+rollQStash {
				cancel()
			}
		}
		began := time.Now()
		if err := w.region().Rotate(ctx, usual); err != nil || w.standing(t) != roll.InStep {
			t.Errorf("got %v and %q", err, w.standing(t))
		}
		if took := time.Since(began); took >= usual.Drain {
			t.Errorf("it took %v", took)
		}

		w.store.changed = time.Now().Add(-time.Hour)
		before, _ := w.account.Keys(t.Context())
		if err := w.region().Rotate(ctx, usual); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v from a rotation that was interrupted before it began", err)
		}
		if after, _ := w.account.Keys(t.Context()); !after.SameKeys(before) {
			t.Error("it rolled after it was interrupted")
		}
	})
}

func TestARollByHandMeanwhileIsSeenRepairedAndReported(t *testing.T) {
	for _, when := range []string{"before: " + rollQStash, "after: " + rollQStash, "after: " + writeStore} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, whole)
				by := sync.OnceFunc(w.account.Roll)
				w.onStep = func(what string) {
					if what == when {
						by()
					}
				}
				if err := w.region().Rotate(t.Context(), usual); !errors.Is(err, roll.ErrRolledElsewhere) {
					t.Errorf("got %v, want %v", err, roll.ErrRolledElsewhere)
				}
				if got := w.standing(t); got != roll.InStep {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

func TestTwoRotationsOfAStoreWithoutALockBothSayIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, whole)
		var both sync.WaitGroup
		both.Add(2)
		w.onStep = func(what string) {
			if what == "before: "+rollQStash { // both have looked, and found it in step
				both.Done()
				both.Wait()
			}
		}
		var errs [2]error
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = w.region().Rotate(t.Context(), usual) })
		}
		wg.Wait()
		for _, err := range errs {
			if !errors.Is(err, roll.ErrRolledElsewhere) {
				t.Errorf("got %v, want %v", err, roll.ErrRolledElsewhere)
			}
		}
		if got := w.standing(t); got != roll.InStep {
			t.Errorf("got %q", got)
		}
	})
}

func TestSyncWritesADifferenceAndNothingElse(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(*world)
		want    bool // it writes
	}{
		{"in step", func(*world) {}, false},
		{"one behind", func(w *world) { w.account.Roll() }, true},
		{"one key in both slots", func(w *world) { w.store.keys.Next = w.store.keys.Current }, true},
		{"slots exchanged", func(w *world) { k := &w.store.keys; k.Current, k.Next = k.Next, k.Current }, true},
	} {
		for name, layout := range layouts {
			t.Run(test.name+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, layout)
					test.prepare(w)
					w.store.writes = 0
					w.onStep = func(what string) { w.verifies(t, what) }
					change, err := w.region().Sync(t.Context(), roll.SyncConfig{})
					if err != nil || change.Wrote() != test.want || (w.store.writes > 0) != test.want || w.standing(t) != roll.InStep {
						t.Errorf("got %v and %v with %d writes, and %q", change, err, w.store.writes, w.standing(t))
					}
				})
			})
		}
	}
}

func TestSyncReplacesWhatHasNothingInCommonOnlyWhenToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, whole)
		w.account = verifiertest.NewSigner()
		for _, replace := range []bool{false, true} {
			_, err := w.region().Sync(t.Context(), roll.SyncConfig{Replace: replace})
			if errors.Is(err, roll.ErrUnrelated) == replace || (w.store.writes > 0) != replace {
				t.Errorf("replace %v: got %v and %d writes", replace, err, w.store.writes)
			}
		}
		if got := w.standing(t); got != roll.InStep {
			t.Errorf("got %q", got)
		}
	})
}

func TestAStoreOverWhichTheProbeDoesNotVerifyIsNotCalledInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, whole)
		stranger, _ := verifiertest.NewSigner().Keys(t.Context())
		w.onStep = func(what string) {
			if what == "after: "+askQStash && w.store.writes > 0 { // written and read back
				w.store.set(func(k *keystore.KeySet) { k.Current, k.Next = stranger.Current, stranger.Next })
			}
		}
		if err := w.region().Rotate(t.Context(), usual); !errors.Is(err, roll.ErrUnproven) {
			t.Errorf("got %v, want %v", err, roll.ErrUnproven)
		}
	})
}
