package keystore

import (
	"context"
	"errors"
)

// KeyProvider answers the keys as its store holds them now.
//
// Keys returns a whole set, both keys from one read, or an error; never a zero
// set and nil. It must be safe for concurrent use and return when ctx ends: a
// ring abandons a call that doesn't, and asks nothing more until it has returned.
// An error wraps [ErrNotFound], [ErrDenied] or [ErrThrottled] where that is the
// cause, and holds nothing of a key.
//
// Package keystoretest tests an implementation for all of this.
type KeyProvider interface {
	Keys(ctx context.Context) (KeySet, error)
}

// The causes that a [KeyProvider] and a [KeyWriter] tell apart.
var (
	// ErrNotFound: the store answered, and has no keys where they should be.
	ErrNotFound = errors.New("no signing keys there")
	// ErrDenied: the store answered, and did not let us read or write.
	ErrDenied = errors.New("access to the key store denied")
	// ErrThrottled: the store answered that it is asked too often.
	ErrThrottled = errors.New("key store asks to slow down")
)

// KeyProviderFunc is a function that serves as a [KeyProvider].
type KeyProviderFunc func(context.Context) (KeySet, error)

// Keys calls f.
func (f KeyProviderFunc) Keys(ctx context.Context) (KeySet, error) { return f(ctx) }

// KeyWriter replaces the keys in its store. A reader at any moment sees a set
// under which everything verifies that QStash signs: the old one, the new one, or
// the new current key in both slots. The version of the set is the store's to
// give; PutKeys ignores that of its argument.
type KeyWriter interface {
	PutKeys(ctx context.Context, keys KeySet) error
}
