package keystore

import "context"

var _ KeyProvider = static{}

type static struct{ keys KeySet }

// Static returns a provider that always answers these two keys. It fails as
// [NewKey] does.
func Static(current, next string) (KeyProvider, error) {
	keys, err := newKeySet("current key", current, "next key", next)
	if err != nil {
		return nil, err
	}
	return static{keys}, nil
}

// Development returns the public keys of QStash's development server
// (`qstash dev`). Anyone can sign with them: use it where only you can connect.
func Development() KeyProvider {
	return static{KeySet{Current: newKey(developmentCurrent), Next: newKey(developmentNext)}}
}

// Keys returns the two keys.
func (s static) Keys(ctx context.Context) (KeySet, error) {
	if err := ctx.Err(); err != nil {
		return KeySet{}, err
	}
	return s.keys, nil
}
