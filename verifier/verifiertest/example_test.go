package verifiertest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// newHandler is what a program builds: its own handler, behind a guard. It takes
// the ring, so that a test can bring another one.
func newHandler(ring *keystore.Ring) (http.Handler, error) {
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		return nil, err
	}
	at, err := server.At("https://hooks.example.com")
	if err != nil {
		return nil, err
	}
	guard, err := server.NewGuard(server.GuardConfig{Verifier: v, Destination: at})
	if err != nil {
		return nil, err
	}
	return guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "order %s", body)
	})), nil
}

// A handler is tested with a Signer in the place of QStash.
func Example() {
	signer := verifiertest.NewSigner()
	handler, err := newHandler(signer.Ring())
	if err != nil {
		fmt.Println(err)
		return
	}

	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, signer.Request("https://hooks.example.com/orders", []byte("7")))
	fmt.Println(recorder.Code, recorder.Body)
	// Output: 200 order 7
}

// Rolling the keys under a handler is one line.
func ExampleSigner_Roll() {
	signer := verifiertest.NewSigner()
	handler, err := newHandler(signer.Ring())
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, signer.Request("https://hooks.example.com/orders", []byte("7")))
		fmt.Println(recorder.Code)
		signer.Roll()
		signer.Roll()
	}
	// Output:
	// 200
	// 200
	// 200
}
