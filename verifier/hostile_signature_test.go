package verifier_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/stashring/stashring/verifier"
)

func macOf(h func() hash.Hash, key, input string) string {
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(input))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func wrongKeys() []trick {
	input := encoded(usualHeader) + "." + encoded(payload())
	digest := sha256.Sum256([]byte(currentSecret))
	var all []trick
	for name, secret := range map[string]string{
		"the empty key":                      "",
		"a space":                            " ",
		"a NUL":                              "\x00",
		"a block of NULs":                    strings.Repeat("\x00", 64),
		"sig_ alone":                         "sig_",
		"the public development key":         "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
		"the next public development key":    "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
		"a key one byte short":               currentSecret[:len(currentSecret)-1],
		"a key one byte long":                currentSecret + "0",
		"a key with a line break":            currentSecret + "\n",
		"a key with a space":                 " " + currentSecret,
		"a key in quotation marks":           `"` + currentSecret + `"`,
		"a key without sig_":                 strings.TrimPrefix(currentSecret, "sig_"),
		"a key in upper case":                strings.ToUpper(currentSecret),
		"a key in lower case":                strings.ToLower(currentSecret),
		"a key twice":                        currentSecret + currentSecret,
		"both keys":                          currentSecret + nextSecret,
		"a key in base64":                    encoded(currentSecret),
		"a key in hexadecimal":               hex.EncodeToString([]byte(currentSecret)),
		"the hash of a key":                  string(digest[:]),
		"the fingerprint of a key":           currentKey.Fingerprint(),
		"the printed form of a key":          currentKey.String(),
		"undefined":                          "undefined",
		"null":                               "null",
		"secret":                             "secret",
		"the key of the JWT debugger":        "your-256-bit-secret",
		"the name of the variable":           "QSTASH_CURRENT_SIGNING_KEY",
		"the destination":                    destination,
		"the token's own header":             encoded(usualHeader),
		"a well-formed key that is nobody's": "sig_nobodysKeyNobodysKeyNobodysK0",
	} {
		all = append(all, trick{"signed with " + name, delivery(input + "." + macOf(sha256.New, secret, input)), verifier.ErrSignature})
	}
	return all
}

func wrongMACs() []trick {
	h, p := encoded(usualHeader), encoded(payload())
	input := h + "." + p
	good := currentKey.Sign([]byte(input))
	keyed := func(s string) string { return base64.RawURLEncoding.EncodeToString(currentKey.Sign([]byte(s))) }
	raw := func(mac []byte) string { return base64.RawURLEncoding.EncodeToString(mac) }
	sum := func(s string) string { d := sha256.Sum256([]byte(s)); return raw(d[:]) }
	all := tricks(verifier.ErrMalformed, [][2]string{
		{"31 bytes", input + "." + raw(good[:31])},
		{"33 bytes", input + "." + raw(append(good[:32:32], 0))},
		{"16 bytes", input + "." + raw(good[:16])},
		{"one byte", input + "." + raw(good[:1])},
		{"twice over", input + "." + raw(append(good[:32:32], good...))},
		{"SHA-1", input + "." + macOf(sha1.New, currentSecret, input)},
		{"SHA-512", input + "." + macOf(sha512.New, currentSecret, input)},
		{"hexadecimal", input + "." + hex.EncodeToString(good)},
		{"raw bytes", input + "." + string(good)},
	}...)
	all = append(all, tricks(verifier.ErrSignature, [][2]string{
		{"zeros", input + "." + raw(make([]byte, 32))},
		{"ones", input + "." + raw([]byte(strings.Repeat("\xff", 32)))},
		{"no key at all", input + "." + sum(input)},
		{"the key before the token", input + "." + sum(currentSecret+input)},
		{"the key behind the token", input + "." + sum(input+currentSecret)},
		{"over the payload alone", input + "." + keyed(p)},
		{"over the header alone", input + "." + keyed(h)},
		{"over the decoded claims", input + "." + keyed(payload())},
		{"over header and claims decoded", input + "." + keyed(usualHeader+"."+payload())},
		{"over the segments without the dot", input + "." + keyed(h+p)},
		{"over one dot more", input + "." + keyed(input+".")},
		{"over a line break more", input + "." + keyed(input+"\n")},
		{"over the body", input + "." + keyed(body)},
		{"over nothing", input + "." + keyed("")},
		{"SHA-512/256", input + "." + macOf(sha512.New512_256, currentSecret, input)},
		{"SHA-512, cut to 32 bytes", input + "." + macOf(sha512.New, currentSecret, input)[:42] + "A"},
		{"the letters in upper case", input + "." + strings.ToUpper(raw(good)[:42]) + "A"},
		{"the bytes backwards", input + "." + raw(reversed(good))},
	}...)...)
	return all
}

