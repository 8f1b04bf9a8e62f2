package roll

import (
	"context"
	"errors"
	"fmt"

	"github.com/stashring/stashring/keystore"
)

// SyncConfig says how [Region.Sync] goes about it.
type SyncConfig struct {
	// Replace lets it overwrite what has nothing in common with QStash's keys.
	Replace bool

	// Progress hears a sentence about each step. nil means that nobody does.
	Progress func(sentence string)
}

// Change is what a sync found in the store and what it left there. Before has no
// keys where the store had none, or none that can be used.
type Change struct{ Before, After keystore.KeySet }

// Wrote reports whether the store was written.
func (c Change) Wrote() bool { return !c.Before.SameKeys(c.After) }

// Unrelated reports whether what is in the store has nothing in common with
// QStash's keys: other keys, or no keys at all but something else. To write there
// may be what cures the store, or may destroy the keys of another account.
func (v View) Unrelated() bool {
	return v.Standing == Apart || v.Standing == Foreign || errors.Is(v.StoreErr, keystore.ErrInvalidKey)
}

// Sync brings the store in step with QStash. It writes only where they differ,
// reads back what it wrote, and asks QStash once more, in case of a roll meanwhile.
func (r Region) Sync(ctx context.Context, cfg SyncConfig) (Change, error) {
	release, err := r.lock()
	if err != nil {
		return Change{}, err
	}
	defer release()
	v := r.Look(ctx)
	unchanged := Change{v.Store, v.Store}
	switch {
	case v.QStashErr != nil:
		return unchanged, fmt.Errorf("QStash: %w", v.QStashErr)
	case v.Standing == InStep:
		return unchanged, nil
	case v.Unrelated() && !cfg.Replace:
		return unchanged, ErrUnrelated
	case v.StoreErr != nil && !v.Unrelated() && !errors.Is(v.StoreErr, keystore.ErrNotFound):
		return unchanged, fmt.Errorf("the store: %w", v.StoreErr)
	}
	after, err := r.follow(ctx, v.Store, v.QStash, keystore.KeySet{}, cfg.Progress)
	return Change{v.Store, after}, err
}

// follow writes want to the store, which holds held, and then what QStash has by
// then, until the two agree. An answer of QStash's that is stale is from before
// want. It returns what the store holds as far as is known.
func (r Region) follow(ctx context.Context, held, want, stale keystore.KeySet, progress func(string)) (keystore.KeySet, error) {
	for range 3 {
		if err := r.put(ctx, held, want); err != nil {
			return held, fmt.Errorf("%w: %w", ErrUnfinished, err)
		}
		say(progress, "store written and read back: current %v, next %v", want.Current, want.Next)
		now, err := readUntil(ctx, r.QStash, func(keys keystore.KeySet) bool { return !keys.SameKeys(stale) })
		switch {
		case err != nil:
			return want, fmt.Errorf("%w: %w", ErrUnconfirmed, err)
		case now.SameKeys(want):
			return want, nil
		case now.SameKeys(stale):
			return want, fmt.Errorf("%w: it still answers with those from before the roll", ErrUnconfirmed)
		}
		say(progress, "QStash's keys were rolled meanwhile: current %v, next %v", now.Current, now.Next)
		held, want = want, now
	}
	return held, fmt.Errorf("%w: QStash's keys change faster than they can be written", ErrUnfinished)
}

// put writes want and reads it back.
func (r Region) put(ctx context.Context, held, want keystore.KeySet) error {
	if held.SameKeys(want) {
		return nil
	}
	writing, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := r.Writer.PutKeys(writing, want); err != nil {
		return err
	}
	got, err := readUntil(ctx, r.Store, want.SameKeys)
	switch {
	case err != nil:
		return fmt.Errorf("it was written and can't be read back: %w", err)
	case !got.SameKeys(want):
		return fmt.Errorf("it was written with current %v, next %v and reads back as current %v, next %v",
			want.Current, want.Next, got.Current, got.Next)
	}
	return nil
}

func say(progress func(string), format string, args ...any) {
	if progress != nil {
		progress(fmt.Sprintf(format, args...))
	}
}
