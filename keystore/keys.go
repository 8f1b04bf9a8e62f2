package keystore

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// MinKeyBytes is the length of the shortest signing key that [NewKey] takes.
// RFC 7518, section 3.2 asks for no less under HS256, and every key that QStash
// issues has at least this length, so a shorter one was cut off on its way.
const MinKeyBytes = 32

// ErrInvalidKey says that a signing key, or a set of them, can't be used. The
// text around it names the setting and the value's shape, never the value.
var ErrInvalidKey = errors.New("invalid signing key")

// The keys that every `qstash dev` server signs with. They stand in QStash's
// documents, so a token signed with them proves nothing.
const (
	developmentCurrent = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r"
	developmentNext    = "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs"
)

// Key is one QStash signing key. The secret stays inside: however a Key is
// printed, logged or encoded, what shows is its [Key.Fingerprint]. The zero Key
// is no key: it verifies nothing.
//
// Keys don't compare with ==; use [Key.Equal].
type Key struct {
	// A function, because a printer or an encoder that works by reflection
	// follows every pointer but can't look into a closure.
	material func() *material
}

type material struct {
	secret      string
	fingerprint string
	macs        sync.Pool // of *macState
}

// macState is an HMAC that has the key's two blocks behind it, and room for a sum.
type macState struct {
	hash hash.Hash
	sum  [sha256.Size]byte
}

func (s *macState) of(signingInput []byte) []byte {
	s.hash.Reset()
	s.hash.Write(signingInput)
	return s.hash.Sum(s.sum[:0])
}

// NewKey makes a Key of a secret as QStash shows it: "sig_" and some 28 letters
// and digits. It refuses, with [ErrInvalidKey], what can only be a mistake
// (an empty or short secret, white space, control bytes, quotation marks) and the
// public keys of QStash's development server, which [Development] alone accepts.
func NewKey(secret string) (Key, error) {
	if flaw := keyFlaw(secret); flaw != "" {
		return Key{}, fmt.Errorf("%w: %s", ErrInvalidKey, flaw)
	}
	return newKey(secret), nil
}

func newKey(secret string) Key {
	m := &material{secret: secret}
	m.macs.New = func() any { return &macState{hash: hmac.New(sha256.New, []byte(secret))} }
	k := Key{material: func() *material { return m }}
	m.fingerprint = hex.EncodeToString(k.Sign([]byte("stashring key fingerprint"))[:6])
	return k
}

// keyFlaw says what is wrong with a secret by its shape alone.
func keyFlaw(secret string) string {
	switch {
	case secret == "":
		return "it is empty"
	case strings.TrimSpace(secret) == "":
		return "it is blank"
	case secret == "sig_":
		return `it is "sig_" with nothing behind it`
	case secret == developmentCurrent, secret == developmentNext:
		return "it is a public key of the QStash development server, with which anyone can sign; " +
			"ask for those keys by name (Development, or --dev) or put the account's own key here"
	}
	for i := 0; i < len(secret); i++ {
		switch c := secret[i]; {
		case c == '"' || c == '\'' || c == '`':
			return fmt.Sprintf("byte %d of its %d is a quotation mark; leave the quotes out", i+1, len(secret))
		case c == '{' || c == '}':
			return fmt.Sprintf("byte %d of its %d is a brace; one key belongs here, not a document", i+1, len(secret))
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			return fmt.Sprintf("byte %d of its %d is white space", i+1, len(secret))
		case c < ' ' || c > '~':
			return fmt.Sprintf("byte %d of its %d is not a printable ASCII character", i+1, len(secret))
		}
	}
	if len(secret) < MinKeyBytes {
		return fmt.Sprintf("it has %d bytes, and a key has at least %d; was it cut off?", len(secret), MinKeyBytes)
	}
	return ""
}

// Verify reports whether mac is the HMAC-SHA256 of signingInput under k
// (RFC 7515, section 5.2). It takes the same time whichever byte differs.
func (k Key) Verify(signingInput, mac []byte) bool {
	if k.IsZero() {
		return false
	}
	m := k.material()
	state := m.macs.Get().(*macState)
	ok := hmac.Equal(state.of(signingInput), mac)
	m.macs.Put(state)
	return ok
}

// Sign returns the HMAC-SHA256 of signingInput under k, nil for the zero Key.
func (k Key) Sign(signingInput []byte) []byte {
	if k.IsZero() {
		return nil
	}
	m := k.material()
	state := m.macs.Get().(*macState)
	sum := append([]byte(nil), state.of(signingInput)...)
	m.macs.Put(state)
	return sum
}

// Fingerprint names the key without giving it away: 12 hexadecimal digits of an
// HMAC under it, the same in every process. It is safe to log and to compare by
// eye. The zero Key has none: "".
func (k Key) Fingerprint() string {
	if k.IsZero() {
		return ""
	}
	return k.material().fingerprint
}

// Reveal returns the secret, for a [KeyWriter] that stores it. It is the one way
// out of a Key; nothing else in this module prints what it returns.
func (k Key) Reveal() string {
	if k.IsZero() {
		return ""
	}
	return k.material().secret
}

// IsZero reports whether k is the zero Key, which is no key.
func (k Key) IsZero() bool { return k.material == nil }

// Equal reports whether two keys hold the same secret, in constant time.
func (k Key) Equal(other Key) bool {
	return subtle.ConstantTimeCompare([]byte(k.Reveal()), []byte(other.Reveal())) == 1
}

// String returns the fingerprint, or "none" for the zero Key.
func (k Key) String() string {
	if k.IsZero() {
		return "none"
	}
	return k.Fingerprint()
}

// Format prints [Key.String] under every verb.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// MarshalText gives [Key.String] to encoding/json and to every other encoder
// that knows text. There is no way to decode it back.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue gives [Key.String] to log/slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// KeySet is the pair of keys that a QStash account has at one time.
type KeySet struct {
	Current Key // what QStash signs with today
	Next    Key // what it will sign with after the next roll

	// Version grows with every write to the store. It lets a ring tell an old
	// answer from a new one. 0 means that the store keeps no versions.
	Version int64
}

// Validate returns an [ErrInvalidKey] unless both keys are there. The same key in
// both slots is valid: it is what a reader sees halfway through a roll.
func (s KeySet) Validate() error {
	switch {
	case s.Current.IsZero() && s.Next.IsZero():
		return fmt.Errorf("%w: the set has neither a current nor a next key", ErrInvalidKey)
	case s.Current.IsZero():
		return fmt.Errorf("%w: the set has no current key", ErrInvalidKey)
	case s.Next.IsZero():
		return fmt.Errorf("%w: the set has no next key", ErrInvalidKey)
	}
	return nil
}

// SameKeys reports whether both sets hold the same keys in the same slots,
// whatever their versions.
func (s KeySet) SameKeys(other KeySet) bool {
	return s.Current.Equal(other.Current) && s.Next.Equal(other.Next)
}

// Degraded reports whether one key stands in both slots, so that the set would
// not survive a roll.
func (s KeySet) Degraded() bool { return !s.Current.IsZero() && s.Current.Equal(s.Next) }
