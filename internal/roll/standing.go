package roll

import "github.com/stashring/stashring/keystore"

// Standing is how a store stands to QStash: which of QStash's keys it has, and in
// which slots. Its value is the word that `keys show --json` prints.
type Standing string

// Every way in which two pairs can stand to each other. QStash's pair is (B,C)
// throughout: it signs with B, and will sign with C. X is any other key.
const (
	InStep      Standing = "in_step"               // store (B,C)
	OneBehind   Standing = "one_behind"            // store (X,B)
	HalfWritten Standing = "half_written"          // store (B,B)
	NextDiffers Standing = "next_differs"          // store (B,X)
	Swapped     Standing = "swapped"               // store (C,B)
	NextFirst   Standing = "next_first"            // store (X,C)
	Ahead       Standing = "ahead"                 // store (C,X), (C,C)
	Apart       Standing = "two_behind_or_foreign" // store (X,X), and no more is known
	Foreign     Standing = "foreign"               // store (X,X), and they are another region's
	Unknown     Standing = "unknown"               // one of the two could not be read
)

// Compare says how a store with the keys of store stands to a QStash account with
// those of qstash.
//
// A store that shares no key with QStash is [Apart]. Two rolls leave nothing of a
// pair, so by the keys alone such a store can't be told from one of another
// account.
func Compare(store, qstash keystore.KeySet) Standing {
	if store.Validate() != nil || qstash.Validate() != nil {
		return Unknown
	}
	signing, waiting := qstash.Current, qstash.Next
	switch {
	case store.SameKeys(qstash):
		return InStep
	case store.Current.Equal(signing) && store.Next.Equal(signing):
		return HalfWritten
	case store.Current.Equal(signing):
		return NextDiffers
	case store.Current.Equal(waiting) && store.Next.Equal(signing):
		return Swapped
	case store.Next.Equal(signing):
		return OneBehind
	case store.Current.Equal(waiting):
		return Ahead
	case store.Next.Equal(waiting):
		return NextFirst
	}
	return Apart
}

// Verifies reports whether a verifier over the store accepts what QStash signs
// now: whether the store has QStash's current key, in either slot.
func (s Standing) Verifies() bool {
	switch s {
	case InStep, OneBehind, HalfWritten, NextDiffers, Swapped:
		return true
	}
	return false
}

// Title names the standing in a few words.
func (s Standing) Title() string { return words[s].title }

// Sentence says what the standing means for deliveries.
func (s Standing) Sentence() string { return words[s].sentence }

var words = map[Standing]struct{ title, sentence string }{
	InStep: {"in step with QStash",
		"The store has QStash's two keys. Everything verifies, and will after the next roll."},
	OneBehind: {"one roll behind, still verifying: act",
		"QStash signs with the store's next key. Everything verifies; after another roll nothing would."},
	HalfWritten: {"half written, still verifying: act",
		"QStash's current key stands in both slots. Everything verifies; after the next roll nothing would."},
	NextDiffers: {"wrong next key, still verifying: act",
		"The store has QStash's current key, but not its next. Everything verifies; after the next roll nothing would."},
	Swapped: {"slots exchanged, still verifying",
		"QStash's two keys stand in each other's slot. Everything verifies, and will after the next roll."},
	NextFirst: {"half written, next key first: refusing everything",
		"The store has QStash's next key, but not the one that it signs with. Every delivery is refused."},
	Ahead: {"ahead of QStash: refusing everything",
		"The store's current key is the one that QStash will sign with after its next roll. Until then every delivery is refused."},
	Apart: {"refusing everything: two or more rolls behind, or foreign",
		"The store shares no key with QStash. Either the keys were rolled twice or more since it was written, and every delivery is refused; " +
			"or QSTASH_TOKEN is of another account or region than the store. The keys alone can't say which."},
	Foreign: {"refusing everything: foreign, these are another region's keys",
		"The store shares no key with QStash's keys for this region. It has those of another region."},
	Unknown: {"unknown", ""},
}
