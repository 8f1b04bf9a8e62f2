package keystore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/patrickmn/go-cache"
)

// errRegressed is an answer from before the last one, as a replica gives that has
// not caught up with a write. It confirms nothing.
var errRegressed = errors.New("the store answered with an older version of the keys")

// accept installs what the store answered and returns what is to be logged, or
// says why the old keys stay. rr.mu is held.
func (rr *regionRing) accept(keys KeySet, began moment, beganAt time.Time) (report func(), err error) {
	if err := keys.Validate(); err != nil {
		return nil, err
	}
	if keys.Version != 0 && keys.Version < rr.version {
		rr.regressions++
		return nil, fmt.Errorf("%w: version %d after %d", errRegressed, keys.Version, rr.version)
	}
	rr.version = keys.Version

	held, _ := rr.snapshot(began)
	fresh := &snapshot{region: rr, keys: keys, fetched: began, fetchedAt: beganAt}
	changed := held == nil || !held.keys.SameKeys(keys)
	if changed {
		rr.generation++
		fresh.generation, fresh.outgoing = rr.generation, rr.retire(held, keys, began)
	} else {
		fresh.generation, fresh.outgoing = held.generation, held.outgoing
	}
	rr.ring.snapshots.Set(string(rr.name), fresh, cache.DefaultExpiration)

	failed := rr.failing
	rr.err, rr.failing, rr.backoff = nil, 0, 0
	return func() {
		if failed > 0 {
			rr.log().Info("the key store answers again", "failures", failed)
		}
		if !changed {
			return
		}
		rr.log().Info("signing keys installed", "current", keys.Current, "next", keys.Next,
			"version", keys.Version, "generation", fresh.generation)
		if keys.Degraded() {
			rr.log().Warn("one key stands in both slots: write the next key to the store before the keys are rolled again",
				"current", keys.Current)
		}
	}, nil
}

// maxOutgoing bounds how many keys a forged token is tried against.
const maxOutgoing = 4

// retire returns the keys that verify for Grace though the store no longer has
// them: those of the set before, and earlier ones whose grace goes on.
func (rr *regionRing) retire(held *snapshot, keys KeySet, now moment) []outgoing {
	if held == nil || rr.ring.cfg.Grace == 0 {
		return nil
	}
	grace := pause{now, rr.ring.cfg.Grace}
	leaving := append([]outgoing{{held.keys.Current, grace}, {held.keys.Next, grace}}, held.outgoing...)

	taken := []Key{keys.Current, keys.Next}
	var retired []outgoing
	for _, out := range leaving {
		if out.grace.left(now) > 0 && len(retired) < maxOutgoing && !slices.ContainsFunc(taken, out.key.Equal) {
			taken = append(taken, out.key)
			retired = append(retired, out)
		}
	}
	return retired
}

// fail keeps what is held, sets the pause before the store is asked again, and
// returns what is to be logged. The pause is drawn between the first backoff and
// three times the last one, so that a fleet that failed together does not come
// back together. rr.mu is held.
func (rr *regionRing) fail(err error) (report func()) {
	now := rr.ring.clock()
	limit := rr.ring.cfg.MaxBackoff
	first := min(firstBackoff, limit)
	rr.backoff = first + rand.N(min(3*max(rr.backoff, first), limit)-first+1)
	rr.pause = pause{now, rr.backoff}
	rr.rolled.Store(0) // let the next match with the next key ask again

	rr.err = err
	rr.failures++
	rr.failing++
	rr.failedAt = time.Now()

	attrs := []any{"error", err, "cause", cause(err), "failures", rr.failing, "retry_in", rr.backoff}
	message := "can't fetch the signing keys, and there are none to use"
	if held, age := rr.snapshot(now); held != nil {
		message = "can't fetch the signing keys; those held stay in use"
		attrs = append(attrs, "age", age)
	}
	return func() {
		rr.log().Log(context.Background(), level(err), message, attrs...)
	}
}

// level is Error for what waiting won't mend.
func level(err error) slog.Level {
	switch cause(err) {
	case "denied", "not found", "invalid":
		return slog.LevelError
	}
	return slog.LevelWarn
}

// cause names the class of a failed fetch, for logs and dashboards.
func cause(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrDenied):
		return "denied"
	case errors.Is(err, ErrNotFound):
		return "not found"
	case errors.Is(err, ErrThrottled):
		return "throttled"
	case errors.Is(err, ErrInvalidKey):
		return "invalid"
	case errors.Is(err, errRegressed):
		return "regressed"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "failed"
}

func (rr *regionRing) log() *slog.Logger {
	return rr.ring.cfg.Logger.With("region", string(rr.name))
}
