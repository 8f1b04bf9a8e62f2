package verifier_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
)

// A trick is one delivery that somebody could make, and what becomes of it.
type trick struct {
	name string
	verifier.Request
	want error // nil: it is odd, and legal
}

// hostile holds the tricks that are refused, by kind.
var hostile = map[string][]trick{
	"structure":    brokenStructures(),
	"spelling":     secondSpellings(),
	"headers":      badHeaders(),
	"keys":         wrongKeys(),
	"signatures":   wrongMACs(),
	"sizes":        excesses(),
	"objects":      brokenObjects(),
	"members":      twinMembers(),
	"types":        wrongTypes(),
	"numbers":      wrongNumbers(),
	"times":        wrongTimes(),
	"text":         brokenText(),
	"issuers":      wrongIssuers(),
	"destinations": wrongDestinations(),
	"bodies":       wrongBodies(),
}

// legal holds what looks like a trick and is none.
var legal = map[string][]trick{
	"headers":      oddHeaders(),
	"claims":       oddClaims(),
	"destinations": oddDestinations(),
	"sizes":        fullSizes(),
}

// The world that every trick is played in.
const (
	clock       = 1783794400 // the time, in Unix seconds
	destination = "https://hooks.example.com/orders/a%2Fb?a=1&b=2"
	body        = "{\"order\": 7}\n"
	usualHeader = `{"alg":"HS256","typ":"JWT"}`

	currentSecret = "sig_hostileTestsCurrentKey0000001"
	nextSecret    = "sig_hostileTestsNextKey0000000002"
)

var (
	currentKey = mustKey(currentSecret)
	nextKey    = mustKey(nextSecret)
)

func mustKey(secret string) keystore.Key {
	key, err := keystore.NewKey(secret)
	if err != nil {
		panic(err)
	}
	return key
}

// member is one member of a JSON object, its value as it is written.
type member struct{ name, value string }

// payload writes the claims of a good token, with the edits applied.
func payload(edits ...func([]member) []member) string {
	hash := sha256.Sum256([]byte(body))
	members := []member{
		{"aud", `""`},
		{"body", `"` + base64.URLEncoding.EncodeToString(hash[:]) + `"`},
		{"exp", "1783794655"},
		{"iat", "1783794355"},
		{"iss", `"Upstash"`},
		{"jti", `"jwt_7wdAGvUyHZp1RQnK"`},
		{"nbf", "-62135596800"},
		{"sub", `"` + destination + `"`},
	}
	for _, edit := range edits {
		members = edit(members)
	}
	var b strings.Builder
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s":%s`, m.name, m.value)
	}
	return "{" + b.String() + "}"
}

// set gives a member another value, or adds it at the end.
func set(name, value string) func([]member) []member {
	return func(members []member) []member {
		for i := range members {
			if members[i].name == name {
				members[i].value = value
				return members
			}
		}
		return append(members, member{name, value})
	}
}

// add puts a member at the end, though there may be one of that name.
func add(name, value string) func([]member) []member {
	return func(members []member) []member { return append(members, member{name, value}) }
}

func without(name string) func([]member) []member {
	return func(members []member) []member {
		return slices.DeleteFunc(members, func(m member) bool { return m.name == name })
	}
}

// renamed spells the name of a member in another way.
func renamed(name, other string) func([]member) []member {
	return func(members []member) []member {
		for i := range members {
			if members[i].name == name {
				members[i].name = other
			}
		}
		return members
	}
}

// sealed is the token that the holder of the current key makes of a header and a
// payload.
func sealed(header, payload string) string { return compact(currentKey, header, payload) }

// sealedSegments signs segments that are encoded already, well or badly.
func sealedSegments(header, payload string) string {
	input := header + "." + payload
	return input + "." + base64.RawURLEncoding.EncodeToString(currentKey.Sign([]byte(input)))
}

func encoded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// delivery is a delivery of the usual body to the usual place.
func delivery(signature string) verifier.Request {
	return verifier.Request{Signature: signature, Destination: destination, Body: []byte(body)}
}

// tricks makes one trick of each signature, all with one fate.
func tricks(want error, signatures ...[2]string) []trick {
	var all []trick
	for _, s := range signatures {
		all = append(all, trick{s[0], delivery(s[1]), want})
	}
	return all
}

