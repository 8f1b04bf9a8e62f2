package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/stashring/stashring/internal/roll"
)

type keysSync struct {
	storeFlags
	Yes bool `short:"y" env:"-" help:"Write without asking, even where the store has nothing in common with QStash."`
}

// Help is shown under the usage.
func (keysSync) Help() string {
	return `Writes QStash's keys to the store where they differ, reads them back, and says by fingerprint what changed. It completes a rotation that was stopped half-way. A store that has nothing in common with QStash may be two rolls behind, or may be another account's, whose keys this would destroy: then it asks, and without a terminal it needs --yes.

Example:

    QSTASH_TOKEN=… stashring keys sync --keys file:/etc/qstash/keys.json`
}

// Run brings every region in step. One region's trouble doesn't keep it from the
// others.
func (c *keysSync) Run(ctx context.Context, std streams) error {
	regions, err := c.writable()
	if err != nil {
		return usageError{err}
	}
	paint := newPaint(std.out)
	var failed []error
	for i, v := range survey(ctx, regions) {
		if i > 0 {
			fmt.Fprintln(std.out)
		}
		r := regions[i]
		fmt.Fprintf(std.out, "%s  %s\n", paint(bold, r.title()), r.spec)
		if err := c.sync(ctx, std, paint, r, v); err != nil {
			failed = append(failed, inRegion(r, err))
		}
	}
	return errors.Join(failed...)
}

func (c *keysSync) sync(ctx context.Context, std streams, paint paint, r keyRegion, v roll.View) error {
	if v.QStashErr == nil && v.Unrelated() {
		printStanding(std.out, paint, v)
		if v.StoreErr != nil {
			printWrapped(std.out, fmt.Sprintf("What is in the store is no pair of keys: %v", v.StoreErr))
		}
		if err := consent(ctx, std, c.Yes, "Replace what is at "+r.spec+" with QStash's keys?"); err != nil {
			return err
		}
	}
	change, err := r.Sync(ctx, roll.SyncConfig{
		Replace:  c.Yes || v.Unrelated(), // which was consented to
		Progress: progress(std),
	})
	switch {
	case err != nil:
		return err
	case !change.Wrote():
		fmt.Fprintf(std.out, "  %s; nothing to write\n", paint(green, roll.InStep.Title()))
	default:
		fmt.Fprintf(std.out, "  current  %-16s -> %v\n", cell(change.Before.Current), change.After.Current)
		fmt.Fprintf(std.out, "  next     %-16s -> %v\n", cell(change.Before.Next), change.After.Next)
		fmt.Fprintf(std.out, "  %s\n", paint(green, roll.InStep.Title()))
	}
	return nil
}

// progress prints what a sync or a rotation says on its way.
func progress(std streams) func(string) {
	return func(sentence string) { printWrapped(std.out, sentence) }
}

func inRegion(r keyRegion, err error) error { return fmt.Errorf("%s: %w", r.title(), err) }
