package keystoretest

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/stashring/stashring/keystore"
)

var _ keystore.KeyProvider = (*Scripted)(nil)

// Step is what a [Scripted] provider does in one call.
type Step func(ctx context.Context) (keystore.KeySet, error)

// Scripted is a provider that does what is written for it, call after call, so
// that a test can bring about any fault without a clock or a network. It is safe
// for concurrent use.
type Scripted struct {
	mu      sync.Mutex
	steps   []Step
	calls   int
	running int
	most    int
}

// Script returns a provider whose calls take these steps in order; the last one is
// taken by every call after it. Without a step, calls fail with
// [keystore.ErrNotFound].
func Script(steps ...Step) *Scripted { return &Scripted{steps: steps} }

// Then replaces what is left of the script, for calls that begin from now on.
func (s *Scripted) Then(steps ...Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = steps
}

// Calls returns how many calls have begun.
func (s *Scripted) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// MostAtOnce returns how many calls ran at one time, at the most.
func (s *Scripted) MostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Keys takes the next step.
func (s *Scripted) Keys(ctx context.Context) (keystore.KeySet, error) {
	step := s.begin()
	defer s.end()
	return step(ctx)
}

func (s *Scripted) begin() Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.running++
	s.most = max(s.most, s.running)
	step := Fail(keystore.ErrNotFound)
	if len(s.steps) > 0 {
		step = s.steps[0]
	}
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	return step
}

func (s *Scripted) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
}

// Answer gives these keys, whether or not they are a set that a provider may give.
func Answer(keys keystore.KeySet) Step {
	return func(context.Context) (keystore.KeySet, error) { return keys, nil }
}

// Ask gives what another provider answers at the time of the call.
func Ask(p keystore.KeyProvider) Step { return p.Keys }

// Fail gives an error.
func Fail(err error) Step {
	return func(context.Context) (keystore.KeySet, error) { return keystore.KeySet{}, err }
}

// Hang waits for the end of the context and gives its error.
func Hang() Step {
	return func(ctx context.Context) (keystore.KeySet, error) {
		<-ctx.Done()
		return keystore.KeySet{}, ctx.Err()
	}
}

// HangDeaf pays no heed to the context: it waits for release to be closed, and
// takes the step then.
func HangDeaf(release <-chan struct{}, then Step) Step {
	return func(ctx context.Context) (keystore.KeySet, error) {
		<-release
		return then(ctx)
	}
}

// Slow takes the step after some time, or fails when the context ends first.
func Slow(d time.Duration, then Step) Step {
	return func(ctx context.Context) (keystore.KeySet, error) {
		select {
		case <-time.After(d):
			return then(ctx)
		case <-ctx.Done():
			return keystore.KeySet{}, ctx.Err()
		}
	}
}

// Stale reads at once and answers late, so that a write in between is missed.
func Stale(d time.Duration, read Step) Step {
	return func(ctx context.Context) (keystore.KeySet, error) {
		keys, err := read(ctx)
		return Slow(d, func(context.Context) (keystore.KeySet, error) { return keys, err })(ctx)
	}
}

// Panic panics with v.
func Panic(v any) Step {
	return func(context.Context) (keystore.KeySet, error) { panic(v) }
}

// Exit ends the goroutine that the call runs in, as testing.T.FailNow does.
func Exit() Step {
	return func(context.Context) (keystore.KeySet, error) {
		runtime.Goexit()
		panic("unreachable")
	}
}
