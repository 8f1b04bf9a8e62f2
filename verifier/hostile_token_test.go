package verifier_test

import (
	"crypto/sha512"
	"fmt"
	"strings"

	"github.com/stashring/stashring/verifier"
)

func brokenStructures() []trick {
	good := sealed(usualHeader, payload())
	part := strings.Split(good, ".")
	h, p, m := part[0], part[1], part[2]
	other := strings.Split(sealed(usualHeader, payload(set("jti", `"jwt_other"`))), ".")
	all := tricks(verifier.ErrMissing, [2]string{"nothing", ""})
	all = append(all, tricks(verifier.ErrMalformed, [][2]string{
		{"a space", " "},
		{"a NUL", "\x00"},
		{"one dot", "."},
		{"two dots", ".."},
		{"three dots", "..."},
		{"a word", "undefined"},
		{"one segment", h},
		{"two segments", h + "." + p},
		{"no signature", h + "." + p + "."},
		{"no header", "." + p + "." + m},
		{"no header, signed", sealedSegments("", p)},
		{"four segments", good + "." + m},
		{"five segments, as JWE has", h + ".." + p + ".." + m},
		{"a dot before", "." + good},
		{"a dot behind", good + "."},
		{"two dots for one", h + ".." + p + "." + m},
		{"a space before", " " + good},
		{"a space behind", good + " "},
		{"a line break behind", good + "\n"},
		{"a carriage return behind", good + "\r\n"},
		{"a tab behind", good + "\t"},
		{"a NUL behind", good + "\x00"},
		{"spaces around a dot", h + " . " + p + "." + m},
		{"a scheme before", "Bearer " + good},
		{"in quotation marks", `"` + good + `"`},
		{"in angle brackets", "<" + good + ">"},
		{"twice with a comma", good + "," + good},
		{"twice with a space", good + " " + good},
		{"twice", good + good},
		{"a parameter behind", good + ";q=1"},
		{"escaped dots", strings.ReplaceAll(good, ".", "%2E")},
		{"wide dots", strings.ReplaceAll(good, ".", "．")},
		{"JSON serialisation", `{"payload":"` + p + `","protected":"` + h + `","signature":"` + m + `"}`},
		{"payload and signature swapped", h + "." + m + "." + p},
		{"segments backwards", m + "." + p + "." + h},
		{"the payload three times", p + "." + p + "." + p},
		{"unencoded", usualHeader + "." + payload() + "." + m},
		{"a PASETO", "v2.local." + p},
		{"compressed", "\x1f\x8b\x08\x00" + good},
		{"UTF-16", strings.Join(strings.Split(good, ""), "\x00")},
		{"a byte order mark before", "\ufeff" + good},
	}...)...)
	all = append(all, tricks(verifier.ErrAlgorithm, [][2]string{
		{"header and payload swapped", p + "." + h + "." + m},
		{"header and payload swapped, signed", sealedSegments(p, h)},
	}...)...)
	return append(all, tricks(verifier.ErrSignature, [][2]string{
		{"a payload of another token", h + "." + other[1] + "." + m},
		{"a signature of another token", h + "." + p + "." + other[2]},
		{"a detached payload", h + ".." + m},
		{"payload in upper case", h + "." + strings.ToUpper(p) + "." + m},
	}...)...)
}

// secondSpellings respells each segment of a token. The signature is made over
// the new spelling, so that the spelling alone is what is wrong.
func secondSpellings() []trick {
	header, claims, mac := spellable()
	respell := map[string]func(string) string{
		"one pad":             func(s string) string { return s + "=" },
		"two pads":            func(s string) string { return s + "==" },
		"a pad in the middle": func(s string) string { return s[:8] + "=" + s[8:] },
		"standard alphabet":   func(s string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(s) },
		"stray bits":          func(s string) string { return s[:len(s)-1] + string(nextLetter(s[len(s)-1])) },
		"a letter too few":    func(s string) string { return s[:len(s)-len(s)%4+1-4] },
		"CR":                  func(s string) string { return s[:8] + "\r" + s[8:] },
		"LF":                  func(s string) string { return s[:8] + "\n" + s[8:] },
		"CR LF behind":        func(s string) string { return s + "\r\n" },
		"a space":             func(s string) string { return s[:8] + " " + s[8:] },
		"a tab":               func(s string) string { return s[:8] + "\t" + s[8:] },
		"a NUL":               func(s string) string { return s[:8] + "\x00" + s[8:] },
		"a vertical tab":      func(s string) string { return s[:8] + "\v" + s[8:] },
		"a non-ASCII letter":  func(s string) string { return s[:8] + "é" + s[8:] },
		"a byte over ASCII":   func(s string) string { return s[:8] + "\xc1" + s[9:] },
		"an escaped letter":   func(s string) string { return s[:8] + fmt.Sprintf("%%%02X", s[8]) + s[9:] },
		"a tilde":             func(s string) string { return s[:8] + "~" + s[9:] },
	}
	var all []trick
	for name, f := range respell {
		for segment, tokens := range map[string]string{
			"header":    sealedSegments(f(header), claims),
			"payload":   sealedSegments(header, f(claims)),
			"signature": header + "." + claims + "." + f(mac),
		} {
			all = append(all, trick{segment + " with " + name, delivery(tokens), verifier.ErrMalformed})
		}
	}
	return all
}

