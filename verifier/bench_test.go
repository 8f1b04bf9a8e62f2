package verifier_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// benched is one account, and a delivery of each kind under each of its keys.
type benched struct {
	v          *verifier.Verifier
	keys       keystore.KeySet
	deliveries map[string]verifier.Request // by key: current, next, forged
}

var (
	benchSizes = []struct {
		name  string
		bytes int
	}{{"0B", 0}, {"1KiB", 1 << 10}, {"16KiB", 16 << 10}, {"1MiB", 1 << 20}}
	benchKeys = []string{"current", "next", "forged"}
)

// newBenched makes a delivery with a body of so many bytes. The ring has asked its
// store, and does not ask again.
func newBenched(b testing.TB, size int) *benched {
	b.Helper()
	signer := verifiertest.NewSigner()
	keys, _ := signer.Keys(b.Context())
	ring, err := keystore.NewRing(signer, keystore.RingConfig{
		MaxAge: time.Hour, MinInterval: time.Hour, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		b.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), size)
	deliveries := make(map[string]verifier.Request)
	for name, key := range map[string]keystore.Key{"current": keys.Current, "next": keys.Next, "forged": verifiertest.NewKey()} {
		// As long as a live token lives, which is longer than a benchmark runs.
		signature := signer.Sign(hook, body, verifiertest.With(key), verifiertest.Claim("exp", time.Now().Add(time.Hour).Unix()))
		deliveries[name] = verifier.Request{Signature: signature, Destination: hook, Body: body}
	}
	// The first match with the next key lets the ring look for a roll. It is over
	// before anything is measured.
	if _, err := v.Verify(b.Context(), deliveries["next"]); err != nil {
		b.Fatal(err)
	}
	if err := ring.Wait(b.Context()); err != nil {
		b.Fatal(err)
	}
	return &benched{v, keys, deliveries}
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range benchSizes {
		delivered := newBenched(b, size.bytes)
		for _, key := range benchKeys {
			req := delivered.deliveries[key]
			b.Run(size.name+"/"+key, func(b *testing.B) {
				ctx := b.Context()
				b.ReportAllocs()
				for b.Loop() {
					if _, err := delivered.v.Verify(ctx, req); (err == nil) == (key == "forged") {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkFloor is what no verifier can do without: one HMAC over the token and
// one hash over the body.
func BenchmarkFloor(b *testing.B) {
	for _, size := range benchSizes {
		delivered := newBenched(b, size.bytes)
		req := delivered.deliveries["current"]
		dot := strings.LastIndexByte(req.Signature, '.')
		input := []byte(req.Signature[:dot])
		want, err := base64.RawURLEncoding.DecodeString(req.Signature[dot+1:])
		if err != nil {
			b.Fatal(err)
		}
		mac := hmac.New(sha256.New, []byte(delivered.keys.Current.Reveal()))
		hash := sha256.Sum256(req.Body)
		var sum [sha256.Size]byte
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mac.Reset()
				mac.Write(input)
				if !hmac.Equal(mac.Sum(sum[:0]), want) || sha256.Sum256(req.Body) != hash {
					b.Fatal("the floor doesn't hold")
				}
			}
		})
	}
}

// BenchmarkGolangJWT is what a careful user of golang-jwt writes.
func BenchmarkGolangJWT(b *testing.B) {
	type delivery struct {
		jwt.RegisteredClaims
		Body string `json:"body"`
	}
	for _, size := range benchSizes {
		delivered := newBenched(b, size.bytes)
		set := jwt.VerificationKeySet{Keys: []jwt.VerificationKey{
			[]byte(delivered.keys.Current.Reveal()), []byte(delivered.keys.Next.Reveal()),
		}}
		keys := func(*jwt.Token) (any, error) { return set, nil }
		options := []jwt.ParserOption{
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("Upstash"), jwt.WithSubject(hook), jwt.WithExpirationRequired(),
		}
		for _, key := range benchKeys {
			req := delivered.deliveries[key]
			b.Run(size.name+"/"+key, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var claims delivery
					_, err := jwt.ParseWithClaims(req.Signature, &claims, keys, options...)
					if (err == nil) == (key == "forged") {
						b.Fatal(err)
					}
					if err != nil {
						continue
					}
					hash := sha256.Sum256(req.Body)
					if strings.TrimRight(claims.Body, "=") != base64.RawURLEncoding.EncodeToString(hash[:]) {
						b.Fatal("the body doesn't match")
					}
				}
			})
		}
	}
}

// BenchmarkVerifyParallel is BenchmarkVerify/1KiB/current on every processor.
func BenchmarkVerifyParallel(b *testing.B) {
	delivered := newBenched(b, 1<<10)
	req := delivered.deliveries["current"]
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := delivered.v.Verify(ctx, req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// What a delivery allocates: its Token and the token's ID, or the error. The
// least of some runs counts, because the race detector empties pools at random.
func TestADeliveryAllocatesItsTokenAndAForgeryItsError(t *testing.T) {
	delivered := newBenched(t, 1<<10)
	for key, want := range map[string]float64{"current": 2, "next": 2, "forged": 1} {
		req := delivered.deliveries[key]
		least := math.Inf(1)
		for range 50 {
			least = min(least, testing.AllocsPerRun(1, func() { _, _ = delivered.v.Verify(t.Context(), req) }))
		}
		if least > want {
			t.Errorf("%s: got %v allocations, want %v", key, least, want)
		}
	}
}
