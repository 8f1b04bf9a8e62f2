// Package roll keeps the store of a region in step with QStash, and rolls the keys
// of both.
//
// What makes a roll safe is its order. QStash has (A,B) and signs with A; the store
// has (A,B). QStash is rolled first, to (B,C). From that moment on it signs with B,
// and a verifier over (A,B) accepts B under its next key. Then (B,C) is written,
// which accepts B under its current key. A writer of two parameters writes current
// first, so that between them stands (B,B), which accepts B as well. So there is
// no moment at which what QStash signs is refused, however long it lasts and
// wherever the roller dies; and what it leaves behind is one of (A,B), (B,B) and
// (B,C), which [Region.Sync] completes. The other order would not do: nobody knows
// C before QStash has rolled.
//
// Only a second roll hurts. With QStash at (C,D), a verifier that still has (A,B)
// refuses everything. So [Region.Rotate] refuses to roll unless the store is in
// step and every verifier has had the time to see it.
package roll

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stashring/stashring/keystore"
)

// callTimeout bounds one call to a store or to QStash, because some clients wait
// for ever.
const callTimeout = 10 * time.Second

// Account is the QStash side of a region.
type Account interface {
	keystore.KeyProvider
	// Rotate rolls the keys and returns those after that. An error may come
	// after the roll was done; Keys tells.
	Rotate(ctx context.Context) (keystore.KeySet, error)
}

// Region is one region's store, and QStash as it is for that region.
type Region struct {
	Name  keystore.Region
	Store keystore.KeyProvider

	// Writer writes to the same store. nil means that it can only be looked at.
	Writer keystore.KeyWriter

	// QStash is nil where there is no token; then it can't be compared or rolled.
	QStash Account

	// Lock is the file that one who writes to the store locks meanwhile. ""
	// means that this store has none.
	Lock string
}

// View is what one look at a region showed.
type View struct {
	Region keystore.Region

	Store    keystore.KeySet // not valid where StoreErr is set
	StoreErr error

	QStash    keystore.KeySet // not valid where QStashErr is set
	QStashErr error

	// ChangedCurrent and ChangedNext are when the store's slots were last
	// written. They are zero where it can't tell.
	ChangedCurrent, ChangedNext time.Time

	Standing Standing
	Other    keystore.Region // where Standing is Foreign: whose keys these are
}

// ErrNoAccount says that there is no token, so that nobody knows QStash's keys.
var ErrNoAccount = errors.New("QStash can't be asked without a token")

// Look reads the store, and then QStash.
func (r Region) Look(ctx context.Context) View {
	v := View{Region: r.Name}
	v.Store, v.StoreErr = read(ctx, r.Store)
	if v.StoreErr == nil {
		v.ChangedCurrent, v.ChangedNext = r.changed(ctx)
	}
	if r.QStash == nil {
		v.QStashErr = ErrNoAccount
	} else {
		v.QStash, v.QStashErr = read(ctx, r.QStash)
	}
	v.Standing = Unknown
	if v.StoreErr == nil && v.QStashErr == nil {
		v.Standing = Compare(v.Store, v.QStash)
	}
	return v
}

// Survey looks at all the regions at once. Only side by side it shows that one
// region's store holds another's keys.
func Survey(ctx context.Context, regions []Region) []View {
	views := make([]View, len(regions))
	var wg sync.WaitGroup
	for i, r := range regions {
		wg.Go(func() { views[i] = r.Look(ctx) })
	}
	wg.Wait()
	for i := range views {
		if views[i].Standing != Apart {
			continue
		}
		for _, other := range views {
			if other.Region != views[i].Region && Compare(views[i].Store, other.QStash).Verifies() {
				views[i].Standing, views[i].Other = Foreign, other.Region
			}
		}
	}
	return views
}

// Changed returns when either slot was last written, zero where the store can't
// tell.
func (v View) Changed() time.Time {
	if v.ChangedCurrent.IsZero() || v.ChangedNext.IsZero() {
		return time.Time{}
	}
	if v.ChangedCurrent.After(v.ChangedNext) {
		return v.ChangedCurrent
	}
	return v.ChangedNext
}

func (r Region) changed(ctx context.Context) (current, next time.Time) {
	dated, ok := r.Store.(keystore.Dated)
	if !ok {
		return time.Time{}, time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	current, err := dated.ChangedAt(ctx, keystore.SlotCurrent)
	if err != nil {
		return time.Time{}, time.Time{}
	}
	next, err = dated.ChangedAt(ctx, keystore.SlotNext)
	if err != nil {
		return time.Time{}, time.Time{}
	}
	return current, next
}

// read asks for a whole set, within callTimeout.
func read(ctx context.Context, p keystore.KeyProvider) (keystore.KeySet, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	keys, err := p.Keys(ctx)
	if err == nil {
		err = keys.Validate()
	}
	if err != nil {
		return keystore.KeySet{}, err
	}
	return keys, nil
}

// readUntil reads until done is content with the answer, because a replica may
// not have caught up with a write yet. After a few seconds it returns what it has.
func readUntil(ctx context.Context, p keystore.KeyProvider, done func(keystore.KeySet) bool) (keystore.KeySet, error) {
	for pause := 200 * time.Millisecond; ; pause *= 2 {
		keys, err := read(ctx, p)
		if err != nil || done(keys) || pause > 2*time.Second {
			return keys, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return keys, ctx.Err()
		}
	}
}
