package keystore

import "time"

// RegionStatus tells how one region of a ring stands. It holds no secret: a Key
// shows as its fingerprint.
type RegionStatus struct {
	Region   Region
	Usable   bool // there are keys, and they are younger than MaxStale
	Degraded bool // one key stands in both slots

	Current    Key // zero if not usable, as are the next five
	Next       Key
	Version    int64
	Generation uint64
	FetchedAt  time.Time     // when the fetch began that last confirmed the keys
	Age        time.Duration // since then

	Fetches     uint64    // begun so far
	Failures    uint64    // of these, how many failed
	Failing     uint64    // how many failed since one succeeded
	Suppressed  uint64    // fetches that a pause prevented
	Regressions uint64    // answers that were discarded for their older version
	LastError   error     // why the last fetch failed, nil if it didn't
	Cause       string    // the class of LastError: "denied", "not found", "throttled", "invalid", "regressed", "timeout" or "failed"
	FailedAt    time.Time // when a fetch last failed, zero if none did

	MatchedCurrent  uint64 // signatures that matched the current key
	MatchedNext     uint64
	MatchedOutgoing uint64
}

// Status tells how each region stands, the default region first.
func (r *Ring) Status() []RegionStatus {
	status := make([]RegionStatus, len(r.ordered))
	for i, rr := range r.ordered {
		status[i] = rr.status()
	}
	return status
}

func (rr *regionRing) status() RegionStatus {
	rr.mu.Lock()
	defer rr.mu.Unlock()
	st := RegionStatus{
		Region:      rr.name,
		Fetches:     rr.flights,
		Failures:    rr.failures,
		Failing:     rr.failing,
		Suppressed:  rr.suppressed,
		Regressions: rr.regressions,
		LastError:   rr.err,
		Cause:       cause(rr.err),
		FailedAt:    rr.failedAt,

		MatchedCurrent:  rr.matches[SlotCurrent].Load(),
		MatchedNext:     rr.matches[SlotNext].Load(),
		MatchedOutgoing: rr.matches[SlotOutgoing].Load(),
	}
	if s, age := rr.snapshot(rr.ring.clock()); s != nil {
		st.Usable, st.Degraded = true, s.keys.Degraded()
		st.Current, st.Next, st.Version = s.keys.Current, s.keys.Next, s.keys.Version
		st.Generation, st.FetchedAt, st.Age = s.generation, s.fetchedAt, age
	}
	return st
}