// spellable returns the segments of a good token that can be spelled in every
// other way: each has the two letters in which the alphabets differ, and each ends
// within a group.
func spellable() (header, claims, mac string) {
	header = encoded(`{"alg":"HS256","kid":"?>~~??>>~~","typ":"JWT"}`)
	for jti := 1000; ; jti++ {
		fill := strings.Repeat(" ", jti%3)
		claims = encoded(payload(set("jti", fmt.Sprintf(`"%d"`, jti)), add("x", fill+`"?>~~??>>~~"`)))
		token := sealedSegments(header, claims)
		mac = token[strings.LastIndexByte(token, '.')+1:]
		if len(header)%4 != 2 {
			panic("the header ends with a group")
		}
		if len(claims)%4 == 2 && strings.Contains(mac, "-") && strings.Contains(mac, "_") {
			return header, claims, mac
		}
	}
}

// nextLetter returns the letter for one more in the last bits.
func nextLetter(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1]
}

func badHeaders() []trick {
	var all []trick
	for _, row := range []struct {
		want    error
		headers [][2]string
	}{
		{verifier.ErrAlgorithm, [][2]string{
			{"none", `{"alg":"none","typ":"JWT"}`},
			{"None", `{"alg":"None","typ":"JWT"}`},
			{"NONE", `{"alg":"NONE","typ":"JWT"}`},
			{"nOnE", `{"alg":"nOnE","typ":"JWT"}`},
			{"HS384", `{"alg":"HS384","typ":"JWT"}`},
			{"HS512", `{"alg":"HS512","typ":"JWT"}`},
			{"HS1", `{"alg":"HS1","typ":"JWT"}`},
			{"RS256", `{"alg":"RS256","typ":"JWT"}`},
			{"PS256", `{"alg":"PS256","typ":"JWT"}`},
			{"ES256", `{"alg":"ES256","typ":"JWT"}`},
			{"EdDSA", `{"alg":"EdDSA","typ":"JWT"}`},
			{"direct encryption", `{"alg":"dir","enc":"A256GCM","typ":"JWT"}`},
			{"hs256 in lower case", `{"alg":"hs256","typ":"JWT"}`},
			{"Hs256 in mixed case", `{"alg":"Hs256","typ":"JWT"}`},
			{"HS-256", `{"alg":"HS-256","typ":"JWT"}`},
			{"HS256 and a space", `{"alg":"HS256 ","typ":"JWT"}`},
			{"a space and HS256", `{"alg":" HS256","typ":"JWT"}`},
			{"HS256 and a NUL", `{"alg":"HS256\u0000","typ":"JWT"}`},
			{"HS256 in a wide letter", `{"alg":"ＨS256","typ":"JWT"}`},
			{"HS256 in a long s", `{"alg":"Hſ256","typ":"JWT"}`},
			{"empty algorithm", `{"alg":"","typ":"JWT"}`},
			{"no algorithm", `{"typ":"JWT"}`},
			{"no members", `{}`},
			{"algorithm null", `{"alg":null,"typ":"JWT"}`},
			{"algorithm true", `{"alg":true,"typ":"JWT"}`},
			{"algorithm a number", `{"alg":256,"typ":"JWT"}`},
			{"algorithm in an array", `{"alg":["HS256"],"typ":"JWT"}`},
			{"algorithm in an object", `{"alg":{"alg":"HS256"},"typ":"JWT"}`},
			{"Alg", `{"Alg":"HS256","typ":"JWT"}`},
			{"ALG", `{"ALG":"HS256","typ":"JWT"}`},
			{"alg with a space", `{"alg ":"HS256","typ":"JWT"}`},
			{"algorithm inside a member", `{"x":{"alg":"HS256"},"typ":"JWT"}`},
			{"crit empty", `{"alg":"HS256","crit":[],"typ":"JWT"}`},
			{"crit known", `{"alg":"HS256","crit":["exp"],"exp":1,"typ":"JWT"}`},
			{"crit unknown", `{"alg":"HS256","crit":["x"],"x":1,"typ":"JWT"}`},
			{"crit null", `{"alg":"HS256","crit":null,"typ":"JWT"}`},
			{"crit in escapes", `{"alg":"HS256","\u0063rit":["x"],"typ":"JWT"}`},
			{"b64 false", `{"alg":"HS256","b64":false,"typ":"JWT"}`},
			{"b64 true", `{"alg":"HS256","b64":true,"typ":"JWT"}`},
			{"b64 critical", `{"alg":"HS256","b64":false,"crit":["b64"],"typ":"JWT"}`},
		}},
		{verifier.ErrMalformed, [][2]string{
			{"type JWE", `{"alg":"HS256","typ":"JWE"}`},
			{"type at+jwt", `{"alg":"HS256","typ":"at+jwt"}`},
			{"type empty", `{"alg":"HS256","typ":""}`},
			{"type null", `{"alg":"HS256","typ":null}`},
			{"type a number", `{"alg":"HS256","typ":1}`},
			{"type in an array", `{"alg":"HS256","typ":["JWT"]}`},
			{"algorithm twice", `{"alg":"HS256","alg":"HS256","typ":"JWT"}`},
			{"none, then HS256", `{"alg":"none","alg":"HS256","typ":"JWT"}`},
			{"HS256, then none", `{"alg":"HS256","typ":"JWT","alg":"none"}`},
			{"algorithm twice in escapes", `{"alg":"HS256","\u0061lg":"none","typ":"JWT"}`},
			{"an unknown member twice", `{"alg":"HS256","x":1,"x":1,"typ":"JWT"}`},
			{"a nested member twice", `{"alg":"HS256","x":{"y":1,"y":2},"typ":"JWT"}`},
			{"null", `null`},
			{"a string", `"HS256"`},
			{"a number", `256`},
			{"an array", `[{"alg":"HS256","typ":"JWT"}]`},
			{"spaces", `   `},
			{"another object behind", usualHeader + usualHeader},
			{"a bracket behind", usualHeader + `}`},
			{"cut off", usualHeader[:len(usualHeader)-1]},
			{"a comma at the end", `{"alg":"HS256","typ":"JWT",}`},
			{"a comma at the start", `{,"alg":"HS256","typ":"JWT"}`},
			{"apostrophes", `{'alg':'HS256','typ':'JWT'}`},
			{"names without quotation marks", `{alg:"HS256",typ:"JWT"}`},
			{"a comment", `{"alg":"HS256",/* */"typ":"JWT"}`},
			{"a byte order mark", "\ufeff" + usualHeader},
			{"UTF-16", "{\x00}\x00"},
			{"an overlong letter", "{\"alg\":\"HS256\",\"x\":\"\xc1\x81\"}"},
			{"half a surrogate pair", `{"alg":"HS256","x":"\ud800"}`},
			{"a raw NUL", "{\"alg\":\"HS256\",\"x\":\"\x00\"}"},
			{"a line break in a string", "{\"alg\":\"HS256\",\"x\":\"\n\"}"},
			{"a number that no float64 holds", `{"alg":"HS256","x":1e400}`},
			{"a name that is a number", `{"alg":"HS256",1:2}`},
			{"base64 within base64", encoded(usualHeader)},
		}},
	} {
		for _, h := range row.headers {
			all = append(all, trick{h[0], delivery(sealed(h[1], payload())), row.want})
		}
	}
	// What makes an algorithm dangerous is the signature that goes with it.
	unsigned := encoded(`{"alg":"none","typ":"JWT"}`) + "." + encoded(payload()) + "."
	hs512 := encoded(`{"alg":"HS512","typ":"JWT"}`) + "." + encoded(payload())
	return append(all,
		trick{"none without a signature", delivery(unsigned), verifier.ErrMalformed},
		trick{"HS512 with its own signature", delivery(hs512 + "." + macOf(sha512.New, currentSecret, hs512)), verifier.ErrMalformed},
	)
}
