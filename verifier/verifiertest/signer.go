// Package verifiertest stands in for QStash in tests of code that receives its
// deliveries. A handler is tested in three lines:
//
//	signer := verifiertest.NewSigner()
//	h := protect(signer.Ring(), handler) // however your program builds it
//	h.ServeHTTP(recorder, signer.Request("https://example.com/hook", []byte("hello")))
package verifiertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/stashring/stashring/internal/qstash"
	"github.com/stashring/stashring/keystore"
)

var _ keystore.KeyProvider = (*Signer)(nil)

// Signer is a QStash account with keys of its own. It is also the
// [keystore.KeyProvider] of these keys, so that a ring over it sees them roll. It
// is safe for concurrent use.
type Signer struct {
	// Now is the clock that tokens are dated by. nil means [time.Now].
	Now func() time.Time

	mu   sync.Mutex
	keys keystore.KeySet
}

// NewSigner returns a Signer with fresh random keys.
func NewSigner() *Signer {
	return &Signer{keys: keystore.KeySet{Current: NewKey(), Next: NewKey(), Version: 1}}
}

// NewKey returns a random key of the form that QStash gives out.
func NewKey() keystore.Key {
	key, err := keystore.NewKey("sig_" + (rand.Text() + rand.Text())[:28])
	if err != nil {
		panic(err) // the line above makes no key that is refused
	}
	return key
}

// Keys returns the account's keys as they are now.
func (s *Signer) Keys(ctx context.Context) (keystore.KeySet, error) {
	if err := ctx.Err(); err != nil {
		return keystore.KeySet{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys, nil
}

// Roll does what the console's button does: the next key becomes the current one,
// and a new one waits behind it.
func (s *Signer) Roll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keystore.KeySet{Current: s.keys.Next, Next: NewKey(), Version: s.keys.Version + 1}
}

// Ring returns a new ring over the account. It asks again after every token that
// doesn't verify, without a pause, so that a test sees the keys roll at once; and
// it logs nothing.
func (s *Signer) Ring() *keystore.Ring {
	ring, err := keystore.NewRing(s, keystore.RingConfig{
		MinInterval: time.Nanosecond,
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err) // a provider and a good configuration are all that it asks for
	}
	return ring
}

// Draft is a token that is about to be signed.
type Draft struct {
	Header map[string]any // "alg" and "typ"
	Claims map[string]any // "aud", "body", "exp", "iat", "iss", "jti", "nbf", "sub"
	Key    keystore.Key   // the one that signs
}

// An Edit changes a token before it is signed.
type Edit func(*Draft)

// Claim sets one claim.
func Claim(name string, value any) Edit {
	return func(d *Draft) { d.Claims[name] = value }
}

// Without leaves one claim out.
func Without(name string) Edit {
	return func(d *Draft) { delete(d.Claims, name) }
}

// With signs with key in place of the account's current one.
func With(key keystore.Key) Edit {
	return func(d *Draft) { d.Key = key }
}

// Sign returns the Upstash-Signature of a delivery of body to url. Without edits
// it has exactly the form of a live one, signed with the current key.
//
// It panics on a claim that has no JSON form.
func (s *Signer) Sign(url string, body []byte, edits ...Edit) string {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	token := qstash.NewToken(url, body, now())
	s.mu.Lock()
	draft := Draft{Header: token.Header, Claims: token.Claims, Key: s.keys.Current}
	s.mu.Unlock()
	for _, edit := range edits {
		edit(&draft)
	}
	signed, err := qstash.Token{Header: draft.Header, Claims: draft.Claims}.Sign(draft.Key)
	if err != nil {
		panic(err)
	}
	return signed
}

// Request returns a delivery of body to url as an http.Handler receives it.
func (s *Signer) Request(url string, body []byte, edits ...Edit) *http.Request {
	r := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	// A server sees the path alone in the request line, as the sender spelled it.
	r.RequestURI = r.URL.RequestURI()
	r.Header.Set(qstash.SignatureHeader, s.Sign(url, body, edits...))
	return r
}
