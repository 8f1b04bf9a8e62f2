package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stashring/stashring/internal/roll"
	"github.com/stashring/stashring/keystore"
)

type keysShow struct {
	storeFlags
	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// Help is shown under the usage.
func (keysShow) Help() string {
	return `Where QSTASH_TOKEN is set (US_EAST_1_QSTASH_TOKEN and US_EAST_1_QSTASH_URL for a region), the store is compared with QStash. Keys are shown by their fingerprints. Exits 0 only when every store is known to be in step.

Example:

    QSTASH_TOKEN=… stashring keys show --keys file:/etc/qstash/keys.json`
}

var errNotAllInStep = errors.New("not every store is known to be in step with QStash")

// Run shows every region.
func (c *keysShow) Run(ctx context.Context, std streams) error {
	regions, err := c.regions()
	if err != nil {
		return usageError{err}
	}
	views := survey(ctx, regions)
	inStep := true
	for _, v := range views {
		inStep = inStep && v.Standing == roll.InStep
	}
	if c.JSON {
		err = showJSON(std.out, regions, views, inStep)
	} else {
		paint := newPaint(std.out)
		for i, r := range regions {
			if i > 0 {
				fmt.Fprintln(std.out)
			}
			printView(std.out, paint, r, views[i])
			printAdvice(std.out, r, views[i])
		}
	}
	if err == nil && !inStep {
		err = errNotAllInStep
	}
	return err
}

// survey looks at all regions.
func survey(ctx context.Context, regions []keyRegion) []roll.View {
	bare := make([]roll.Region, len(regions))
	for i, r := range regions {
		bare[i] = r.Region
	}
	views := roll.Survey(ctx, bare)
	for i, r := range regions {
		if r.noAccount != nil {
			views[i].QStashErr = r.noAccount
		}
	}
	return views
}

// shown is what --json prints.
type shown struct {
	InStep  bool          `json:"in_step"`
	Regions []shownRegion `json:"regions"`
}

type shownRegion struct {
	Region      keystore.Region `json:"region"` // "" is the default one
	Store       string          `json:"store"`
	Current     *shownKey       `json:"current,omitempty"`
	Next        *shownKey       `json:"next,omitempty"`
	StoreError  string          `json:"store_error,omitempty"`
	QStash      *shownPair      `json:"qstash,omitempty"`
	QStashError string          `json:"qstash_error,omitempty"`
	Standing    roll.Standing   `json:"standing"`
	Verifies    *bool           `json:"verifies,omitempty"` // absent where it isn't known
	KeysOf      keystore.Region `json:"keys_of,omitempty"`  // where foreign: whose they are
	Meaning     string          `json:"meaning,omitempty"`
}

type shownKey struct {
	Key        keystore.Key `json:"key"`
	Version    int64        `json:"version,omitempty"`
	ChangedAt  time.Time    `json:"changed_at,omitzero"`
	AgeSeconds *int64       `json:"age_seconds,omitempty"`
}

type shownPair struct {
	Current keystore.Key `json:"current"`
	Next    keystore.Key `json:"next"`
}

func showJSON(w io.Writer, regions []keyRegion, views []roll.View, inStep bool) error {
	doc := shown{InStep: inStep}
	for i, v := range views {
		s := shownRegion{Region: v.Region, Store: regions[i].spec, Standing: v.Standing, KeysOf: v.Other, Meaning: v.Standing.Sentence()}
		if v.StoreErr != nil {
			s.StoreError = v.StoreErr.Error()
		} else {
			s.Current = showKey(v.Store.Current, v.Store.Version, v.ChangedCurrent)
			s.Next = showKey(v.Store.Next, v.Store.Version, v.ChangedNext)
		}
		if v.QStashErr != nil {
			s.QStashError = v.QStashErr.Error()
		} else {
			s.QStash = &shownPair{v.QStash.Current, v.QStash.Next}
		}
		if v.Standing != roll.Unknown {
			verifies := v.Standing.Verifies()
			s.Verifies = &verifies
		}
		doc.Regions = append(doc.Regions, s)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(doc)
}

func showKey(key keystore.Key, version int64, changed time.Time) *shownKey {
	k := &shownKey{Key: key, Version: version, ChangedAt: changed}
	if !changed.IsZero() {
		seconds := int64(time.Since(changed) / time.Second)
		k.AgeSeconds = &seconds
	}
	return k
}
