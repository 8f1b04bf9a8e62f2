package keystore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// regionRing is the part of a ring that belongs to one region. No region's
// trouble touches another's.
type regionRing struct {
	ring     *Ring
	name     Region
	provider KeyProvider

	calling atomic.Bool              // a call to the provider runs
	matches [slotCount]atomic.Uint64 // signatures matched, by slot
	rolled  atomic.Uint64            // the generation whose next key has matched, which started a fetch

	mu          sync.Mutex
	flight      *flight // the one that runs, or nil
	flights     uint64  // started so far
	pause       pause   // no flight starts in it
	err         error   // why the last flight failed, or nil
	backoff     time.Duration
	spare       pause // takeSpare has nothing to give in it
	generation  uint64
	version     int64 // of the keys held
	failures    uint64
	failing     uint64 // failures since the last success
	failedAt    time.Time
	suppressed  uint64
	regressions uint64
}

// snapshot returns the keys that are held and their age, or nil where there are
// none or they are older than MaxStale.
func (rr *regionRing) snapshot(now moment) (*snapshot, time.Duration) {
	held, ok := rr.ring.snapshots.Get(string(rr.name))
	if !ok {
		return nil, 0
	}
	s := held.(*snapshot)
	age := now.since(s.fetched)
	if age > rr.ring.cfg.MaxStale {
		return nil, 0
	}
	return s, age
}

func (rr *regionRing) keys(ctx context.Context) (Snapshot, error) {
	now := rr.ring.clock()
	s, age := rr.snapshot(now)
	if s == nil {
		return rr.load(ctx)
	}
	if age > rr.ring.cfg.MaxAge {
		rr.mu.Lock()
		rr.join(now, false)
		rr.mu.Unlock()
	}
	return Snapshot{s}, nil
}

// load waits for a flight, because there is nothing to serve without one.
func (rr *regionRing) load(ctx context.Context) (Snapshot, error) {
	rr.mu.Lock()
	now := rr.ring.clock()
	s, _ := rr.snapshot(now)
	if s != nil {
		rr.mu.Unlock()
		return Snapshot{s}, nil
	}
	f := rr.join(now, false)
	err, left := rr.err, rr.pause.left(now)
	rr.mu.Unlock()
	if f == nil {
		return Snapshot{}, rr.unavailable(err, left)
	}
	return rr.land(ctx, f)
}

// land waits for a flight and returns the keys that are held after it.
func (rr *regionRing) land(ctx context.Context, f *flight) (Snapshot, error) {
	if err := f.wait(ctx); err != nil {
		return Snapshot{}, rr.unavailable(err, 0)
	}
	now := rr.ring.clock()
	if f.err != nil {
		rr.mu.Lock()
		left := rr.pause.left(now)
		rr.mu.Unlock()
		return Snapshot{}, rr.unavailable(f.err, left)
	}
	s, _ := rr.snapshot(now)
	if s == nil {
		return Snapshot{}, rr.unavailable(nil, 0)
	}
	return Snapshot{s}, nil
}

func (rr *regionRing) refresh(ctx context.Context, seen Snapshot) (Snapshot, error) {
	rr.mu.Lock()
	before := rr.flights // a flight beyond these begins after the miss
	for late := false; ; late = true {
		now := rr.ring.clock()
		s, _ := rr.snapshot(now)
		if s != nil && s.generation != seen.Generation() {
			rr.mu.Unlock()
			return Snapshot{s}, nil
		}
		f := rr.join(now, late && rr.takeSpare(now))
		if f == nil {
			rr.suppressed++
			err, left := rr.err, rr.pause.left(now)
			rr.mu.Unlock()
			if err != nil || s == nil {
				return Snapshot{}, rr.unavailable(err, left)
			}
			return Snapshot{s}, nil
		}
		rr.mu.Unlock()
		landed, err := rr.land(ctx, f)
		if err != nil || f.number > before || landed.generation != seen.Generation() {
			return landed, err
		}
		// The flight had begun when the miss came, so it may have read what was
		// there before the roll. One more may look.
		rr.mu.Lock()
	}
}

// takeSpare gives out, once in MaxAge, the right to fetch again right after a
// fetch: enough for a roll that was written while the store was being read, and
// nothing that a flood of forgeries could live on.
func (rr *regionRing) takeSpare(now moment) bool {
	if rr.flight != nil || rr.err != nil || rr.pause.left(now) == 0 || rr.spare.left(now) > 0 {
		return false
	}
	rr.spare = pause{now, rr.ring.cfg.MaxAge}
	return true
}

// matched counts a match, and on the first one with the next key of a generation
// starts a fetch. QStash alone can sign with that key, so not even a pause after a
// good fetch stands in the way; one after a failure does, and the next match
// tries again.
func (rr *regionRing) matched(s *snapshot, slot Slot) {
	rr.matches[slot].Add(1)
	if slot != SlotNext || rr.rolled.Load() == s.generation {
		return
	}
	rr.mu.Lock()
	first := rr.generation == s.generation && rr.rolled.Load() != s.generation &&
		rr.flight == nil && rr.join(rr.ring.clock(), true) != nil
	if first {
		rr.rolled.Store(s.generation)
	}
	rr.mu.Unlock()
	if first {
		rr.log().Info("a signature matches the next key, so the keys were rolled; fetching", "next", s.keys.Next)
	}
}

func (rr *regionRing) running() *flight {
	rr.mu.Lock()
	defer rr.mu.Unlock()
	return rr.flight
}

func (rr *regionRing) unavailable(err error, left time.Duration) *UnavailableError {
	if err == nil {
		err = errNoKeys
	}
	return &UnavailableError{Region: rr.name, RetryAfter: max(left, time.Second), Err: err}
}

var errNoKeys = errors.New("the keys ran out")
