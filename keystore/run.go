package keystore

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Run keeps the keys of every region fresh, so that no delivery finds them older
// than MaxAge, until ctx ends; then it waits for the fetches that run, which
// FetchTimeout bounds, and returns the end of ctx. It is for servers. The ring
// works before, without and after it.
func (r *Ring) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, rr := range r.ordered {
		wg.Go(func() { rr.run(ctx) })
	}
	wg.Wait()
	_ = r.Wait(context.WithoutCancel(ctx))
	return context.Cause(ctx)
}

func (rr *regionRing) run(ctx context.Context) {
	early := rr.jitter()
	for ctx.Err() == nil {
		if due := rr.due(early); due > 0 {
			select {
			case <-time.After(due):
			case <-ctx.Done():
			}
			continue // someone else may have fetched meanwhile
		}
		rr.mu.Lock()
		f := rr.join(rr.ring.clock(), false)
		rr.mu.Unlock()
		if f != nil {
			_ = f.wait(ctx)
			early = rr.jitter()
		}
	}
}

// jitter draws how long before MaxAge the next fetch comes, so that processes
// which started together don't stay together.
func (rr *regionRing) jitter() time.Duration { return rand.N(rr.ring.cfg.MaxAge/5 + 1) }

// due returns how long to wait before a fetch that comes early.
func (rr *regionRing) due(early time.Duration) time.Duration {
	rr.mu.Lock()
	defer rr.mu.Unlock()
	now := rr.ring.clock()
	left := rr.pause.left(now)
	if s, age := rr.snapshot(now); s != nil {
		left = max(left, rr.ring.cfg.MaxAge-early-age)
	}
	return left
}
