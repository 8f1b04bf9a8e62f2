package verifier_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

const hook = "https://hooks.example.com/qstash?tenant=7&retry=a%2Fb"

func newVerifier(t testing.TB, signer *verifiertest.Signer, cfg verifier.Config) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(signer.Ring(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLiveTokensVerifyUnderEitherKeyInEveryFormSeen(t *testing.T) {
	large := make([]byte, 10<<20)
	_, _ = rand.Read(large)
	bodies := map[string][]byte{
		"empty":  nil,
		"text":   []byte(`{"hello":"world"}`),
		"binary": {0, 0xff, 0xfe, '\r', '\n', 0},
		"10 MiB": large,
	}
	now := time.Now()
	signer := verifiertest.NewSigner()
	keys, _ := signer.Keys(t.Context())
	v := newVerifier(t, signer, verifier.Config{})
	for bodyName, body := range bodies {
		hash := sha256.Sum256(body)
		for slot, key := range map[keystore.Slot]keystore.Key{keystore.SlotCurrent: keys.Current, keystore.SlotNext: keys.Next} {
			for encodingName, encoding := range map[string]*base64.Encoding{"padded": base64.URLEncoding, "unpadded": base64.RawURLEncoding} {
				for nbfName, nbf := range map[string]int64{"-62135596800": -62135596800, "0": 0, "iat": now.Unix()} {
					t.Run(bodyName+"/"+slot.String()+"/"+encodingName+"/nbf "+nbfName, func(t *testing.T) {
						signature := signer.Sign(hook, body, verifiertest.With(key), verifiertest.Claim("nbf", nbf),
							verifiertest.Claim("body", encoding.EncodeToString(hash[:])))
						token, err := v.Verify(t.Context(), verifier.Request{Signature: signature, Destination: hook, Body: body})
						if err != nil {
							t.Fatal(err)
						}
						if token.Slot != slot || token.Key != key.Fingerprint() || token.Destination != hook || token.ID == "" {
							t.Errorf("got %+v, want the %v key %v and destination %q", token, slot, key, hook)
						}
						if got := token.NotBefore.Unix(); got != nbf {
							t.Errorf("got nbf %d, want %d", got, nbf)
						}
					})
				}
			}
		}
	}
}

// The claims of a delivery captured in July 2026, to the letter.
func TestCapturedPayloadVerifiesToTheLetter(t *testing.T) {
	payload := `{"aud":"","body":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=","exp":1783794655,"iat":1783794355,"iss":"Upstash","jti":"jwt_7wdAGvUyHZp1RQnK","nbf":-62135596800,"sub":"https://hooks.example.com/a?b=1\u0026c=2"}`
	signer := verifiertest.NewSigner()
	keys, _ := signer.Keys(t.Context())
	v := newVerifier(t, signer, verifier.Config{Now: func() time.Time { return time.Unix(1783794400, 0) }})
	signature := compact(keys.Current, `{"alg":"HS256","typ":"JWT"}`, payload)
	token, err := v.Verify(t.Context(), verifier.Request{Signature: signature, Destination: "https://hooks.example.com/a?b=1&c=2"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := token.ID, "jwt_7wdAGvUyHZp1RQnK"; got != want {
		t.Errorf("got jti %q, want %q", got, want)
	}
	if got, want := token.ExpiresAt, time.Unix(1783794655, 0).UTC(); got != want {
		t.Errorf("got exp %v, want %v", got, want)
	}
	if got, want := token.IssuedAt, time.Unix(1783794355, 0).UTC(); got != want {
		t.Errorf("got iat %v, want %v", got, want)
	}
}

// compact signs a header and a payload as they are.
func compact(key keystore.Key, header, payload string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return input + "." + base64.RawURLEncoding.EncodeToString(key.Sign([]byte(input)))
}

func TestSignerWritesTheExactFormOfALiveToken(t *testing.T) {
	signer := verifiertest.NewSigner()
	signer.Now = func() time.Time { return time.Unix(1783794355, 0) }
	signature := signer.Sign("https://h.example/?a=1&b", nil, verifiertest.Claim("jti", "jwt_x"))
	segments := bytes.Split([]byte(signature), []byte("."))
	if got, want := string(segments[0]), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"; got != want {
		t.Errorf("got header %s, want %s", got, want)
	}
	payload, err := base64.RawURLEncoding.DecodeString(string(segments[1]))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"aud":"","body":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=","exp":1783794655,"iat":1783794355,"iss":"Upstash","jti":"jwt_x","nbf":-62135596800,"sub":"https://h.example/?a=1\u0026b"}`
	if got := string(payload); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDeliveriesVerifyAcrossTwoRollsWithoutARestart(t *testing.T) {
	signer := verifiertest.NewSigner()
	v := newVerifier(t, signer, verifier.Config{})
	for rolls := range 3 {
		for range rolls {
			signer.Roll()
		}
		if _, err := v.Verify(t.Context(), verifier.Request{Signature: signer.Sign(hook, nil), Destination: hook}); err != nil {
			t.Errorf("after %d rolls at once: %v", rolls, err)
		}
	}
}

func TestAnOutageIsUndecidedAndNeverAForgery(t *testing.T) {
	signer := verifiertest.NewSigner()
	down := errors.New("store is down")
	ring, err := keystore.NewRing(keystore.KeyProviderFunc(func(context.Context) (keystore.KeySet, error) {
		return keystore.KeySet{}, down
	}), keystore.RingConfig{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), verifier.Request{Signature: signer.Sign(hook, nil), Destination: hook})
	if !errors.Is(err, verifier.ErrUndecided) || !errors.Is(err, down) || errors.Is(err, verifier.ErrSignature) {
		t.Errorf("got %v, want undecided because the store is down", err)
	}
	if unavailable, ok := errors.AsType[*keystore.UnavailableError](err); !ok || unavailable.RetryAfter <= 0 {
		t.Errorf("got %v, want to hear when to retry", err)
	}
}

func TestAnEmptyPathAndARootPathAreOneDestination(t *testing.T) {
	signer := verifiertest.NewSigner()
	v := newVerifier(t, signer, verifier.Config{})
	same := [][2]string{
		{"https://h.example", "https://h.example/"},
		{"https://h.example?a=1", "https://h.example/?a=1"},
		{"https://h.example:8443", "https://h.example:8443/"},
	}
	for _, pair := range same {
		for _, d := range [][2]string{pair, {pair[1], pair[0]}} {
			token, err := v.Verify(t.Context(), verifier.Request{Signature: signer.Sign(d[0], nil), Destination: d[1]})
			if err != nil {
				t.Errorf("signed for %s, arrived at %s: %v", d[0], d[1], err)
			} else if token.Destination != d[0] {
				t.Errorf("got destination %s, want %s as it was signed", token.Destination, d[0])
			}
		}
	}
}

func TestReasonsAreThoseOfGolangJWTToo(t *testing.T) {
	for reason, want := range map[error]error{
		verifier.ErrMalformed:   jwt.ErrTokenMalformed,
		verifier.ErrSignature:   jwt.ErrTokenSignatureInvalid,
		verifier.ErrIssuer:      jwt.ErrTokenInvalidIssuer,
		verifier.ErrDestination: jwt.ErrTokenInvalidSubject,
		verifier.ErrExpired:     jwt.ErrTokenExpired,
		verifier.ErrNotYetValid: jwt.ErrTokenNotValidYet,
		verifier.ErrClaims:      jwt.ErrTokenInvalidClaims,
	} {
		if !errors.Is(reason, want) {
			t.Errorf("%v is not %v", reason, want)
		}
	}
}

func TestExpiryIsTheFirstSecondThatIsRefusedAndLeewayMovesIt(t *testing.T) {
	signer := verifiertest.NewSigner()
	signer.Now = func() time.Time { return time.Unix(1_000_000, 0) } // so exp is 1_000_300
	for _, test := range []struct {
		now    time.Time
		leeway time.Duration
		want   error
	}{
		{time.Unix(1_000_299, 999_999_999), 0, nil},
		{time.Unix(1_000_300, 0), 0, verifier.ErrExpired},
		{time.Unix(1_000_359, 999_999_999), time.Minute, nil},
		{time.Unix(1_000_360, 0), time.Minute, verifier.ErrExpired},
		{time.Unix(999_900, 0), 0, verifier.ErrNotYetValid},
		{time.Unix(999_900, 0), 100 * time.Second, nil},
		{time.Unix(999_900, 0), 99 * time.Second, verifier.ErrNotYetValid},
	} {
		v := newVerifier(t, signer, verifier.Config{Leeway: test.leeway, Now: func() time.Time { return test.now }})
		signature := signer.Sign(hook, nil, verifiertest.Claim("nbf", 1_000_000))
		_, err := v.Verify(t.Context(), verifier.Request{Signature: signature, Destination: hook})
		if !errors.Is(err, test.want) {
			t.Errorf("at %d with leeway %v: got %v, want %v", test.now.Unix(), test.leeway, err, test.want)
		}
	}
}

func TestConfigurationThatCanNotBeIsRefusedAtTheStart(t *testing.T) {
	ring := verifiertest.NewSigner().Ring()
	for name, build := range map[string]func() (*verifier.Verifier, error){
		"no ring":         func() (*verifier.Verifier, error) { return verifier.New(nil, verifier.Config{}) },
		"negative leeway": func() (*verifier.Verifier, error) { return verifier.New(ring, verifier.Config{Leeway: -1}) },
		"leeway over 5m": func() (*verifier.Verifier, error) {
			return verifier.New(ring, verifier.Config{Leeway: verifier.MaxLeeway + 1})
		},
	} {
		if v, err := build(); err == nil || v != nil {
			t.Errorf("%s: got %v and %v, want an error", name, v, err)
		}
	}
}