func reversed(b []byte) []byte {
	r := make([]byte, 0, len(b))
	for i := len(b) - 1; i >= 0; i-- {
		r = append(r, b[i])
	}
	return r
}

// sized returns a token of exactly so many bytes, or one fewer where base64 has
// no such length, in which the claim "x" is what fills it.
func sized(size int) string {
	empty := len(payload(add("x", `""`)))
	room := (size - len(encoded(usualHeader)) - 2 - 43) * 3 / 4
	return sealed(usualHeader, payload(add("x", `"`+strings.Repeat("x", room-empty)+`"`)))
}

func excesses() []trick {
	const limit = 16 << 10
	forged := func(claims string) string {
		return encoded(usualHeader) + "." + encoded(claims) + "." + base64.RawURLEncoding.EncodeToString(nextKey.Sign(nil))
	}
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	deeper := strings.Repeat("[", 11500)
	many := payload(func(m []member) []member {
		for i := range 1200 {
			m = append(m, member{fmt.Sprintf("%03x", i), "0"})
		}
		return m
	})
	all := tricks(verifier.ErrMalformed, [][2]string{
		{"one byte over the limit", sized(limit) + "A"},
		{"one group over the limit, signed", sized(limit + 4)},
		{"1 MiB of letters", strings.Repeat("A", 1<<20)},
		{"1 MiB of dots", strings.Repeat(".", 1<<20)},
		{"1 MiB, signed", sized(1 << 20)},
		{"10 MiB, signed", sized(10 << 20)},
		{"16 KiB of dots", strings.Repeat(".", limit)},
		{"16 KiB of letters", strings.Repeat("A", limit)},
		{"a header of nothing but brackets", sealed(strings.Repeat("[", 12000), "{}")},
		{"a header nested 11500 deep", sealed(`{"alg":"HS256","x":`+deeper, "{}")},
		{"a header nested 300 deep", sealed(`{"alg":"HS256","x":`+strings.Repeat("[", 300)+strings.Repeat("]", 300)+"}", "{}")},
	}...)
	all = append(all, tricks(verifier.ErrSignature, [][2]string{
		{"the largest token, forged", flipped(sized(limit))},
		{"an array 5000 deep, forged", forged(payload(add("x", deep)))},
		{"an array 11500 deep, forged", forged(`{"x":` + deeper)},
		{"1200 members, forged", forged(many)},
		{"a number of 11000 digits, forged", forged(payload(set("exp", strings.Repeat("9", 11000))))},
		{"a destination of 11000 letters, forged", forged(payload(set("sub", `"https://h/`+strings.Repeat("x", 11000)+`"`)))},
		{"11000 escapes, forged", forged(payload(set("jti", `"`+strings.Repeat(`\u0041`, 1900)+`"`)))},
		{"no object, forged", forged(strings.Repeat("{", 12000))},
	}...)...)
	return append(all, claimTricks(verifier.ErrClaims, [][2]string{
		{"an array 5000 deep", payload(add("x", deep))},
		{"an array 11500 deep", `{"x":` + deeper},
		{"an array of 5000 numbers", payload(add("x", "["+strings.Repeat("1,", 5000)+"1]"))},
		{"1200 members", many},
		{"1200 members that are strings", strings.ReplaceAll(many, ":0", `:""`)},
		{"nothing but brackets", strings.Repeat("[", 12000)},
		{"objects 2000 deep that never end", strings.Repeat(`{"a":`, 2000)},
		{"a string that never ends", `{"x":"` + strings.Repeat("x", 12000)},
		{"a time of 11000 digits", payload(set("exp", strings.Repeat("9", 11000)))},
		{"a time with 11000 nines in the exponent", payload(set("exp", "1e"+strings.Repeat("9", 11000)))},
		{"1200 members and one of them twice", strings.TrimSuffix(many, "}") + `,"000":0}`},
		{"a body of 11000 letters", payload(set("body", `"`+strings.Repeat("A", 11000)+`"`))},
	}...)...)
}

func flipped(token string) string {
	dot := strings.LastIndexByte(token, '.')
	c := byte('A')
	if token[dot+1] == c {
		c = 'B'
	}
	return token[:dot+1] + string(c) + token[dot+2:]
}
