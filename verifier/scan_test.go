package verifier

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

const livePayload = `{"aud":"","body":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=","exp":1783794655,"iat":1783794355,` +
	`"iss":"Upstash","jti":"jwt_7wdAGvUyHZp1RQnK","nbf":-62135596800,"sub":"https://hooks.example.com/a?b=1\u0026c=\u003cd\u003e"}`

// onTheScansPath are payloads of QStash's own form, which scan must take: it is
// there for them.
var onTheScansPath = map[string]string{
	"a live payload":       livePayload,
	"no escapes":           strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(livePayload),
	"body without padding": strings.Replace(livePayload, "=", "", 1),
	"nbf 0":                strings.Replace(livePayload, "-62135596800", "0", 1),
	"nbf -0":               strings.Replace(livePayload, "-62135596800", "-0", 1),
	"nbf as iat":           strings.Replace(livePayload, "-62135596800", "1783794355", 1),
	"exp in the year 9999": strings.Replace(livePayload, "1783794655", "253402300799", 1),
	"jti empty":            strings.Replace(livePayload, "jwt_7wdAGvUyHZp1RQnK", "", 1),
	"another issuer":       strings.Replace(livePayload, "Upstash", "evil", 1),
	"escapes everywhere":   strings.NewReplacer("Upstash", `\u0026\u0026`, "jwt_", `a\u003c`).Replace(livePayload),
	"a byte of 0x7f":       strings.Replace(livePayload, "jwt_", "jwt\x7f", 1),
}

// offTheScansPath are payloads that scan leaves to decode, whatever that says.
var offTheScansPath = map[string]string{
	"nothing":                    "",
	"an empty object":            "{}",
	"white space":                " " + livePayload,
	"white space behind":         livePayload + "\n",
	"two objects":                livePayload + livePayload,
	"cut off":                    livePayload[:len(livePayload)-1],
	"cut off in a string":        livePayload[:len(livePayload)-5],
	"aud of its own":             strings.Replace(livePayload, `"aud":""`, `"aud":"x"`, 1),
	"no aud":                     strings.Replace(livePayload, `"aud":"",`, "", 1),
	"a member more":              strings.Replace(livePayload, "}", `,"x":1}`, 1),
	"a member twice":             strings.Replace(livePayload, "}", `,"sub":""}`, 1),
	"a name in capitals":         strings.Replace(livePayload, `"exp"`, `"EXP"`, 1),
	"an escaped quotation mark":  strings.Replace(livePayload, "jwt_", `jwt\"`, 1),
	"an escaped backslash":       strings.Replace(livePayload, "jwt_", `jwt\\`, 1),
	"an escaped backslash, last": strings.Replace(livePayload, `RQnK"`, `RQnK\\"`, 1),
	"an escape in capitals":      strings.Replace(livePayload, `\u003c`, `\u003C`, 1),
	"an escape of another kind":  strings.Replace(livePayload, `\u0026`, `\u0027`, 1),
	"an escape cut off":          strings.Replace(livePayload, `\u003e`, `\u003`, 1),
	"half a surrogate pair":      strings.Replace(livePayload, `\u0026`, `\ud800`, 1),
	"letters beyond ASCII":       strings.Replace(livePayload, "jwt_", "é", 1),
	"bytes beyond UTF-8":         strings.Replace(livePayload, "jwt_", "\xff", 1),
	"a control byte":             strings.Replace(livePayload, "jwt_", "\x1f", 1),
	"a NUL":                      strings.Replace(livePayload, "jwt_", "\x00", 1),
	"exp with a fraction":        strings.Replace(livePayload, "1783794655", "1783794655.5", 1),
	"exp with an exponent":       strings.Replace(livePayload, "1783794655", "1783794655e0", 1),
	"exp with a leading zero":    strings.Replace(livePayload, "1783794655", "01783794655", 1),
	"exp a string":               strings.Replace(livePayload, "1783794655", `"1783794655"`, 1),
	"exp without a number":       strings.Replace(livePayload, "1783794655", "", 1),
	"exp a minus":                strings.Replace(livePayload, "1783794655", "-", 1),
	"exp out of range":           strings.Replace(livePayload, "1783794655", "253402300800", 1),
	"exp of thirteen digits":     strings.Replace(livePayload, "1783794655", "1783794655000", 1),
	"nbf out of range":           strings.Replace(livePayload, "-62135596800", "-62135596801", 1),
	"body too short":             strings.Replace(livePayload, "47DEQ", "7DEQ", 1),
	"body with stray bits":       strings.Replace(livePayload, "uFU=", "uFV=", 1),
	"body with an escape":        strings.Replace(livePayload, "47DEQ", `\u0026DEQ`, 1),
}

