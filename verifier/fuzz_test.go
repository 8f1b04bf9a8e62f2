package verifier_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// Whatever is accepted here, golang-jwt accepts too: a verifier that is stricter
// than it may be wrong, and one that isn't is. The fuzzer writes header and
// payload, and the true key signs them, so that what is behind the signature is
// reached. Where spelled is set it writes the encoded segments.
func FuzzVerifyTokenAgainstGolangJWT(f *testing.F) {
	for _, table := range []map[string][]trick{hostile, legal} {
		for _, tricks := range table {
			for _, trick := range tricks {
				segments := strings.Split(trick.Signature, ".")
				if len(segments) != 3 || len(trick.Signature) > 4096 {
					continue
				}
				header, err := base64.RawURLEncoding.DecodeString(segments[0])
				payload, err2 := base64.RawURLEncoding.DecodeString(segments[1])
				if err == nil && err2 == nil {
					f.Add(header, payload, false)
				} else {
					f.Add([]byte(segments[0]), []byte(segments[1]), true)
				}
			}
		}
	}
	v := anywhereVerifier(f)
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("Upstash"), jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(func() time.Time { return time.Unix(clock, 0) }))
	key := func(*jwt.Token) (any, error) { return []byte(currentSecret), nil }

	f.Fuzz(func(t *testing.T, header, payload []byte, spelled bool) {
		signature := sealedSegments(string(header), string(payload))
		if !spelled {
			signature = sealed(string(header), string(payload))
		}
		token, err := v.VerifyToken(t.Context(), signature, "", "")
		if err != nil {
			hasReason(t, err)
			return
		}
		claims := jwt.MapClaims{}
		if _, err := parser.ParseWithClaims(signature, claims, key); err != nil {
			t.Fatalf("accepted, and golang-jwt says: %v\nheader  %q\npayload %q", err, header, payload)
		}
		if got, want := token.Destination, claims["sub"]; got != want {
			t.Errorf("got destination %q, golang-jwt has %q", got, want)
		}
		if want, _ := claims.GetExpirationTime(); !token.ExpiresAt.Equal(want.Time) {
			t.Errorf("got expiry %v, golang-jwt has %v", token.ExpiresAt, want)
		}
		if id, ok := claims["jti"]; ok && token.ID != id {
			t.Errorf("got id %q, golang-jwt has %q", token.ID, id)
		}
	})
}

// anywhereVerifier is hostileVerifier for tokens with any destination.
func anywhereVerifier(t testing.TB) *verifier.Verifier {
	t.Helper()
	store, err := keystore.Static(currentSecret, nextSecret)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keystore.NewRing(store, keystore.RingConfig{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{InsecureSkipDestination: true, Now: func() time.Time { return time.Unix(clock, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// hasReason fails the test unless err is exactly one of the reasons.
func hasReason(t *testing.T, err error) {
	t.Helper()
	reasonsFound := 0
	for _, reason := range reasons {
		if errors.Is(err, reason) {
			reasonsFound++
		}
	}
	if reasonsFound != 1 {
		t.Errorf("%v has %d reasons, want 1", err, reasonsFound)
	}
}

// What is accepted of any bytes has a signature that a key made of them. (Some of
// what the fuzzer starts from is signed, and a byte away from good.)
func FuzzNothingIsAcceptedThatNoKeySigned(f *testing.F) {
	for _, tricks := range hostile {
		for _, trick := range tricks {
			if len(trick.Signature) < 4096 {
				f.Add(trick.Signature)
			}
		}
	}
	f.Add(sealed(usualHeader, payload()))
	v := hostileVerifier(f)
	f.Fuzz(func(t *testing.T, signature string) {
		_, err := v.VerifyToken(t.Context(), signature, destination, "")
		if err != nil {
			hasReason(t, err)
			return
		}
		dot := strings.LastIndexByte(signature, '.')
		input, mac := signature[:dot], signature[dot+1:]
		if mac != macOf(sha256.New, currentSecret, input) && mac != macOf(sha256.New, nextSecret, input) {
			t.Fatalf("accepted %q", signature)
		}
	})
}

// Whatever the Signer signs is accepted while it is valid, with the body that it
// was signed with and with no other.
func FuzzSignerIsAccepted(f *testing.F) {
	f.Add(hook, []byte("hello"), "jwt_x", int64(0), int64(-62135596800), true, false)
	f.Add("https://h.example", []byte{}, "", int64(299), int64(0), false, true)
	f.Add("https://h.example/<a>&\"b\"\\\u2028é😀\x00\x7f", []byte{0xff, 0}, "\u2029", int64(17), int64(1783794400), true, true)
	f.Add("https://h.example/?u=https://x", []byte("{}"), `\u0026`, int64(299), int64(-1), false, false)
	signer := verifiertest.NewSigner()
	keys, _ := signer.Keys(f.Context())
	issued := int64(clock)
	signer.Now = func() time.Time { return time.Unix(clock, 0) }
	ring := signer.Ring()
	var age int64
	v, err := verifier.New(ring, verifier.Config{Now: func() time.Time { return time.Unix(issued+age, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, url string, body []byte, id string, old, notBefore int64, padded, next bool) {
		if url == "" || !utf8.ValidString(url) || !utf8.ValidString(id) || len(url)+len(id) > 1800 {
			return // json.Marshal has no form for it, or the token may be too large for a header
		}
		age = ((old % 300) + 300) % 300
		key := keys.Current
		if next {
			key = keys.Next
		}
		edits := []verifiertest.Edit{verifiertest.With(key), verifiertest.Claim("jti", id),
			verifiertest.Claim("nbf", max(-62135596800, min(notBefore, issued+age)))}
		if !padded {
			edits = append(edits, func(d *verifiertest.Draft) { d.Claims["body"] = strings.TrimRight(d.Claims["body"].(string), "=") })
		}
		signature := signer.Sign(url, body, edits...)
		token, err := v.Verify(t.Context(), verifier.Request{Signature: signature, Destination: url, Body: body})
		if err != nil {
			t.Fatalf("%v: url %q, id %q, age %d, nbf %d", err, url, id, age, notBefore)
		}
		if token.ID != id || token.Destination != url {
			t.Errorf("got id %q and destination %q, want %q and %q", token.ID, token.Destination, id, url)
		}
		if err := token.CheckBody(append(body, 'x')); !errors.Is(err, verifier.ErrBody) {
			t.Errorf("with another body: got %v, want %v", err, verifier.ErrBody)
		}
		if _, err := v.VerifyToken(t.Context(), signature, url+"x", ""); !errors.Is(err, verifier.ErrDestination) {
			t.Errorf("at another destination: got %v, want %v", err, verifier.ErrDestination)
		}
	})
}
