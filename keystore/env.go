package keystore

import (
	"context"
	"fmt"
	"os"
)

var _ KeyProvider = env{}

type env struct{ prefix string }

// Env returns a provider over QStash's own variables,
// QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY. They are read at every
// fetch. A process can't be given new ones from outside, so keys that come from
// here still ask for a restart after two rolls.
func Env() KeyProvider { return env{} }

// EnvRegion returns a provider over the variables of one region, such as
// US_EAST_1_QSTASH_CURRENT_SIGNING_KEY. For [DefaultRegion] it is [Env].
func EnvRegion(region Region) KeyProvider {
	if region == DefaultRegion {
		return env{}
	}
	return env{prefix: string(region) + "_"}
}

// Keys reads both variables.
func (e env) Keys(ctx context.Context) (KeySet, error) {
	if err := ctx.Err(); err != nil {
		return KeySet{}, err
	}
	currentName, nextName := e.prefix+"QSTASH_CURRENT_SIGNING_KEY", e.prefix+"QSTASH_NEXT_SIGNING_KEY"
	current, err := lookupEnv(currentName)
	if err != nil {
		return KeySet{}, err
	}
	next, err := lookupEnv(nextName)
	if err != nil {
		return KeySet{}, err
	}
	return newKeySet(currentName, current, nextName, next)
}

func lookupEnv(name string) (string, error) {
	value, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("%w: the environment variable %s is not set", ErrNotFound, name)
	}
	return value, nil
}

// String names the variables.
func (e env) String() string { return "env:" + e.prefix + "QSTASH_*_SIGNING_KEY" }
