package verifier

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxTokenBytes is the size over which a token isn't looked at. A live one has
// some 450 bytes, most of them the destination's.
const maxTokenBytes = 16 << 10

// usualHeader is the first segment of every token that QStash signs:
// {"alg":"HS256","typ":"JWT"}.
const usualHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

// macChars is the length of a MAC in base64url.
const macChars = (sha256.Size*8 + 5) / 6

// jws is a compact token taken apart (RFC 7515, section 7.1). Its memory is used
// again for the next one.
type jws struct {
	text         []byte // the whole token
	signingInput []byte // text up to the second dot
	payload      []byte // decoded
	mac          [sha256.Size]byte
}

// parse takes a token apart. What it refuses costs no more than a look at its
// bytes; the payload is decoded, and not read.
func (t *jws) parse(token string) error {
	if len(token) > maxTokenBytes {
		return fmt.Errorf("%w: %d bytes, more than %d", ErrMalformed, len(token), maxTokenBytes)
	}
	header, rest, ok := strings.Cut(token, ".")
	payload, mac, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || strings.Contains(mac, ".") {
		return fmt.Errorf("%w: not three segments", ErrMalformed)
	}

	t.text = append(t.text[:0], token...)
	t.signingInput = t.text[:len(header)+1+len(payload)]
	if len(mac) != macChars {
		return fmt.Errorf("%w: its signature is not one of HMAC-SHA256", ErrMalformed)
	}
	if _, err := decode(t.mac[:0], t.text[len(t.signingInput)+1:]); err != nil {
		return fmt.Errorf("%w: signature: %w", ErrMalformed, err)
	}
	var err error
	if t.payload, err = decode(t.payload[:0], t.signingInput[len(header)+1:]); err != nil {
		return fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	if header == usualHeader {
		return nil
	}
	decoded, err := decode(nil, t.text[:len(header)])
	if err != nil {
		return fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	return checkHeader(decoded)
}

// checkHeader judges a header that isn't the usual one. It may hold members that
// we don't know, but none that would change what the signature means, and
// nothing in it is ever followed ("kid", "jku", "jwk", "x5u").
func checkHeader(header []byte) error {
	alg := ""
	err := eachMember(header, func(name string, value jsontext.Value) error {
		switch name {
		case "alg":
			alg = text(value)
		case "crit", "b64":
			return fmt.Errorf("%w: the header has %q", ErrAlgorithm, name)
		case "typ":
			if !strings.EqualFold(text(value), "JWT") {
				return fmt.Errorf("%w: its type is not JWT", ErrMalformed)
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errNotAnObject):
		return fmt.Errorf("%w: header: %w", ErrMalformed, err)
	case err != nil:
		return err
	case alg != "HS256":
		return fmt.Errorf("%w: not HS256", ErrAlgorithm)
	}
	return nil
}

// text returns the string that a JSON value holds, "" for any other value.
func text(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	s, _ := jsontext.AppendUnquote(nil, value)
	return string(s)
}
