// Command drill rolls the keys under a running gateway, once, twice, and twice
// while their store can't be read, under a flood of forged deliveries, and prints
// what became of the genuine ones. It fails if one was lost.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// QStash waits 12 s, 2 min 28 s and 30 min 8 s before its retries. The drill, and
// the gateway's times with it, run ten times as fast.
const speed = 10

var retries = []time.Duration{12 * time.Second / speed, 148 * time.Second / speed, 1808 * time.Second / speed}

// rates, per second.
const (
	genuinePerSecond = 100
	forgedPerSecond  = 400
)

// A phase is some seconds of traffic, a second into which something happens.
type phase struct {
	name   string
	lasts  time.Duration
	happen func(context.Context, *account) error
}

var phases = []phase{
	{"steady", 4 * time.Second, func(context.Context, *account) error { return nil }},
	{"one roll", 5 * time.Second, func(ctx context.Context, a *account) error {
		a.Roll()
		pause(ctx, time.Second)
		return a.store(ctx)
	}},
	{"two rolls", 6 * time.Second, func(ctx context.Context, a *account) error {
		a.Roll()
		a.Roll()
		pause(ctx, time.Second/2)
		return a.store(ctx)
	}},
	{"two rolls, store down", 9 * time.Second, func(ctx context.Context, a *account) error {
		if err := os.WriteFile(a.path, []byte("not a key document"), 0o600); err != nil {
			return err
		}
		a.Roll()
		a.Roll()
		pause(ctx, 4*time.Second)
		return a.store(ctx)
	}},
}

// account is a QStash account and the file in which its owner keeps the keys.
type account struct {
	*verifiertest.Signer
	path string
}

// store brings the file up to date.
func (a *account) store(ctx context.Context) error {
	keys, err := a.Keys(ctx)
	if err != nil {
		return err
	}
	return keystore.File(a.path).PutKeys(ctx, keys)
}

func main() {
	binary := flag.String("stashring", "bin/stashring", "the built command")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	lost, err := drill(ctx, *binary)
	if err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
		os.Exit(2)
	}
	if lost > 0 {
		fmt.Fprintf(os.Stderr, "drill: %d deliveries lost\n", lost)
		os.Exit(1)
	}
}

func drill(ctx context.Context, binary string) (lost int, err error) {
	dir, err := os.MkdirTemp("", "drill")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	a := &account{Signer: verifiertest.NewSigner(), path: filepath.Join(dir, "keys.json")}
	if err := a.store(ctx); err != nil {
		return 0, err
	}
	app := newApplication()
	defer app.Close()
	gateway, err := startGateway(ctx, binary, a.path, app.URL)
	if err != nil {
		return 0, err
	}
	defer gateway.stop()

	fmt.Printf("%d genuine and %d forged deliveries a second; time runs %d times as fast as QStash's retries (first after %v)\n\n",
		genuinePerSecond, forgedPerSecond, speed, retries[0])
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tsent\tverified\trefused\tundecided\tretried, then verified\tlost\tforged refused\tforged accepted\tfetches\tlongest recovery\t")
	for _, p := range phases {
		before, err := gateway.fetches(ctx)
		if err != nil {
			return lost, err
		}
		t, err := run(ctx, p, a, gateway, app)
		if err != nil {
			return lost, err
		}
		after, err := gateway.fetches(ctx)
		if err != nil {
			return lost, err
		}
		lost += t.lost + t.forgedAccepted
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t\n", p.name, t.sent, t.verified, t.refused, t.undecided,
			t.retried, t.lost, t.forgedRefused, t.forgedAccepted, after-before, t.recovery.Round(time.Millisecond))
	}
	return lost, table.Flush()
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
