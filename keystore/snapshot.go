package keystore

import "time"

// Slot says which key of a set made a signature.
type Slot uint8

// The slots, in the order in which they are tried.
const (
	SlotNone     Slot = iota
	SlotCurrent       // the key that QStash signs with, as far as the ring knows
	SlotNext          // the key after it: QStash has rolled, and the ring hasn't seen it yet
	SlotOutgoing      // a key that left the store less than RingConfig.Grace ago
	slotCount
)

// String returns "current", "next", "outgoing" or "none".
func (s Slot) String() string {
	return [...]string{"none", "current", "next", "outgoing"}[s%slotCount]
}

// Snapshot is what a ring holds for one region at one time. It does not change.
// The zero Snapshot has no keys.
type Snapshot struct{ *snapshot }

type snapshot struct {
	region     *regionRing
	keys       KeySet
	generation uint64
	fetched    moment    // when the fetch began that last confirmed the keys
	fetchedAt  time.Time // the same, for people
	outgoing   []outgoing
}

// outgoing is a key that left the store, and how long it still verifies.
type outgoing struct {
	key   Key
	grace pause
}

// Region returns the region whose keys these are.
func (s Snapshot) Region() Region {
	if s.snapshot == nil {
		return DefaultRegion
	}
	return s.region.name
}

// Keys returns the current and the next key.
func (s Snapshot) Keys() KeySet {
	if s.snapshot == nil {
		return KeySet{}
	}
	return s.keys
}

// Generation counts the key sets that the ring has had for this region. Two
// snapshots of one generation hold the same keys. 0 is the zero Snapshot's.
func (s Snapshot) Generation() uint64 {
	if s.snapshot == nil {
		return 0
	}
	return s.generation
}

// Match tries the current key, the next one, and those in their time of grace,
// and returns the slot and the key under which mac is the HMAC-SHA256 of
// signingInput.
//
// A match with the next key proves that QStash has rolled, so the first one of a
// generation starts a fetch, in the background.
func (s Snapshot) Match(signingInput, mac []byte) (Slot, Key, bool) {
	if s.snapshot == nil {
		return SlotNone, Key{}, false
	}
	for slot, key := range [...]Key{SlotCurrent: s.keys.Current, SlotNext: s.keys.Next} {
		if key.Verify(signingInput, mac) {
			s.region.matched(s.snapshot, Slot(slot))
			return Slot(slot), key, true
		}
	}
	for _, out := range s.outgoing {
		if out.grace.left(s.region.ring.clock()) > 0 && out.key.Verify(signingInput, mac) {
			s.region.matched(s.snapshot, SlotOutgoing)
			return SlotOutgoing, out.key, true
		}
	}
	return SlotNone, Key{}, false
}
