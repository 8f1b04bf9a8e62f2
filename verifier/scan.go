package verifier

import (
	"bytes"
	"encoding/binary"
)

// scan reads a payload of the one form that QStash writes: these eight claims in
// this order, printable ASCII without white space, whole numbers, and no escapes
// but those that json.Marshal makes of "&", "<" and ">". It is faster than decode,
// and allocates nothing.
//
// Where it returns false, nothing is said about the payload: decode judges it
// then. What scan takes, decode takes too and reads alike, as
// FuzzScanAgreesWithTheGeneralDecoder shows.
func (c *claims) scan(payload []byte) bool {
	*c = claims{unescaped: c.unescaped[:0], has: allClaims}
	s := scanner{payload, c.unescaped}
	var body []byte
	ok := printable(payload) &&
		s.text(`{"aud":"","body":"`, &body) &&
		s.seconds(`","exp":`, &c.expires) &&
		s.seconds(`,"iat":`, &c.issuedAt) &&
		s.text(`,"iss":"`, &c.issuer) &&
		s.text(`","jti":"`, &c.id) &&
		s.seconds(`","nbf":`, &c.notBefore) &&
		s.text(`,"sub":"`, &c.subject) &&
		string(s.rest) == `"}` &&
		c.setBody(body) == nil
	c.unescaped = s.unescaped
	return ok
}

// scanner is a place in a payload of printable ASCII.
type scanner struct {
	rest      []byte
	unescaped []byte // what strings became that had escapes
}

// literal steps over what must come next.
func (s *scanner) literal(want string) bool {
	if len(s.rest) < len(want) || string(s.rest[:len(want)]) != want {
		return false
	}
	s.rest = s.rest[len(want):]
	return true
}

// text reads the rest of a string behind before, up to its closing quotation mark.
// One without an escape is returned where it stands.
func (s *scanner) text(before string, text *[]byte) bool {
	if !s.literal(before) {
		return false
	}
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 {
		return false
	}
	*text, s.rest = s.rest[:end], s.rest[end:]
	return bytes.IndexByte(*text, '\\') < 0 || s.unescape(text)
}

// unescape copies, because decode may have to read the payload after scan. A text
// that was cut off at an escaped quotation mark ends with a backslash, and is
// refused for it.
func (s *scanner) unescape(text *[]byte) bool {
	start := len(s.unescaped)
	for escaped := *text; ; escaped = escaped[len(`\u0026`):] {
		plain := bytes.IndexByte(escaped, '\\')
		if plain < 0 {
			s.unescaped = append(s.unescaped, escaped...)
			*text = s.unescaped[start:]
			return true
		}
		s.unescaped = append(s.unescaped, escaped[:plain]...)
		escaped = escaped[plain:]
		if len(escaped) < len(`\u0026`) {
			return false
		}
		switch string(escaped[:len(`\u0026`)]) {
		case `\u0026`:
			s.unescaped = append(s.unescaped, '&')
		case `\u003c`:
			s.unescaped = append(s.unescaped, '<')
		case `\u003e`:
			s.unescaped = append(s.unescaped, '>')
		default:
			return false
		}
	}
}

// seconds reads a whole number behind before, if it can be a time. None of those
// has more than twelve digits.
func (s *scanner) seconds(before string, n *int64) bool {
	if !s.literal(before) {
		return false
	}
	negative := s.literal("-")
	var sum int64
	digits := 0
	for _, c := range s.rest {
		if c < '0' || c > '9' {
			break
		}
		sum = 10*sum + int64(c-'0')
		if digits++; digits > 12 {
			return false
		}
	}
	if digits == 0 || digits > 1 && s.rest[0] == '0' {
		return false
	}
	if negative {
		sum = -sum
	}
	*n, s.rest = sum, s.rest[digits:]
	return minUnix <= sum && sum <= maxUnix
}

// Each byte of a word.
const (
	spaces   = ' ' * (^uint64(0) / 0xff)
	highBits = 0x80 * (^uint64(0) / 0xff)
)

// printable reports whether b is ASCII without control bytes. It takes a space
// from eight bytes at once, which borrows where one is smaller and so sets its
// high bit.
func printable(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if word := binary.LittleEndian.Uint64(b); (word|(word-spaces))&highBits != 0 {
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c >= 0x80 {
			return false
		}
	}
	return true
}
