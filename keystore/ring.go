package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patrickmn/go-cache"
)

// ErrUnavailable says that keys could not be had, so that a token is neither
// genuine nor forged. Every error of a [Ring] is an [*UnavailableError].
var ErrUnavailable = errors.New("signing keys unavailable")

// UnavailableError is an [ErrUnavailable] with its cause: [ErrNotFound],
// [ErrDenied], [ErrThrottled], [ErrInvalidKey], the end of the caller's context,
// or whatever the provider said.
type UnavailableError struct {
	Region     Region
	RetryAfter time.Duration // how soon asking again may help
	Err        error
}

func (e *UnavailableError) Error() string {
	if e.Region == DefaultRegion {
		return fmt.Sprintf("%v: %v", ErrUnavailable, e.Err)
	}
	return fmt.Sprintf("%v for region %s: %v", ErrUnavailable, e.Region, e.Err)
}

// Unwrap returns the class and the cause.
func (e *UnavailableError) Unwrap() []error { return []error{ErrUnavailable, e.Err} }

// Ring caches the key sets of one account, one for each region, and decides when
// they are fetched again. It is safe for concurrent use and needs no closing.
type Ring struct {
	cfg   RingConfig
	clock func() moment

	// snapshots holds a *snapshot for each region. MaxStale ends them by both
	// clocks, where they are read; the cache's own expiry would read one of them
	// again for every delivery.
	snapshots *cache.Cache

	// regions has each region under its own name and under the spelling of the
	// Upstash-Region header, so that the usual look-up converts nothing.
	regions map[Region]*regionRing
	ordered []*regionRing // the default region, then the others by name
}

// NewRing returns a ring over p, the provider of the default region. It does no
// I/O and starts nothing; the first use of the ring fetches. It fails on a
// provider that is nil and on a field of cfg that is out of range.
func NewRing(p KeyProvider, cfg RingConfig) (*Ring, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	r := &Ring{
		cfg:       cfg,
		clock:     newClock(),
		snapshots: cache.New(cache.NoExpiration, 0), // 0: no janitor, a goroutine that nobody could stop
		regions:   make(map[Region]*regionRing),
	}
	if err := r.add(DefaultRegion, p); err != nil {
		return nil, err
	}
	for name, p := range cfg.Regions {
		if name == DefaultRegion || name != ParseRegion(string(name)) {
			return nil, fmt.Errorf("keystore: RingConfig.Regions has a region %q; name it as QStash's variables do, such as US_EAST_1", name)
		}
		if err := r.add(name, p); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.ordered, func(a, b *regionRing) int { return strings.Compare(string(a.name), string(b.name)) })
	return r, nil
}

func (r *Ring) add(name Region, p KeyProvider) error {
	if p == nil {
		return fmt.Errorf("keystore: the KeyProvider of region %q is nil", name)
	}
	rr := &regionRing{ring: r, name: name, provider: p}
	r.regions[name] = rr
	r.regions[Region(strings.ReplaceAll(string(name), "_", "-"))] = rr
	r.ordered = append(r.ordered, rr)
	return nil
}

// region returns the ring of a region, in whichever spelling, or the default one.
func (r *Ring) region(name Region) *regionRing {
	if name == DefaultRegion {
		return r.ordered[0]
	}
	if rr, ok := r.regions[name]; ok {
		return rr
	}
	if len(r.ordered) > 1 {
		if rr, ok := r.regions[ParseRegion(string(name))]; ok {
			return rr
		}
	}
	return r.ordered[0]
}

// Keys returns the keys of a region, or the default ones where the ring has no
// such region. The first call fetches, and those that come meanwhile share its
// fetch; after that Keys doesn't wait for the store until the keys are older than
// MaxStale. It fails with an [*UnavailableError], when ctx ends too.
func (r *Ring) Keys(ctx context.Context, region Region) (Snapshot, error) {
	return r.region(region).keys(ctx)
}

// Refresh is for a caller that found nothing to verify under the keys of seen. It
// returns a snapshot of another generation, which is worth a second try; or one
// of the same generation, and then the store has confirmed that there are no
// other keys; or an [*UnavailableError], and then nobody can say.
//
// However often it is called, the store is asked once in MinInterval, and all
// calls that come while it is asked share the answer.
func (r *Ring) Refresh(ctx context.Context, seen Snapshot) (Snapshot, error) {
	return r.region(seen.Region()).refresh(ctx, seen)
}

// Load fetches the keys of every region that has none. It is never needed, but
// saves the first delivery the wait. Its errors are joined, one for each region
// that still has no keys; the others can be used.
func (r *Ring) Load(ctx context.Context) error {
	errs := make([]error, len(r.ordered))
	var wg sync.WaitGroup
	for i, rr := range r.ordered {
		wg.Go(func() { _, errs[i] = rr.keys(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Wait returns when no fetch is running that ran when it was called, or when ctx
// ends. A Lambda function calls it before it answers, because nothing runs
// between two invocations.
func (r *Ring) Wait(ctx context.Context) error {
	for _, rr := range r.ordered {
		if f := rr.running(); f != nil {
			if err := f.wait(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
