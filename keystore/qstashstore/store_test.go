package qstashstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stashring/stashring/internal/qstashtest"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/qstashstore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func start(t *testing.T) (*qstashtest.Server, *qstashstore.Store) {
	t.Helper()
	server := qstashtest.Start(verifiertest.NewSigner())
	t.Cleanup(server.Close)
	store, err := qstashstore.New(qstashstore.Config{URL: server.URL, Token: server.Token})
	if err != nil {
		t.Fatal(err)
	}
	return server, store
}

func TestKeysAreTheAccountsBeforeAndAfterARoll(t *testing.T) {
	server, store := start(t)
	before, err := store.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, _ := server.Account.Keys(t.Context())
	if !before.SameKeys(want) {
		t.Errorf("got %v, want %v", before, want)
	}
	rolled, err := store.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !rolled.Current.Equal(before.Next) || rolled.Next.Equal(before.Next) {
		t.Errorf("got %v after %v, want the next key to be current", rolled, before)
	}
	after, err := store.Keys(t.Context())
	if err != nil || !after.SameKeys(rolled) {
		t.Errorf("got %v and %v, want %v", after, err, rolled)
	}
}

func TestARingOverQStashNeedsNoOtherStore(t *testing.T) {
	server, store := start(t)
	ring, err := keystore.NewRing(store, keystore.RingConfig{MinInterval: 1})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for rolls := range 3 {
		for range rolls {
			server.Account.Roll()
		}
		signature := server.Account.Sign("https://h.example/", nil)
		if _, err := v.Verify(t.Context(), verifier.Request{Signature: signature, Destination: "https://h.example/"}); err != nil {
			t.Errorf("after %d rolls at once: %v", rolls, err)
		}
	}
}

func TestFailuresHaveTheClassOfTheirCauseAndRepeatNothing(t *testing.T) {
	const secret = "sig_thisMustNotShow0123456789abcdef"
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { http.Error(w, secret, code); return true }
	}
	document := func(text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, text); return true }
	}
	for _, test := range []struct {
		name string
		fail func(http.ResponseWriter, *http.Request) bool
		want error // nil: any
	}{
		{"401", status(401), keystore.ErrDenied},
		{"403", status(403), keystore.ErrDenied},
		{"404", status(404), keystore.ErrNotFound},
		{"429", status(429), keystore.ErrThrottled},
		{"500", status(500), nil},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/v2/keys", http.StatusFound)
			return true
		}, nil},
		{"garbage", document(secret), keystore.ErrInvalidKey},
		{"nothing", document(""), keystore.ErrInvalidKey},
		{"one key", document(`{"current":"` + secret + `"}`), keystore.ErrInvalidKey},
		{"a key that is none", document(`{"current":"` + secret + `","next":"sig_"}`), keystore.ErrInvalidKey},
		{"too much", document(`{"current":"` + secret + `","next":"` + strings.Repeat("x", 20<<10) + `"}`), keystore.ErrInvalidKey},
		{"a connection that ends", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, store := start(t)
			server.FailWith(test.fail)
			keys, err := store.Keys(t.Context())
			if err == nil || test.want != nil && !errors.Is(err, test.want) || keys.Validate() == nil {
				t.Errorf("got %v and %v, want %v", keys, err, test.want)
			}
			if strings.Contains(fmt.Sprint(err), secret[4:]) || strings.Contains(fmt.Sprintf("%+v %#v", store, store), server.Token) {
				t.Error("a secret shows")
			}
		})
	}
}

func TestAnUnknownFieldInTheAnswerIsLeftAlone(t *testing.T) {
	server, store := start(t)
	server.FailWith(func(w http.ResponseWriter, r *http.Request) bool {
		fmt.Fprintf(w, `{"current":%q,"next":%q,"rotatedAt":1}`, verifiertest.NewKey().Reveal(), verifiertest.NewKey().Reveal())
		return true
	})
	if keys, err := store.Keys(t.Context()); err != nil || keys.Validate() != nil {
		t.Errorf("got %v and %v, want both keys", keys, err)
	}
}

func TestAContextThatEndsEndsTheCall(t *testing.T) {
	_, store := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Keys(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
}

func TestConfigurationThatCanNotBeNamesItsField(t *testing.T) {
	for name, cfg := range map[string]qstashstore.Config{
		"no token":             {},
		"a token with a break": {Token: "abc\n"},
		"no scheme":            {Token: "abc", URL: "qstash.upstash.io"},
		"a user":               {Token: "abc", URL: "https://u:p@h"},
	} {
		if store, err := qstashstore.New(cfg); err == nil || store != nil {
			t.Errorf("%s: got %v and %v, want an error", name, store, err)
		}
	}
	t.Setenv("QSTASH_TOKEN", "")
	if _, err := qstashstore.FromEnv(keystore.DefaultRegion); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("got %v, want to hear that QSTASH_TOKEN is not set", err)
	}
	t.Setenv("US_EAST_1_QSTASH_TOKEN", "abc")
	if _, err := qstashstore.FromEnv("US_EAST_1"); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("got %v, want to hear that US_EAST_1_QSTASH_URL is not set", err)
	}
}
