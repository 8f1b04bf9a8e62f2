package roll_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stashring/stashring/internal/roll"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// layout is how a store keeps a pair.
type layout bool

const (
	whole layout = false // one document
	pair  layout = true  // two parameters, current written first
)

// world is a QStash account, a store in memory, and a gateway that has run over
// the store all the while. Everything that a rotation does to it passes through
// step.
type world struct {
	account *verifiertest.Signer
	store   *memory
	gateway *verifier.Verifier

	mu     sync.Mutex
	steps  int
	killAt int // the step at which the roller dies; 0: never
	onStep func(what string)
	fail   func(what string) error // a fault in the place of a step's effect
	after  func(what string) error // a fault once a step has taken effect
}

var errKilled = errors.New("this process is dead")

// The steps by name.
const (
	readStore    = "read the store"
	writeStore   = "write the store"
	writeCurrent = "write the current key"
	writeNext    = "write the next key"
	askQStash    = "ask QStash"
	rollQStash   = "roll at QStash"
)

func newWorld(t *testing.T, layout layout) *world {
	t.Helper()
	w := &world{account: verifiertest.NewSigner()}
	keys, err := w.account.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.store = &memory{keys: keys, layout: layout, changed: time.Now().Add(-time.Hour)}
	w.gateway = verifierOver(t, w.store)
	w.verifies(t, "at the beginning")
	return w
}

func verifierOver(t *testing.T, store keystore.KeyProvider) *verifier.Verifier {
	t.Helper()
	ring, err := keystore.NewRing(store, keystore.RingConfig{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// verifies checks that what QStash signs now is accepted by the gateway and by a
// verifier that starts now.
func (w *world) verifies(t *testing.T, when string) {
	t.Helper()
	signature := w.account.Sign("https://h.example/", nil)
	for name, v := range map[string]*verifier.Verifier{"the gateway": w.gateway, "a new verifier": verifierOver(t, w.store)} {
		if _, err := v.Verify(t.Context(), verifier.Request{Signature: signature, Destination: "https://h.example/"}); err != nil {
			t.Errorf("%s: %s refuses what QStash signs: %v", when, name, err)
		}
	}
}

func (w *world) standing(t *testing.T) roll.Standing {
	t.Helper()
	qstash, _ := w.account.Keys(t.Context())
	store, _ := w.store.Keys(t.Context())
	return roll.Compare(store, qstash)
}

// region is the world as a roller sees it.
func (w *world) region() roll.Region {
	return roll.Region{Store: stepped{w}, Writer: stepped{w}, QStash: qstash{w}}
}

// step is one effect on the world. A roller that is dead has none.
func (w *world) step(what string, effect func()) error {
	w.mu.Lock()
	w.steps++
	dead := w.killAt != 0 && w.steps >= w.killAt
	w.mu.Unlock()
	if dead {
		return errKilled
	}
	if w.onStep != nil {
		w.onStep("before: " + what)
	}
	if w.fail != nil {
		if err := w.fail(what); err != nil {
			return err
		}
	}
	effect()
	if w.onStep != nil {
		w.onStep("after: " + what)
	}
	if w.after != nil {
		return w.after(what)
	}
	return nil
}

// memory is a store.
type memory struct {
	mu      sync.Mutex
	keys    keystore.KeySet
	changed time.Time
	layout  layout
	writes  int
}

func (m *memory) Keys(context.Context) (keystore.KeySet, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys, m.keys.Validate()
}

func (m *memory) set(f func(*keystore.KeySet)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.keys)
	m.keys.Version++
	m.changed = time.Now()
	m.writes++
}

// stepped is the store as a roller sees it.
type stepped struct{ w *world }

func (s stepped) Keys(ctx context.Context) (keys keystore.KeySet, err error) {
	if stepErr := s.w.step(readStore, func() { keys, err = s.w.store.Keys(ctx) }); stepErr != nil {
		return keystore.KeySet{}, stepErr
	}
	return keys, err
}

func (s stepped) ChangedAt(context.Context, keystore.Slot) (time.Time, error) {
	s.w.store.mu.Lock()
	defer s.w.store.mu.Unlock()
	return s.w.store.changed, nil
}

func (s stepped) PutKeys(_ context.Context, keys keystore.KeySet) error {
	if s.w.store.layout == whole {
		return s.w.step(writeStore, func() {
			s.w.store.set(func(k *keystore.KeySet) { k.Current, k.Next = keys.Current, keys.Next })
		})
	}
	if err := s.w.step(writeCurrent, func() {
		s.w.store.set(func(k *keystore.KeySet) {
			if k.Current = keys.Current; k.Next.IsZero() {
				k.Next = keys.Current
			}
		})
	}); err != nil {
		return err
	}
	return s.w.step(writeNext, func() { s.w.store.set(func(k *keystore.KeySet) { k.Next = keys.Next }) })
}

// qstash is QStash as a roller sees it.
type qstash struct{ w *world }

func (q qstash) Keys(ctx context.Context) (keys keystore.KeySet, err error) {
	if stepErr := q.w.step(askQStash, func() { keys, err = q.w.account.Keys(ctx) }); stepErr != nil {
		return keystore.KeySet{}, stepErr
	}
	return keys, err
}

func (q qstash) Rotate(ctx context.Context) (keys keystore.KeySet, err error) {
	if stepErr := q.w.step(rollQStash, func() {
		q.w.account.Roll()
		keys, err = q.w.account.Keys(ctx)
	}); stepErr != nil {
		return keystore.KeySet{}, stepErr
	}
	return keys, err
}
