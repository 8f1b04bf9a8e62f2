package verifier

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/stashring/stashring/keystore"
)

// claims is a payload that was read strictly. Its slices live in the memory of
// the payload, or in their own.
type claims struct {
	issuer, subject, id []byte
	body                [sha256.Size]byte
	expires             int64 // Unix seconds
	notBefore           int64
	issuedAt            int64
	has                 claim

	unescaped []byte // the memory of strings that have escapes, used again
}

// claim is a set of claims.
type claim uint8

const (
	hasIssuer claim = 1 << iota
	hasSubject
	hasID
	hasBody
	hasExpires
	hasNotBefore
	hasIssuedAt

	allClaims = 1<<iota - 1
	required  = hasIssuer | hasSubject | hasBody | hasExpires
)

// The times that a claim may name: the years 1 to 9999, which is what RFC 3339
// can write. Live tokens name the first of these seconds in "nbf".
const (
	minUnix = -62135596800
	maxUnix = 253402300799
)

// read reads a payload.
func (c *claims) read(payload []byte) error {
	if !c.scan(payload) {
		if err := c.decode(payload); err != nil {
			return err
		}
	}
	return c.complete()
}

// decode reads a payload in whatever form JSON has for it.
func (c *claims) decode(payload []byte) error {
	*c = claims{unescaped: c.unescaped}
	if err := eachMember(payload, c.set); err != nil {
		return fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return nil
}

func (c *claims) complete() error {
	missing := required &^ c.has
	for _, r := range []struct {
		claim claim
		name  string
	}{{hasIssuer, "iss"}, {hasSubject, "sub"}, {hasBody, "body"}, {hasExpires, "exp"}} {
		if missing&r.claim != 0 {
			return fmt.Errorf("%w: no %q", ErrClaims, r.name)
		}
	}
	return nil
}

// set takes one member of the payload. Those that it doesn't know are nothing to
// it.
func (c *claims) set(name string, value jsontext.Value) (err error) {
	switch name {
	case "iss":
		c.issuer, err = stringClaim(value)
		c.has |= hasIssuer
	case "sub":
		c.subject, err = stringClaim(value)
		c.has |= hasSubject
	case "jti":
		c.id, err = stringClaim(value)
		c.has |= hasID
	case "body":
		var hash []byte
		if hash, err = stringClaim(value); err == nil {
			err = c.setBody(hash)
		}
		c.has |= hasBody
	case "exp":
		c.expires, err = numericDate(value, math.Floor)
		c.has |= hasExpires
	case "nbf":
		c.notBefore, err = numericDate(value, math.Ceil)
		c.has |= hasNotBefore
	case "iat":
		c.issuedAt, err = numericDate(value, math.Floor)
		c.has |= hasIssuedAt
	}
	if err != nil {
		return fmt.Errorf("%q %w", name, err)
	}
	return nil
}

type claimError string

func (e claimError) Error() string { return string(e) }

const (
	errNotAString = claimError("is not a string")
	errNotADate   = claimError("is not a number of seconds between the years 1 and 9999")
	errNotAHash   = claimError("is not a SHA-256 in base64url")
)

func stringClaim(value jsontext.Value) ([]byte, error) {
	if value.Kind() != '"' {
		return nil, errNotAString
	}
	return jsontext.AppendUnquote(make([]byte, 0, len(value)), value)
}

// numericDate reads a time in seconds (RFC 7519, section 2), which may have a
// fraction. round takes the fraction away, to the token's disadvantage.
func numericDate(value jsontext.Value, round func(float64) float64) (int64, error) {
	if value.Kind() != '0' {
		return 0, errNotADate
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		return 0, errNotADate
	}
	seconds = round(seconds)
	if seconds < minUnix || seconds > maxUnix {
		return 0, errNotADate
	}
	return int64(seconds), nil
}

// setBody takes the hash of the body, with the padding that QStash writes or
// without it, as the SDKs' signers do.
func (c *claims) setBody(encoded []byte) error {
	if len(encoded) == macChars+1 && encoded[macChars] == '=' {
		encoded = encoded[:macChars]
	}
	if len(encoded) != macChars {
		return errNotAHash
	}
	if _, err := decode(c.body[:0], encoded); err != nil {
		return errNotAHash
	}
	return nil
}

// judge holds the claims against the delivery: issuer, destination, times. It
// returns the bare reason for a refusal, because a forgery is judged too and
// nobody reads what is wrong with it.
func (v *Verifier) judge(c *claims, destination string, now time.Time) error {
	switch {
	case string(c.issuer) != issuer:
		return ErrIssuer
	case !v.cfg.InsecureSkipDestination && !sameDestination(c.subject, destination):
		return ErrDestination
	case c.expires <= now.Add(-v.cfg.Leeway).Unix():
		return ErrExpired
	case c.has&hasNotBefore != 0 && c.notBefore > now.Add(v.cfg.Leeway).Unix():
		return ErrNotYetValid
	}
	return nil
}

// explain adds to a reason what the claims are that gave it.
func (c *claims) explain(reason error, destination string, now time.Time) error {
	switch reason {
	case ErrIssuer:
		return fmt.Errorf("%w: the token is from %q, not %q", reason, c.issuer, issuer)
	case ErrDestination:
		return fmt.Errorf("%w: the token is for %q, the delivery came to %q", reason, c.subject, destination)
	case ErrExpired:
		expired := time.Unix(c.expires, 0)
		return fmt.Errorf("%w: at %v, %v ago", reason, expired.UTC(), now.Sub(expired).Round(time.Second))
	case ErrNotYetValid:
		notBefore := time.Unix(c.notBefore, 0)
		return fmt.Errorf("%w: not before %v, in %v", reason, notBefore.UTC(), notBefore.Sub(now).Round(time.Second))
	}
	return reason
}

// sameDestination compares byte for byte, but takes an empty path and "/" for
// one: the request line of HTTP has no empty path (RFC 9112, section 3.2.1), so a
// receiver can't tell which of them the sender wrote. A receiver that doesn't know
// its own URL is no destination.
func sameDestination(signed []byte, arrived string) bool {
	if string(signed) == arrived {
		return arrived != ""
	}
	return withRootPath(string(signed)) == withRootPath(arrived)
}

// withRootPath puts a "/" behind the authority of a URL that has no path.
func withRootPath(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	path := rest[len(authority):]
	if path == "" || path[0] == '?' {
		return url[:len(url)-len(path)] + "/" + path
	}
	return url
}

// token makes the Token of claims that were judged good.
func (c *claims) token(region keystore.Region, slot keystore.Slot, key keystore.Key, destination string) *Token {
	t := &Token{
		ID:          string(c.id),
		Destination: destination,
		Region:      region,
		Slot:        slot,
		Key:         key.Fingerprint(),
		ExpiresAt:   time.Unix(c.expires, 0).UTC(),
		body:        c.body,
	}
	if string(c.subject) != destination {
		t.Destination = string(c.subject)
	}
	if c.has&hasIssuedAt != 0 {
		t.IssuedAt = time.Unix(c.issuedAt, 0).UTC()
	}
	if c.has&hasNotBefore != 0 {
		t.NotBefore = time.Unix(c.notBefore, 0).UTC()
	}
	return t
}
