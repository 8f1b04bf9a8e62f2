package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const public = "https://hooks.example.com"

var quiet = slog.New(slog.DiscardHandler)

// newGuard returns a guard at public with the keys of provider.
func newGuard(t testing.TB, provider keystore.KeyProvider, cfg server.GuardConfig) *server.Guard {
	t.Helper()
	ring, err := keystore.NewRing(provider, keystore.RingConfig{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Verifier, err = verifier.New(ring, verifier.Config{}); err != nil {
		t.Fatal(err)
	}
	if cfg.Destination == nil {
		if cfg.Destination, err = server.At(public); err != nil {
			t.Fatal(err)
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	guard, err := server.NewGuard(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// serve runs h on a loopback socket until the test ends.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// deliver posts body to target at s with this signature, and returns the answer
// with its body read.
func deliver(t testing.TB, s *httptest.Server, target, signature string, body io.Reader, edit ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Upstash-Signature", signature)
	for _, e := range edit {
		e(r)
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// down is a store that can't be asked.
var down = keystore.KeyProviderFunc(func(context.Context) (keystore.KeySet, error) {
	return keystore.KeySet{}, keystore.ErrThrottled
})

// other signs for nobody here.
var other = verifiertest.NewSigner()
