package keystore

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// document is a key set as it is stored, and as QStash's GET /v2/keys answers it.
type document struct {
	Current string `json:"current"`
	Next    string `json:"next"`
}

// ParseKeySet reads the document {"current":"sig_…","next":"sig_…"}, the form in
// which a key set is stored whole. It is strict: another member, a member twice
// or in another case, or a value that [NewKey] refuses is an [ErrInvalidKey]. One
// line break at the end of a key is trimmed, because editors and shells add it.
func ParseKeySet(doc []byte) (KeySet, error) {
	var d document
	if err := json.Unmarshal(doc, &d, json.RejectUnknownMembers(true)); err != nil {
		// The decoder's own words may quote the document, which holds secrets.
		return KeySet{}, fmt.Errorf(`%w: its %d bytes are not the JSON document {"current":"sig_…","next":"sig_…"}`, ErrInvalidKey, len(doc))
	}
	return newKeySet(`member "current"`, d.Current, `member "next"`, d.Next)
}

// RevealJSON returns the document that [ParseKeySet] reads, secrets included, for
// a [KeyWriter] that stores it.
func (s KeySet) RevealJSON() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(document{s.Current.Reveal(), s.Next.Reveal()})
}

// newKeySet makes a set of two secrets, each with the name of the setting it came
// from, which an error repeats.
func newKeySet(currentName, current, nextName, next string) (KeySet, error) {
	c, err := namedKey(currentName, current)
	if err != nil {
		return KeySet{}, err
	}
	n, err := namedKey(nextName, next)
	if err != nil {
		return KeySet{}, err
	}
	return KeySet{Current: c, Next: n}, nil
}

func namedKey(name, secret string) (Key, error) {
	k, err := NewKey(strings.TrimSuffix(strings.TrimSuffix(secret, "\n"), "\r"))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}
