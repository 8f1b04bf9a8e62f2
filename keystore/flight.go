package keystore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// flight is one fetch of one region's keys. It belongs to no caller: it has its
// own context and deadline, and those who wait for it leave when they like.
//
// golang.org/x/sync/singleflight is no help here. Whether a caller joins a flight
// or may start one is one decision with the pause, made under one lock.
type flight struct {
	number uint64 // the how-manieth of its region
	began  moment
	done   chan struct{}
	err    error // may be read once done is closed
}

// wait returns nil when the flight is over, or else the end of ctx.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// join returns the flight that runs, or else starts one, or else nil, in a pause.
// What is urgent ignores a pause that follows a success, and only that. rr.mu is
// held.
func (rr *regionRing) join(now moment, urgent bool) *flight {
	switch {
	case rr.flight != nil:
		return rr.flight
	case rr.pause.left(now) > 0 && (rr.err != nil || !urgent):
		return nil
	}
	rr.flights++
	rr.pause = pause{now, rr.ring.cfg.MinInterval} // before the attempt, whatever comes of it
	f := &flight{number: rr.flights, began: now, done: make(chan struct{})}
	rr.flight = f
	go rr.fly(f)
	return f
}

func (rr *regionRing) fly(f *flight) {
	beganAt := time.Now()
	keys, err := rr.ask(rr.ring.cfg.FetchTimeout)

	rr.mu.Lock()
	var report func()
	if err == nil {
		report, err = rr.accept(keys, f.began, beganAt)
	}
	if err != nil {
		report = rr.fail(err)
	}
	f.err = err
	rr.flight = nil
	rr.mu.Unlock()

	report() // a slow log holds no lock
	close(f.done)
}

var (
	errAbandoned = errors.New("the provider did not return when its context ended and was left behind")
	errStuck     = errors.New("the provider has not returned from an earlier call that was left behind")
	errNoReturn  = errors.New("the provider ended its goroutine")
)

// ask calls the provider once, and returns no later than timeout even if the
// provider does. A result that comes later is dropped.
//
// At most one call runs at a time. While one that was left behind still runs,
// ask fails, so that a provider which never returns costs one goroutine.
func (rr *regionRing) ask(timeout time.Duration) (KeySet, error) {
	if !rr.calling.CompareAndSwap(false, true) {
		return KeySet{}, errStuck
	}
	// The provider's context ends a little sooner, so that one which heeds it can
	// still say what it was doing.
	ctx, cancel := context.WithTimeout(context.Background(), timeout-timeout/20)
	defer cancel()
	abandon := time.NewTimer(timeout)
	defer abandon.Stop()

	type answer struct {
		keys KeySet
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errNoReturn}
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: panicError(p)}
			}
			rr.calling.Store(false)
			answers <- a
		}()
		a.keys, a.err = rr.provider.Keys(ctx)
	}()

	select {
	case a := <-answers:
		return a.keys, a.err
	case <-abandon.C:
		return KeySet{}, fmt.Errorf("%w (%w)", errAbandoned, context.DeadlineExceeded)
	}
}

// panicError tells of a provider's panic without its value, which may hold a key.
// What the runtime itself says (an index, a nil pointer) holds none.
func panicError(p any) error {
	if err, ok := p.(runtime.Error); ok {
		return fmt.Errorf("the provider panicked: %w", err)
	}
	return fmt.Errorf("the provider panicked with a %T", p)
}
