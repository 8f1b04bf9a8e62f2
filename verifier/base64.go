package verifier

import (
	"encoding/binary"
	"errors"
	"slices"
)

var errSpelling = errors.New("not canonical base64url")

// A letter's six bits at each of the four places in its group of three bytes, or
// notALetter.
var letters = func() (places [4][256]uint32) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for place := range places {
		for c := range places[place] {
			places[place][c] = notALetter
		}
		for bits, c := range []byte(alphabet) {
			places[place][c] = uint32(bits) << (18 - 6*place)
		}
	}
	return places
}()

const notALetter = 1 << 24

// group puts four letters together. A result of notALetter or more says that one
// of them is none.
func group(four *[4]byte) uint32 {
	return letters[0][four[0]] | letters[1][four[1]] | letters[2][four[2]] | letters[3][four[3]]
}

// decode appends to dst what a segment of base64url (RFC 4648, section 5) encodes.
// It takes the one spelling that an encoder writes: no padding, no line breaks, no
// bits behind the last byte. encoding/base64 skips line breaks even when it is
// strict, and is slower.
func decode(dst, segment []byte) ([]byte, error) {
	size := len(segment) * 6 / 8
	dst = slices.Grow(dst, size)
	out, wrong := dst[len(dst):len(dst)+size], uint32(0)
	dst = dst[:len(dst)+size]
	for len(segment) >= 8 && len(out) >= 8 { // two groups, and two bytes that the next ones write again
		first, second := group((*[4]byte)(segment)), group((*[4]byte)(segment[4:]))
		wrong |= first | second
		binary.BigEndian.PutUint64(out, uint64(first)<<40|uint64(second)<<16)
		segment, out = segment[8:], out[6:]
	}
	for ; len(segment) >= 4; segment, out = segment[4:], out[3:] {
		three := group((*[4]byte)(segment))
		wrong |= three
		out[0], out[1], out[2] = byte(three>>16), byte(three>>8), byte(three)
	}
	var last uint32 // the letters that are left, and of them what no byte takes
	switch len(segment) {
	case 1:
		last = notALetter
	case 2:
		last = letters[0][segment[0]] | letters[1][segment[1]]
		out[0] = byte(last >> 16)
		last &^= 0xff << 16
	case 3:
		last = letters[0][segment[0]] | letters[1][segment[1]] | letters[2][segment[2]]
		out[0], out[1] = byte(last>>16), byte(last>>8)
		last &^= 0xffff << 8
	}
	if wrong >= notALetter || last != 0 {
		return nil, errSpelling
	}
	return dst, nil
}