func TestScanTakesWhatQStashWritesAndLeavesTheRest(t *testing.T) {
	for name, payload := range onTheScansPath {
		var c claims
		if !c.scan([]byte(payload)) {
			t.Errorf("%s: left to decode", name)
		}
		agree(t, []byte(payload))
	}
	for name, payload := range offTheScansPath {
		var c claims
		if c.scan([]byte(payload)) {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzScanAgreesWithTheGeneralDecoder(f *testing.F) {
	for _, payloads := range []map[string]string{onTheScansPath, offTheScansPath} {
		for _, payload := range payloads {
			f.Add([]byte(payload))
		}
	}
	f.Fuzz(agree)
}

// agree holds what scan reads against what decode reads. Where scan takes
// nothing, it must have left the payload as it was.
func agree(t *testing.T, payload []byte) {
	before := bytes.Clone(payload)
	var scanned, decoded claims
	taken := scanned.scan(payload)
	if !bytes.Equal(payload, before) {
		t.Fatalf("scan changed %q to %q", before, payload)
	}
	if !taken {
		return
	}
	if err := decoded.decode(payload); err != nil {
		t.Fatalf("scan takes %q; decode says: %v", payload, err)
	}
	if !bytes.Equal(scanned.issuer, decoded.issuer) || !bytes.Equal(scanned.subject, decoded.subject) ||
		!bytes.Equal(scanned.id, decoded.id) || scanned.body != decoded.body || scanned.expires != decoded.expires ||
		scanned.notBefore != decoded.notBefore || scanned.issuedAt != decoded.issuedAt || scanned.has != decoded.has {
		t.Errorf("%q\nscan   %+v\ndecode %+v", payload, scanned, decoded)
	}
}

// encoding/base64 is the oracle, held to one spelling by encoding again.
func FuzzDecodeAgreesWithEncodingBase64(f *testing.F) {
	for size := range 40 {
		f.Add(bytes.Repeat([]byte("-_9z"), size)[:size])
		f.Add([]byte(base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, size))))
	}
	for _, s := range []string{"AA==", "AB", "AAB", "A\nAA", "AA\r\n", "+/AA", "AAA=", "\x80AAA", "AAAA AAAA"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, segment []byte) {
		const before = "before"
		got, err := decode([]byte(before), segment)
		want, wantErr := base64.RawURLEncoding.DecodeString(string(segment))
		canonical := wantErr == nil && base64.RawURLEncoding.EncodeToString(want) == string(segment)
		if (err == nil) != canonical {
			t.Fatalf("%q: got error %v; canonical: %v", segment, err, canonical)
		}
		if err == nil && string(got) != before+string(want) {
			t.Errorf("%q: got %q, want %q", segment, got, before+string(want))
		}
	})
}

// Every last letter of every length, because that is where the spellings are.
func TestDecodeTakesOneSpellingOfEachByte(t *testing.T) {
	for size := range 20 {
		encoded := []byte(base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xa7}, size)))
		for place := range encoded {
			for c := range 256 {
				spelled := bytes.Clone(encoded)
				spelled[place] = byte(c)
				want, err := base64.RawURLEncoding.DecodeString(string(spelled))
				canonical := err == nil && base64.RawURLEncoding.EncodeToString(want) == string(spelled)
				got, err := decode(nil, spelled)
				if (err == nil) != canonical || canonical && !bytes.Equal(got, want) {
					t.Errorf("%q: got %q and %v, want %q", spelled, got, err, want)
				}
			}
		}
	}
}

func TestPrintableSeesEveryByteAtEveryPlace(t *testing.T) {
	for size := range 25 {
		for place := range size {
			for c := range 256 {
				text := bytes.Repeat([]byte(" "), size)
				text[place] = byte(c)
				if got, want := printable(text), c >= ' ' && c < 0x80; got != want {
					t.Errorf("byte %#x at %d of %d: got %v, want %v", c, place, size, got, want)
				}
			}
		}
	}
}
