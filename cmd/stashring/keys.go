package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/stashring/stashring/internal/keysource"
	"github.com/stashring/stashring/internal/roll"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/qstashstore"
)

type keysCommand struct {
	Show   keysShow   `cmd:"" help:"Show the keys in a store, and how it stands to QStash."`
	Sync   keysSync   `cmd:"" help:"Bring a store in step with QStash."`
	Rotate keysRotate `cmd:"" help:"Roll the keys at QStash and in the store, with nothing refused on the way."`
}

// Help is shown under the usage.
func (keysCommand) Help() string {
	return `Over any store that --keys names, and the QStash account of QSTASH_TOKEN and QSTASH_URL (US_EAST_1_QSTASH_TOKEN and so on for a region).

Example:

    QSTASH_TOKEN=… stashring keys show --keys file:/etc/qstash/keys.json`
}

// storeFlags name the stores. QStash is the account of QSTASH_TOKEN and
// QSTASH_URL, or of their namesakes with a region's prefix.
type storeFlags struct {
	Keys []string `sep:";" placeholder:"SOURCE" help:"The store of the signing keys, as serve has it: env: (the default), file:PATH and so on, with REGION= in front for a region's. Repeatable; in the variable, separated by semicolons."`
}

// keyRegion is one region as the flags and the environment name it.
type keyRegion struct {
	roll.Region
	spec      string // as --keys has it
	noAccount error  // why QStash is nil
}

// title names the region for people.
func (r keyRegion) title() string { return regionTitle(r.Name) }

func regionTitle(name keystore.Region) string {
	if name == keystore.DefaultRegion {
		return "default"
	}
	return string(name)
}

// regions returns the stores that are named, each with its QStash account.
func (c storeFlags) regions() ([]keyRegion, error) {
	sources, err := c.sources()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting("keys"), err)
	}
	regions := make([]keyRegion, len(sources))
	for i, source := range sources {
		r := keyRegion{Region: roll.Region{Name: source.Region, Store: source.Provider}, spec: source.Spec}
		if r.Name != keystore.DefaultRegion {
			r.spec = string(r.Name) + "=" + r.spec
		}
		r.Writer, _ = source.Provider.(keystore.KeyWriter)
		if path, ok := strings.CutPrefix(source.Spec, "file:"); ok {
			r.Lock = lockFile(path)
		}
		account, err := account(r.Name)
		if err != nil {
			r.noAccount = err
		} else {
			r.QStash = account
		}
		regions[i] = r
	}
	return regions, nil
}

// sources is keysource.Parse, but for regions alone too: to roll one region's keys
// nobody needs to know the others.
func (c storeFlags) sources() ([]keysource.Source, error) {
	specs := c.Keys
	if len(specs) == 0 {
		specs = []string{"env:"}
	}
	var sources []keysource.Source
	seen := make(map[keystore.Region]bool)
	for _, spec := range specs {
		source, err := keysource.ParseOne(spec)
		if err != nil {
			return nil, err
		}
		if source.Region == keystore.DefaultRegion || seen[source.Region] {
			return keysource.Parse(specs)
		}
		seen[source.Region] = true
		sources = append(sources, source)
	}
	return sources, nil
}

// writable returns the regions where both sides can be written, or says what is
// missing.
func (c storeFlags) writable() ([]keyRegion, error) {
	regions, err := c.regions()
	if err != nil {
		return nil, err
	}
	for _, r := range regions {
		switch {
		case r.Writer == nil:
			return nil, fmt.Errorf("%s: the keys at %s can't be written from here; those at %s can",
				setting("keys"), r.spec, writableForms())
		case r.noAccount != nil:
			return nil, r.noAccount
		}
	}
	return regions, nil
}

// writableForms is keysource.Forms without what is no store: an environment is
// only read, and QStash is what a store is kept in step with.
func writableForms() string {
	var forms []string
	for form := range strings.SplitSeq(keysource.Forms, ", ") {
		if form != "env:" && form != "qstash:" {
			forms = append(forms, form)
		}
	}
	return strings.Join(forms, ", ")
}

func account(region keystore.Region) (*qstashstore.Store, error) {
	name := "QSTASH_TOKEN"
	if region != keystore.DefaultRegion {
		name = string(region) + "_" + name
	}
	if os.Getenv(name) == "" {
		return nil, fmt.Errorf("the environment variable %s is not set", name)
	}
	return qstashstore.FromEnv(region)
}

// lockFile is beside the file itself, so that all names for it have one lock.
func lockFile(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
}

var errDeclined = errors.New("not confirmed; nothing was changed")

// consent asks for a yes on a terminal. Elsewhere --yes must have been given.
func consent(ctx context.Context, std streams, yes bool, question string) error {
	if yes {
		return nil
	}
	needed := usageError{errors.New("standard input is no terminal to ask on; confirm with --yes")}
	file, ok := std.in.(*os.File)
	if !ok {
		return needed
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return needed
	}
	fmt.Fprintf(std.out, "%s [y/N] ", question)
	type reply struct {
		line string
		err  error
	}
	replied := make(chan reply, 1)
	// A read of a terminal can't be interrupted; the end of the program ends it.
	go func() {
		line, err := bufio.NewReader(file).ReadString('\n')
		replied <- reply{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(std.out)
		return errDeclined
	case answer := <-replied:
		switch strings.ToLower(strings.TrimSpace(answer.line)) {
		case "y", "yes":
			return nil
		case "":
			if errors.Is(answer.err, io.EOF) { // /dev/null looks like a terminal
				fmt.Fprintln(std.out)
				return needed
			}
		}
		return errDeclined
	}
}
