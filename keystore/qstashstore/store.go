// Package qstashstore has the signing keys from QStash itself.
//
//	store, err := qstashstore.FromEnv(keystore.DefaultRegion) // QSTASH_TOKEN, QSTASH_URL
//	…
//	ring, err := keystore.NewRing(store, keystore.RingConfig{})
//
// With it a verifier needs no other store: after a roll it asks QStash for the new
// keys. The price is that every process holds QSTASH_TOKEN, which can do far more
// than read the keys.
package qstashstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/stashring/stashring/keystore"
)

// DefaultURL is where QStash answers for accounts without a region of their own.
const DefaultURL = "https://qstash.upstash.io"

// maxAnswerBytes bounds an answer, which has some hundred bytes.
const maxAnswerBytes = 16 << 10

// timeout bounds a call whose context has no earlier deadline.
const timeout = 10 * time.Second

var _ keystore.KeyProvider = (*Store)(nil)

// Store reads and rolls an account's keys over QStash's API. It is safe for
// concurrent use.
type Store struct {
	base   *url.URL
	bearer func() string // a function, so that nothing prints the token
	client *http.Client
}

// Config says which account.
type Config struct {
	// Token is the account's QSTASH_TOKEN. It must be set.
	Token string

	// URL is where its region of QStash answers. "" means [DefaultURL].
	URL string

	// Transport carries the calls. nil means [http.DefaultTransport].
	Transport http.RoundTripper
}

// New returns a Store. It does no I/O.
func New(cfg Config) (*Store, error) {
	if cfg.Token == "" {
		return nil, errors.New("qstashstore: Config.Token is empty: it is the account's QSTASH_TOKEN")
	}
	if strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("qstashstore: Config.Token has %d bytes, and white space or control characters among them", len(cfg.Token))
	}
	if cfg.URL == "" {
		cfg.URL = DefaultURL
	}
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" {
		return nil, errors.New("qstashstore: Config.URL is not of the form https://host: it is the account's QSTASH_URL")
	}
	return &Store{
		base:   base,
		bearer: func() string { return "Bearer " + cfg.Token },
		client: &http.Client{
			Transport: cfg.Transport,
			Timeout:   timeout,
			// The API doesn't redirect, and the token is for nobody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// FromEnv returns a Store for the account that QSTASH_TOKEN and QSTASH_URL name,
// or for another region their namesakes with its prefix, such as
// US_EAST_1_QSTASH_TOKEN.
func FromEnv(region keystore.Region) (*Store, error) {
	prefix := ""
	if region != keystore.DefaultRegion {
		prefix = string(region) + "_"
	}
	token, address := os.Getenv(prefix+"QSTASH_TOKEN"), os.Getenv(prefix+"QSTASH_URL")
	switch {
	case token == "":
		return nil, fmt.Errorf("%w: the environment variable %sQSTASH_TOKEN is not set", keystore.ErrNotFound, prefix)
	case address == "" && prefix != "":
		return nil, fmt.Errorf("%w: the environment variable %sQSTASH_URL is not set", keystore.ErrNotFound, prefix)
	}
	return New(Config{Token: token, URL: address})
}

// Keys asks QStash for the keys that it signs with. It fails with
// [keystore.ErrDenied] on a token that isn't accepted and with
// [keystore.ErrThrottled] where QStash is asked too often.
func (s *Store) Keys(ctx context.Context) (keystore.KeySet, error) {
	return s.call(ctx, http.MethodGet, "v2", "keys")
}

// Rotate rolls the keys: next becomes current, and a new key takes its place. It
// returns the keys after that. An error may come after the roll was done; Keys
// tells.
func (s *Store) Rotate(ctx context.Context) (keystore.KeySet, error) {
	return s.call(ctx, http.MethodPost, "v2", "keys", "rotate")
}

func (s *Store) call(ctx context.Context, method string, path ...string) (keystore.KeySet, error) {
	endpoint := s.base.JoinPath(path...)
	r, err := http.NewRequestWithContext(ctx, method, endpoint.String(), nil)
	if err != nil {
		return keystore.KeySet{}, fmt.Errorf("qstashstore: %w", err)
	}
	r.Header.Set("Authorization", s.bearer())
	r.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(r)
	if err != nil {
		return keystore.KeySet{}, fmt.Errorf("qstashstore: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	if err != nil {
		return keystore.KeySet{}, fmt.Errorf("qstashstore: %s %v: %w", method, endpoint, err)
	}
	keys, err := parse(answer.StatusCode, body)
	if err != nil {
		return keystore.KeySet{}, fmt.Errorf("qstashstore: %s %v: %w", method, endpoint, err)
	}
	return keys, nil
}

// parse reads an answer. Members that we don't know are left alone: the API may
// grow some. Of an answer that isn't good, nothing is repeated: it may hold keys.
func parse(status int, body []byte) (keystore.KeySet, error) {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return keystore.KeySet{}, fmt.Errorf("%w: status %d; is QSTASH_TOKEN this account's and this region's?", keystore.ErrDenied, status)
	case status == http.StatusTooManyRequests:
		return keystore.KeySet{}, fmt.Errorf("%w: status %d", keystore.ErrThrottled, status)
	case status == http.StatusNotFound:
		return keystore.KeySet{}, fmt.Errorf("%w: status %d; is QSTASH_URL this account's?", keystore.ErrNotFound, status)
	case status != http.StatusOK:
		return keystore.KeySet{}, fmt.Errorf("status %d", status)
	}
	var doc struct {
		Current string `json:"current"`
		Next    string `json:"next"`
	}
	if len(body) > maxAnswerBytes || json.Unmarshal(body, &doc) != nil {
		return keystore.KeySet{}, fmt.Errorf("%w: the answer's %d bytes are not the JSON document that the API describes", keystore.ErrInvalidKey, len(body))
	}
	current, err := keystore.NewKey(doc.Current)
	if err != nil {
		return keystore.KeySet{}, fmt.Errorf(`member "current": %w`, err)
	}
	next, err := keystore.NewKey(doc.Next)
	if err != nil {
		return keystore.KeySet{}, fmt.Errorf(`member "next": %w`, err)
	}
	return keystore.KeySet{Current: current, Next: next}, nil
}

// String names the store.
func (s *Store) String() string { return "qstash:" + s.base.Host }
