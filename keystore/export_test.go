package keystore

import (
	"sync/atomic"
	"time"
)

// WallClock gives r a wall clock that the returned function sets off by a time.
// The monotonic clock doesn't notice, as when a machine wakes up or is corrected.
func WallClock(r *Ring) (jump func(time.Duration)) {
	var offset atomic.Int64
	clock := r.clock
	r.clock = func() moment {
		m := clock()
		m.wall += offset.Load()
		return m
	}
	return func(d time.Duration) { offset.Add(int64(d)) }
}
