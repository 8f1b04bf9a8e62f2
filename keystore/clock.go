package keystore

import "time"

// moment is one instant on two clocks, in nanoseconds. Neither is enough alone:
// the monotonic clock stands still while a Lambda environment is frozen, and the
// wall clock can be set.
type moment struct{ wall, mono int64 }

// since returns how long ago earlier was, by the clock that says longer. So a
// clock that stands still or is set back never makes keys look fresh or keeps a
// pause from ending.
func (m moment) since(earlier moment) time.Duration {
	return time.Duration(max(m.wall-earlier.wall, m.mono-earlier.mono))
}

// newClock returns a reader of both clocks.
func newClock() func() moment {
	start := time.Now()
	return func() moment {
		now := time.Now()
		return moment{wall: now.UnixNano(), mono: int64(now.Sub(start))}
	}
}

// pause is a time in which something may not happen. The zero pause is over.
type pause struct {
	from  moment
	lasts time.Duration
}

// left returns how much of the pause remains, 0 when it is over.
func (p pause) left(now moment) time.Duration {
	return max(0, p.lasts-now.since(p.from))
}
