package roll_test

import (
	"slices"
	"testing"

	"github.com/stashring/stashring/internal/roll"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func TestEveryWayInWhichTwoPairsCanStandHasItsName(t *testing.T) {
	b, c, x, y := verifiertest.NewKey(), verifiertest.NewKey(), verifiertest.NewKey(), verifiertest.NewKey()
	for _, test := range []struct {
		name           string
		current, next  keystore.Key
		want           roll.Standing
		verifies       bool
		verifiesRolled bool // after one more roll, with the store left as it is
	}{
		{"the same pair", b, c, roll.InStep, true, true},
		{"the pair from before the roll", x, b, roll.OneBehind, true, false},
		{"the signing key in both slots", b, b, roll.HalfWritten, true, false},
		{"the signing key and a stranger", b, x, roll.NextDiffers, true, false},
		{"the pair turned round", c, b, roll.Swapped, true, true},
		{"the waiting key written first", x, c, roll.NextFirst, false, true},
		{"the pair after the next roll", c, x, roll.Ahead, false, true},
		{"the waiting key in both slots", c, c, roll.Ahead, false, true},
		{"nothing in common", x, y, roll.Apart, false, false},
		{"one stranger in both slots", x, x, roll.Apart, false, false},
		{"no keys", keystore.Key{}, keystore.Key{}, roll.Unknown, false, false},
		{"no current key", keystore.Key{}, b, roll.Unknown, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := roll.Compare(keystore.KeySet{Current: test.current, Next: test.next, Version: 7}, keystore.KeySet{Current: b, Next: c})
			if got != test.want || got.Verifies() != test.verifies {
				t.Errorf("got %q, verifies %v; want %q, %v", got, got.Verifies(), test.want, test.verifies)
			}
			if got.Title() == "" || got != roll.Unknown && got.Sentence() == "" {
				t.Errorf("%q has no words", got)
			}
			if test.want != roll.Unknown {
				if rolled := slices.ContainsFunc([]keystore.Key{test.current, test.next}, c.Equal); rolled != test.verifiesRolled {
					t.Errorf("this table says that after a roll it verifies: %v; it would be %v", test.verifiesRolled, rolled)
				}
			}
		})
	}
}

// Whatever the four slots hold, the word must agree with what a verifier would do.
func TestAStandingVerifiesExactlyIfTheStoreHasTheSigningKey(t *testing.T) {
	keys := []keystore.Key{verifiertest.NewKey(), verifiertest.NewKey(), verifiertest.NewKey(), verifiertest.NewKey()}
	for _, s1 := range keys {
		for _, s2 := range keys {
			for _, q1 := range keys {
				for _, q2 := range keys {
					store, qstash := keystore.KeySet{Current: s1, Next: s2}, keystore.KeySet{Current: q1, Next: q2}
					got := roll.Compare(store, qstash)
					if want := s1.Equal(q1) || s2.Equal(q1); got.Verifies() != want {
						t.Errorf("store %v, %v, QStash %v, %v: %q verifies %v, want %v", s1, s2, q1, q2, got, got.Verifies(), want)
					}
					if want := store.SameKeys(qstash); (got == roll.InStep) != want {
						t.Errorf("store %v, %v, QStash %v, %v: got %q", s1, s2, q1, q2, got)
					}
				}
			}
		}
	}
}

func TestAStoreWithAnotherRegionsKeysIsForeign(t *testing.T) {
	home, east := newWorld(t, whole), newWorld(t, whole)
	regions := []roll.Region{home.region(), east.region()}
	regions[1].Name, regions[1].Store = "US_EAST_1", home.store
	views := roll.Survey(t.Context(), regions)
	if views[0].Standing != roll.InStep || views[1].Standing != roll.Foreign || views[1].Other != keystore.DefaultRegion {
		t.Errorf("got %q and %q of %q, want in step, and foreign", views[0].Standing, views[1].Standing, views[1].Other)
	}
	alone := roll.Survey(t.Context(), regions[1:])
	if alone[0].Standing != roll.Apart {
		t.Errorf("got %q where no other region is known, want %q", alone[0].Standing, roll.Apart)
	}
}
