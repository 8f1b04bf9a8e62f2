package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/stashring/stashring/internal/roll"
)

type keysRotate struct {
	storeFlags
	Settle time.Duration `default:"10m" help:"How old the last change of the store must be: a ring's max-age and the life of a token (${default})."`
	Drain  time.Duration `default:"5s" help:"How long the old keys stay in the store after the roll, for deliveries that were signed right before (${default})."`
	Force  bool          `env:"-" help:"Roll although the store has not settled or is not in step, which it is brought first. Verifiers that have not seen its last change refuse deliveries until they ask it again."`
	DryRun bool          `env:"-" help:"Look, print the plan, and change nothing."`
	Yes    bool          `short:"y" env:"-" help:"Don't ask, as a schedule must."`
}

// Help is shown under the usage.
func (keysRotate) Help() string {
	return `Rolls the keys at QStash, writes the store, reads it back, and proves with a probe that what QStash signs now verifies over it. It refuses unless the store is in step and has been for --settle, because a second roll right after the first is what makes verifiers refuse everything. Stopped at any point, everything still verifies, and "keys sync" completes it.

Of two rotations of one file at once, one refuses. Other stores have no lock: there the keys are read again right before the roll, and a roll by somebody else in that moment is seen in QStash's answer, repaired, and reported as a failure.

Examples:

    stashring keys rotate --dry-run --keys file:/etc/qstash/keys.json
    stashring keys rotate --yes --keys file:/etc/qstash/keys.json`
}

// Run rolls every region, if all of them are ready.
func (c *keysRotate) Run(ctx context.Context, std streams) error {
	if c.Settle < 0 || c.Drain < 0 {
		return usageError{errors.New("--settle and --drain can't be negative")}
	}
	regions, err := c.writable()
	if err != nil {
		return usageError{err}
	}
	paint := newPaint(std.out)
	if err := c.plan(ctx, std, paint, regions); err != nil || c.DryRun {
		return err
	}
	var names []string
	for _, r := range regions {
		names = append(names, r.title()+" ("+r.spec+")")
	}
	if err := consent(ctx, std, c.Yes, "Roll the keys of "+strings.Join(names, " and ")+"?"); err != nil {
		return err
	}
	for i, r := range regions {
		fmt.Fprintf(std.out, "\n%s  %s\n", paint(bold, r.title()), r.spec)
		err := r.Rotate(ctx, roll.RotateConfig{Settle: c.Settle, Drain: c.Drain, Force: c.Force, Progress: progress(std)})
		if err != nil {
			printRemedy(std.out, r, err)
			err = inRegion(r, err)
			for _, left := range regions[i+1:] {
				err = fmt.Errorf("%w\nstashring: %s: not begun", err, left.title())
			}
			return err
		}
		fmt.Fprintf(std.out, "  %s\n", paint(green, roll.InStep.Title()))
	}
	return nil
}

// plan shows each region and what would be done, and fails where one isn't ready.
func (c *keysRotate) plan(ctx context.Context, std streams, paint paint, regions []keyRegion) error {
	var refused []error
	for i, v := range survey(ctx, regions) {
		r := regions[i]
		if i > 0 {
			fmt.Fprintln(std.out)
		}
		printView(std.out, paint, r, v)
		err := v.Ready(c.Settle)
		switch {
		case err != nil && (!c.Force || v.QStashErr != nil):
			printRemedy(std.out, r, err)
			refused = append(refused, inRegion(r, err))
			continue
		case err != nil:
			printWrapped(std.out, paint(red, "FORCED")+fmt.Sprintf(", although %v. Verifiers that have not seen the last change of the store "+
				"refuse deliveries after this roll, until they ask the store again.", err))
		}
		fmt.Fprintln(std.out)
		step := 0
		say := func(format string, args ...any) {
			step++
			printWrapped(std.out, fmt.Sprintf("%d. ", step)+fmt.Sprintf(format, args...))
		}
		if v.Standing != roll.InStep {
			say("bring the store in step: current %v, next %v", v.QStash.Current, v.QStash.Next)
		}
		say("roll at QStash: %v becomes current, and a new key waits behind it", v.QStash.Next)
		if c.Drain > 0 {
			say("wait %v for deliveries that were signed with %v", c.Drain, v.QStash.Current)
		}
		say("write both keys to the store, and read them back")
		say("sign a probe with %v, and verify it over the store", v.QStash.Next)
	}
	if len(refused) > 0 {
		return errors.Join(refused...)
	}
	if c.DryRun {
		fmt.Fprintln(std.out, "\n  --dry-run: nothing was changed")
	}
	return nil
}

// printRemedy says what to do after a failure.
func printRemedy(w io.Writer, r keyRegion, err error) {
	var remedy string
	switch {
	case errors.Is(err, roll.ErrUnsettled):
		remedy = "Not rolled. A verifier that has not seen the last change would refuse everything after this roll: wait, or use --force."
	case errors.Is(err, roll.ErrNotInStep):
		remedy = "Not rolled."
	case errors.Is(err, roll.ErrNotRolled):
		remedy = "Nothing has changed."
	case errors.Is(err, roll.ErrUnclear):
		remedy = "If QStash rolled, it signs with the store's next key, and everything still verifies. Complete it before the next roll."
	case errors.Is(err, roll.ErrUnfinished), errors.Is(err, roll.ErrUnconfirmed), errors.Is(err, roll.ErrUnproven):
		remedy = "The keys are rolled at QStash. Complete it before the next roll."
	default:
		return
	}
	printWrapped(w, remedy)
	if !errors.Is(err, roll.ErrUnsettled) && !errors.Is(err, roll.ErrNotRolled) {
		fmt.Fprintf(w, "  Run: stashring keys sync --keys %s\n", shellWord(r.spec))
	}
}
