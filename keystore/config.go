package keystore

import (
	"fmt"
	"log/slog"
	"time"
)

// RingConfig holds what can be set of a [Ring]. The zero RingConfig is good for
// production.
type RingConfig struct {
	// Regions gives further regions a provider each, beside the default one. A
	// delivery from a region that is not here is judged by the default keys.
	Regions map[Region]KeyProvider

	// MaxAge is how long a key set is used before it is fetched again in the
	// background. 0 means 5 minutes.
	MaxAge time.Duration

	// MaxStale is how long a key set is used while the store fails. After that
	// nothing verifies until a fetch succeeds. 0 means 24 hours.
	MaxStale time.Duration

	// MinInterval is the time from one fetch that the store answered to the next
	// that an unverifiable token may cause. 0 means 5 seconds: QStash's first
	// retry comes after 12.
	MinInterval time.Duration

	// FetchTimeout bounds one fetch. 0 means 2 seconds.
	FetchTimeout time.Duration

	// MaxBackoff bounds the pause after a failed fetch, which is 1 second at
	// first and grows at random. 0 means 30 seconds.
	MaxBackoff time.Duration

	// Grace is how long a key that the store no longer has still verifies. 0
	// means that it doesn't. At most an hour.
	Grace time.Duration

	// Logger hears of fetches that fail, of keys that change and of rolls. nil
	// means [slog.Default].
	Logger *slog.Logger
}

const (
	firstBackoff = time.Second
	maxGrace     = time.Hour
)

// withDefaults fills in the zero fields, or says which field can't be as it is.
func (c RingConfig) withDefaults() (RingConfig, error) {
	for _, field := range []struct {
		name   string
		value  *time.Duration
		ifZero time.Duration
	}{
		{"MaxAge", &c.MaxAge, 5 * time.Minute},
		{"MaxStale", &c.MaxStale, 24 * time.Hour},
		{"MinInterval", &c.MinInterval, 5 * time.Second},
		{"FetchTimeout", &c.FetchTimeout, 2 * time.Second},
		{"MaxBackoff", &c.MaxBackoff, 30 * time.Second},
		{"Grace", &c.Grace, 0},
	} {
		if *field.value < 0 {
			return c, fmt.Errorf("RingConfig.%s is %v and can't be negative", field.name, *field.value)
		}
		if *field.value == 0 {
			*field.value = field.ifZero
		}
	}
	switch {
	case c.MaxStale < c.MaxAge:
		return c, fmt.Errorf("RingConfig.MaxStale (%v) is below MaxAge (%v): keys would end before they are fetched again", c.MaxStale, c.MaxAge)
	case c.MaxAge < c.MinInterval:
		return c, fmt.Errorf("RingConfig.MaxAge (%v) is below MinInterval (%v): keys could not be fetched when they are due", c.MaxAge, c.MinInterval)
	case c.Grace > maxGrace:
		return c, fmt.Errorf("RingConfig.Grace is %v and can be %v at most: a key is rolled so that it ends", c.Grace, maxGrace)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}
