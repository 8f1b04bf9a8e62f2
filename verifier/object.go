package verifier

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxJSONTokens bounds how much of an object is looked at: names, values and
// brackets together. A payload of QStash has 18.
const maxJSONTokens = 256

var errNotAnObject = errors.New("not one strict JSON object")

// eachMember calls f for the members of a JSON object. It refuses what leaves
// room for two readings: bytes that aren't UTF-8, a name that comes twice, a
// number that a float64 can't hold, anything behind the object (RFC 8259, section
// 4; RFC 7493, section 2).
//
// Of an array and of an object, f sees the first byte alone.
func eachMember(object []byte, f func(name string, value jsontext.Value) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(object)) // which it reads in place
	if open, err := d.ReadToken(); err != nil || open.Kind() != '{' {
		return errNotAnObject
	}
	for tokens := 0; d.PeekKind() == '"'; {
		name, err := d.ReadToken()
		if tokens++; err != nil || tokens > maxJSONTokens {
			return errNotAnObject
		}
		key := name.String()
		value, err := readValue(d, &tokens)
		if err != nil {
			return errNotAnObject
		}
		if err := f(key, value); err != nil {
			return err
		}
	}
	if end, err := d.ReadToken(); err != nil || end.Kind() != '}' {
		return errNotAnObject
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return errNotAnObject
	}
	return nil
}

// readValue reads one value and counts its tokens.
func readValue(d *jsontext.Decoder, tokens *int) (jsontext.Value, error) {
	first, outside := d.PeekKind(), d.StackDepth()
	if first == '"' {
		*tokens++
		return d.ReadValue()
	}
	for {
		token, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		if *tokens++; *tokens > maxJSONTokens {
			return nil, errNotAnObject
		}
		if token.Kind() == '0' {
			if _, err := token.Float(); err != nil {
				return nil, err
			}
		}
		if d.StackDepth() == outside {
			if first == '0' {
				return jsontext.Value(token.String()), nil
			}
			return jsontext.Value{byte(first)}, nil
		}
	}
}
