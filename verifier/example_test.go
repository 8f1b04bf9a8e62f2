package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// A whole delivery is judged in one call.
func ExampleVerifier_Verify() {
	signer := verifiertest.NewSigner() // stands in for QStash
	v, err := verifier.New(signer.Ring(), verifier.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"order":7}`)
	signature := signer.Sign("https://hooks.example.com/orders", body)

	token, err := v.Verify(context.Background(), verifier.Request{
		Signature:   signature,
		Destination: "https://hooks.example.com/orders",
		Body:        body,
	})
	fmt.Println(token.Destination, token.Slot, err)

	_, err = v.Verify(context.Background(), verifier.Request{
		Signature:   signature,
		Destination: "https://hooks.example.com/refunds",
		Body:        body,
	})
	fmt.Println(errors.Is(err, verifier.ErrDestination))
	// Output:
	// https://hooks.example.com/orders current <nil>
	// true
}

// A server that package server doesn't fit judges the headers first, and reads
// the body of those deliveries alone that QStash signed.
func ExampleVerifier_VerifyToken() {
	signer := verifiertest.NewSigner()
	v, err := verifier.New(signer.Ring(), verifier.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	const public = "https://hooks.example.com"
	handler := func(w http.ResponseWriter, r *http.Request) {
		token, err := v.VerifyToken(r.Context(), r.Header.Get("Upstash-Signature"),
			public+r.URL.RequestURI(), r.Header.Get("Upstash-Region"))
		if unavailable, ok := errors.AsType[*keystore.UnavailableError](err); ok {
			w.Header().Set("Retry-After", fmt.Sprint(int(unavailable.RetryAfter.Seconds())+1))
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || token.CheckBody(body) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "%s", body)
	}

	recorder := httptest.NewRecorder()
	handler(recorder, signer.Request(public+"/orders?shop=1", []byte("hello")))
	fmt.Println(recorder.Code, recorder.Body)

	recorder = httptest.NewRecorder()
	handler(recorder, signer.Request("https://evil.example/orders?shop=1", []byte("hello")))
	fmt.Println(recorder.Code)
	// Output:
	// 200 hello
	// 401
}

// An error that is ErrUndecided is no refusal: the store is down, and the
// delivery may be good.
func ExampleErrUndecided() {
	store := keystore.KeyProviderFunc(func(context.Context) (keystore.KeySet, error) {
		return keystore.KeySet{}, errors.New("no route to host")
	})
	ring, err := keystore.NewRing(store, keystore.RingConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = v.Verify(context.Background(), verifier.Request{
		Signature:   verifiertest.NewSigner().Sign("https://hooks.example.com/", nil),
		Destination: "https://hooks.example.com/",
	})
	fmt.Println(errors.Is(err, verifier.ErrUndecided), errors.Is(err, verifier.ErrSignature))
	// Output: true false
}

// A handler behind server.Guard finds in its context what was signed.
func ExampleFromContext() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if token, ok := verifier.FromContext(r.Context()); ok {
			fmt.Println("delivery", token.ID, "for", token.Destination)
		}
	}
	ctx := verifier.NewContext(context.Background(), &verifier.Token{ID: "jwt_7wdA", Destination: "https://hooks.example.com/"})
	handler(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
	// Output: delivery jwt_7wdA for https://hooks.example.com/
}