// claimTricks makes one trick of each payload, signed with the true key.
func claimTricks(want error, payloads ...[2]string) []trick {
	var all []trick
	for _, p := range payloads {
		all = append(all, trick{p[0], delivery(sealed(usualHeader, p[1])), want})
	}
	return all
}

// hostileVerifier judges tricks at their time. Its store has answered, and is not
// asked again while the test runs.
func hostileVerifier(t testing.TB) *verifier.Verifier {
	t.Helper()
	store, err := keystore.Static(currentSecret, nextSecret)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keystore.NewRing(store, keystore.RingConfig{
		MaxAge: time.Hour, MinInterval: time.Hour, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{Now: func() time.Time { return time.Unix(clock, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The tricks only prove something if the delivery that they change is accepted.
func TestTheDeliveryThatTheTricksChangeIsAccepted(t *testing.T) {
	if _, err := hostileVerifier(t).Verify(t.Context(), delivery(sealed(usualHeader, payload()))); err != nil {
		t.Fatal(err)
	}
}

func TestEveryTrickIsRefusedForItsReason(t *testing.T) {
	v := hostileVerifier(t)
	rows := 0
	for kind, tricks := range hostile {
		names := make(map[string]bool)
		for _, trick := range tricks {
			rows++
			if names[trick.name] {
				t.Errorf("%s: two rows are named %q", kind, trick.name)
			}
			names[trick.name] = true
			t.Run(kind+"/"+trick.name, func(t *testing.T) {
				token, err := v.Verify(t.Context(), trick.Request)
				if token != nil {
					t.Errorf("got a token beside the error %v", err)
				}
				for _, reason := range reasons {
					if got, want := errors.Is(err, reason), reason == trick.want; got != want {
						t.Errorf("got %v, want %v alone", err, trick.want)
					}
				}
			})
		}
	}
	if rows < 250 {
		t.Errorf("got %d rows, want 250 at least", rows)
	}
}

// reasons are all that this package tells apart.
var reasons = []error{
	verifier.ErrMissing, verifier.ErrMalformed, verifier.ErrAlgorithm, verifier.ErrSignature, verifier.ErrUndecided,
	verifier.ErrClaims, verifier.ErrIssuer, verifier.ErrDestination, verifier.ErrExpired, verifier.ErrNotYetValid, verifier.ErrBody,
}

func TestWhatIsOddAndLegalIsAccepted(t *testing.T) {
	v := hostileVerifier(t)
	for kind, tricks := range legal {
		for _, trick := range tricks {
			t.Run(kind+"/"+trick.name, func(t *testing.T) {
				if _, err := v.Verify(t.Context(), trick.Request); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestEveryFlippedBitOfASignatureIsAForgery(t *testing.T) {
	v := hostileVerifier(t)
	input := encoded(usualHeader) + "." + encoded(payload())
	mac := currentKey.Sign([]byte(input))
	for bit := range 8 * len(mac) {
		mac[bit/8] ^= 1 << (bit % 8)
		_, err := v.Verify(t.Context(), delivery(input+"."+base64.RawURLEncoding.EncodeToString(mac)))
		if !errors.Is(err, verifier.ErrSignature) {
			t.Errorf("bit %d: got %v, want %v", bit, err, verifier.ErrSignature)
		}
		mac[bit/8] ^= 1 << (bit % 8)
	}
}

// A verifier that is kept busy with refusals uses again what it has, so that what
// it allocates for one is a small multiple of the largest token that it reads.
func TestARefusalCostsNoMemoryBeyondTheSizeOfAToken(t *testing.T) {
	const limit = 3 * 16 << 10
	v := hostileVerifier(t)
	for kind, tricks := range hostile {
		for _, trick := range tricks {
			if got := allocated(func() { _, _ = v.Verify(t.Context(), trick.Request) }); got > limit {
				t.Errorf("%s/%s: got %d bytes allocated, want %d at most", kind, trick.name, got, limit)
			}
		}
	}
}

// allocated returns the bytes that f allocates, as little as it is in some runs.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 5 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
