// Command stashring verifies that webhooks come from QStash, in front of an
// application in any language, and keeps doing so while the signing keys turn.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

const (
	exitOK     = 0
	exitFailed = 1 // what was asked for did not succeed
	exitUsage  = 2 // a flag or a variable is wrong or missing
)

type cli struct {
	Serve serve       `cmd:"" help:"Verify deliveries and pass them to an application."`
	Send  send        `cmd:"" help:"Sign a delivery as QStash does, and post it."`
	Keys  keysCommand `cmd:"" help:"Look at the signing keys in a store, bring them in step with QStash, roll them."`
}

// streams are the standard streams, which tests replace.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func run(ctx context.Context, args []string, std streams) int {
	exited := -1
	parser := kong.Must(&cli{},
		kong.Name("stashring"),
		kong.Description("Verifies that webhooks come from QStash, while the signing keys turn.\n\nEvery flag is also a variable: --max-age is STASHRING_MAX_AGE. A flag beats its variable."),
		kong.DefaultEnvars("STASHRING"),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	command, err := parser.Parse(args)
	switch {
	case exited >= 0: // --help, which kong has answered
		return exited
	case err != nil:
		err = usageError{err}
	default:
		err = command.Run()
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(std.err, "stashring: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}
