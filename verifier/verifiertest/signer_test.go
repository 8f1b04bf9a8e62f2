package verifiertest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

const hook = "https://hooks.example.com/orders?a=1&b=2"

func newVerifier(t *testing.T, signer *verifiertest.Signer) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(signer.Ring(), verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEachSignerIsAnAccountOfItsOwn(t *testing.T) {
	one, other := verifiertest.NewSigner(), verifiertest.NewSigner()
	_, err := newVerifier(t, one).VerifyToken(t.Context(), other.Sign(hook, nil), hook, "")
	if !errors.Is(err, verifier.ErrSignature) {
		t.Errorf("got %v, want %v", err, verifier.ErrSignature)
	}
}

func TestRollMovesTheNextKeyUpAndPutsANewOneBehindIt(t *testing.T) {
	signer := verifiertest.NewSigner()
	before, _ := signer.Keys(t.Context())
	signer.Roll()
	after, err := signer.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !after.Current.Equal(before.Next) {
		t.Errorf("got current %v, want what was next, %v", after.Current, before.Next)
	}
	if after.Next.Equal(before.Current) || after.Next.Equal(before.Next) {
		t.Errorf("got next %v, want a new key", after.Next)
	}
	if after.Version <= before.Version {
		t.Errorf("got version %d after %d", after.Version, before.Version)
	}
}

func TestKeysEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	keys, err := verifiertest.NewSigner().Keys(ctx)
	if !errors.Is(err, context.Canceled) || !keys.Current.IsZero() {
		t.Errorf("got %v and %v, want %v", keys, err, context.Canceled)
	}
}

func TestEditsChangeOneThingOfATokenEach(t *testing.T) {
	signer := verifiertest.NewSigner()
	keys, _ := signer.Keys(t.Context())
	v := newVerifier(t, signer)
	for name, test := range map[string]struct {
		edit verifiertest.Edit
		want error
	}{
		"the next key":  {verifiertest.With(keys.Next), nil},
		"another key":   {verifiertest.With(verifiertest.NewKey()), verifier.ErrSignature},
		"another claim": {verifiertest.Claim("iss", "evil"), verifier.ErrIssuer},
		"no claim":      {verifiertest.Without("exp"), verifier.ErrClaims},
		"an old one":    {verifiertest.Claim("exp", time.Now().Add(-time.Minute).Unix()), verifier.ErrExpired},
		"a header":      {func(d *verifiertest.Draft) { d.Header["alg"] = "none" }, verifier.ErrAlgorithm},
		"an extra":      {verifiertest.Claim("x", map[string]any{"y": []int{1}}), nil},
	} {
		_, err := v.VerifyToken(t.Context(), signer.Sign(hook, nil, test.edit), hook, "")
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

func TestRequestIsWhatAServerReceives(t *testing.T) {
	signer := verifiertest.NewSigner()
	v := newVerifier(t, signer)
	for url, target := range map[string]string{
		"https://h.example":                       "/",
		"https://h.example/":                      "/",
		"https://h.example?a=1":                   "/?a=1",
		"https://h.example:8443/a%2Fb/../c?x=1;y": "/a%2Fb/../c?x=1;y",
		"http://127.0.0.1:8080//a?b=%zz":          "//a?b=%zz",
	} {
		r := signer.Request(url, []byte("hello"))
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "hello" || r.ContentLength != 5 {
			t.Errorf("%s: got body %q of length %d (%v)", url, body, r.ContentLength, err)
		}
		if r.Method != http.MethodPost || r.RequestURI != target {
			t.Errorf("%s: got %s %s, want POST %s", url, r.Method, r.RequestURI, target)
		}
		if !strings.HasPrefix(strings.SplitN(url, "://", 2)[1], r.Host) || r.Host == "" {
			t.Errorf("%s: got host %q", url, r.Host)
		}
		origin := url[:strings.Index(url, "://")+3] + r.Host
		_, err = v.Verify(t.Context(), verifier.Request{
			Signature: r.Header.Get("Upstash-Signature"), Destination: origin + r.RequestURI, Body: body,
		})
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestSignerIsSafeForConcurrentUse(t *testing.T) {
	signer := verifiertest.NewSigner()
	v := newVerifier(t, signer)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				_, _ = v.VerifyToken(t.Context(), signer.Sign(hook, nil), hook, "")
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			signer.Roll()
		}
	})
	wg.Wait()
	if _, err := v.VerifyToken(t.Context(), signer.Sign(hook, nil), hook, string(keystore.DefaultRegion)); err != nil {
		t.Errorf("after the rolls: %v", err)
	}
}
