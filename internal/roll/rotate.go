package roll

import (
	"context"
	"fmt"
	"time"

	"github.com/stashring/stashring/keystore"
)

// RotateConfig says how [Region.Rotate] goes about it.
type RotateConfig struct {
	// Settle is how old the last change of the store must be: a ring's MaxAge
	// and the life of a token, so that every verifier has seen it and nothing is
	// on its way that only an older key verifies. 0 means that it may be of now.
	Settle time.Duration

	// Drain is how long the store keeps the old keys after the roll, so that
	// deliveries arrive that were signed right before. With the old keys in the
	// store both they and the new ones verify. 0 means no time at all.
	Drain time.Duration

	// Force rolls a store that has not settled, and brings one in step first
	// that isn't. Verifiers that have not seen the change refuse deliveries
	// until they ask the store again.
	Force bool

	// Progress hears a sentence about each step. nil means that nobody does.
	Progress func(sentence string)
}

// Ready returns nil where a roll hurts nobody, or why it would.
func (v View) Ready(settle time.Duration) error {
	switch changed := v.Changed(); {
	case v.QStashErr != nil:
		return fmt.Errorf("QStash: %w", v.QStashErr)
	case v.StoreErr != nil:
		return fmt.Errorf("the store: %w", v.StoreErr)
	case v.Standing != InStep:
		return fmt.Errorf("%w: %s", ErrNotInStep, v.Standing.Title())
	case settle <= 0:
		return nil
	case changed.IsZero():
		return fmt.Errorf("%w: the store can't tell when it was written", ErrUnsettled)
	case time.Since(changed) < settle:
		return fmt.Errorf("%w: it was %v ago, and must be %v", ErrUnsettled,
			time.Since(changed).Round(time.Second), settle)
	}
	return nil
}

// Rotate rolls the keys at QStash, writes the store, reads it back, and proves that
// what QStash signs now verifies over it. It looks at the store and at QStash right
// before, under the store's lock, and refuses where a roll would hurt. Once it has
// asked QStash to roll, the end of ctx no longer stops it; a kill does, and
// [Region.Sync] completes what it began.
//
// A store without a lock leaves a window: two rotations that look within the time
// of one call to QStash both roll. QStash's answer shows it to the second one, for
// its current key is not the next key that was seen. That one writes at once what
// QStash says, and fails with [ErrRolledElsewhere]; until then, verifiers refuse.
// A roll by hand during Drain opens the same window, and is seen at its end.
func (r Region) Rotate(ctx context.Context, cfg RotateConfig) error {
	release, err := r.lock()
	if err != nil {
		return err
	}
	defer release()
	v := r.Look(ctx)
	if err := v.Ready(cfg.Settle); err != nil {
		if !cfg.Force || v.QStashErr != nil {
			return err
		}
		say(cfg.Progress, "FORCED, although %v", err)
		if v.Standing != InStep {
			if v.QStash, err = r.follow(ctx, v.Store, v.QStash, keystore.KeySet{}, cfg.Progress); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	before := v.QStash
	unhurried, hurry := context.WithoutCancel(ctx), ctx.Done()

	rolled, err := r.roll(unhurried, before)
	if err != nil {
		return err
	}
	say(cfg.Progress, "rolled at QStash: current %v, next %v", rolled.Current, rolled.Next)
	elsewhere := !rolled.Current.Equal(before.Next)
	switch {
	case elsewhere:
		say(cfg.Progress, "ROLLED TWICE: QStash's current key is not %v, the next key from before. Writing at once.", before.Next)
	case cfg.Drain > 0:
		say(cfg.Progress, "waiting %v for deliveries that were signed with %v", cfg.Drain, before.Current)
		select {
		case <-time.After(cfg.Drain):
		case <-hurry:
			say(cfg.Progress, "interrupted: not waiting any longer")
		}
	}
	after, err := r.follow(unhurried, before, rolled, before, cfg.Progress)
	if err != nil {
		return err
	}
	if err := prove(unhurried, r.Store, after.Current); err != nil {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	say(cfg.Progress, "proved: a probe signed with %v verifies over the store", after.Current)
	if elsewhere || !after.SameKeys(rolled) {
		return fmt.Errorf("%w; verifiers that hold older keys refuse deliveries until they ask the store again", ErrRolledElsewhere)
	}
	return nil
}

// roll has QStash roll and returns its keys after that. Where the answer is lost,
// QStash's keys tell what became of it.
func (r Region) roll(ctx context.Context, before keystore.KeySet) (keystore.KeySet, error) {
	asking, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	rolled, err := r.QStash.Rotate(asking)
	if err == nil {
		err = rolled.Validate()
	}
	if err == nil {
		if rolled.SameKeys(before) {
			return rolled, fmt.Errorf("%w: it answered with the keys from before", ErrNotRolled)
		}
		return rolled, nil
	}
	now, lost := read(ctx, r.QStash)
	switch {
	case lost != nil:
		return now, fmt.Errorf("%w: %w; then: %w", ErrUnclear, err, lost)
	case now.SameKeys(before):
		return now, fmt.Errorf("%w: %w", ErrNotRolled, err)
	}
	return now, nil
}
