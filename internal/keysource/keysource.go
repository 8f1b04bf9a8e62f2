// Package keysource reads the places that --keys and STASHRING_KEYS name.
package keysource

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/qstashstore"
)

// Source is one place where the keys of one region are.
type Source struct {
	Region   keystore.Region
	Provider keystore.KeyProvider
	Spec     string // as it was written, without the region
	local    bool
}

// Forms lists how a source may be written, for messages and help.
const Forms = "env:, file:PATH, qstash:"

// Parse reads sources, each of them an optional "REGION=" and one of [Forms]. One
// of them must be for the default region; no region may come twice. "env:" stands
// also for the regions whose variables the environment has, if QSTASH_REGION is
// set.
func Parse(specs []string) ([]Source, error) {
	var sources []Source
	for _, spec := range specs {
		source, err := ParseOne(spec)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
		if source.Spec == "env:" && source.Region == keystore.DefaultRegion {
			sources = append(sources, regionsOfEnvironment()...)
		}
	}
	seen := make(map[keystore.Region]bool)
	for _, source := range sources {
		if seen[source.Region] {
			return nil, fmt.Errorf("region %q has more than one source of keys", source.Region)
		}
		seen[source.Region] = true
	}
	if !seen[keystore.DefaultRegion] {
		return nil, fmt.Errorf("no source of keys for the default region: give one without REGION=, of the form %s", Forms)
	}
	return sources, nil
}

// Development returns the public keys of QStash's development server as a source.
func Development() []Source {
	return []Source{{Provider: keystore.Development(), Spec: "development keys"}}
}

// ParseOne reads one source.
func ParseOne(spec string) (Source, error) {
	region, place := keystore.DefaultRegion, spec
	if before, after, ok := strings.Cut(spec, "="); ok && !strings.Contains(before, ":") {
		if before == "" {
			return Source{}, fmt.Errorf("%q names no region before its =", spec)
		}
		region, place = keystore.ParseRegion(before), after
	}
	scheme, name, _ := strings.Cut(place, ":")
	source := Source{Region: region, Spec: place}
	switch {
	case place == "env:":
		source.Provider, source.local = keystore.EnvRegion(region), true
	case scheme == "file" && name != "":
		source.Provider, source.local = keystore.File(name), true
	case place == "qstash:":
		store, err := qstashstore.FromEnv(region)
		if err != nil {
			return Source{}, err
		}
		source.Provider = store
	case scheme == "file":
		return Source{}, fmt.Errorf("%q names no file: write file:PATH", spec)
	default:
		// Not quoted whole: somebody may have pasted a key here.
		return Source{}, fmt.Errorf("a source of %d bytes is of none of the forms %s", len(spec), Forms)
	}
	return source, nil
}

// regionsOfEnvironment returns the regions that have variables of their own. They
// are looked at only in the mode that QSTASH_REGION turns on, as in QStash's SDKs.
func regionsOfEnvironment() []Source {
	home := os.Getenv("QSTASH_REGION")
	if home == "" {
		return nil
	}
	regions := map[keystore.Region]bool{keystore.ParseRegion(home): true}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if region, ok := strings.CutSuffix(name, "_QSTASH_CURRENT_SIGNING_KEY"); ok {
			regions[keystore.Region(region)] = true
		}
	}
	var sources []Source
	for region := range regions {
		sources = append(sources, Source{Region: region, Provider: keystore.EnvRegion(region), Spec: "env:", local: true})
	}
	return sources
}

// Check reads the sources that are on this machine, where a failure is a mistake
// that waiting won't mend.
func Check(ctx context.Context, sources []Source) error {
	for _, source := range sources {
		if !source.local {
			continue
		}
		if _, err := source.Provider.Keys(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Ring returns a ring over the sources.
func Ring(sources []Source, cfg keystore.RingConfig) (*keystore.Ring, error) {
	var provider keystore.KeyProvider
	cfg.Regions = make(map[keystore.Region]keystore.KeyProvider)
	for _, source := range sources {
		if source.Region == keystore.DefaultRegion {
			provider = source.Provider
		} else {
			cfg.Regions[source.Region] = source.Provider
		}
	}
	return keystore.NewRing(provider, cfg)
}
