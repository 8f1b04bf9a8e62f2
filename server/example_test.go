package server_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func Example() {
	signer := verifiertest.NewSigner() // QStash, in this example
	v, err := verifier.New(signer.Ring(), verifier.Config{})
	if err != nil {
		log.Fatal(err)
	}
	destination, err := server.At("https://hooks.example.com")
	if err != nil {
		log.Fatal(err)
	}
	guard, err := server.NewGuard(server.GuardConfig{Verifier: v, Destination: destination})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /orders", guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := verifier.FromContext(r.Context())
		order, _ := io.ReadAll(r.Body)
		fmt.Printf("%s for %s\n", order, token.Destination)
	})))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, signer.Request("https://hooks.example.com/orders", []byte("order 7")))
	fmt.Println(answer.Code)
	// Output:
	// order 7 for https://hooks.example.com/orders
	// 200
}

func ExampleAt() {
	destination, err := server.At("https://hooks.example.com/prod")
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/orders?tenant=7", nil)
	r.Host = "anything.the.sender.likes"
	url, err := destination(r)
	fmt.Println(url, err)
	// Output: https://hooks.example.com/prod/orders?tenant=7 <nil>
}

func ExampleNewGateway() {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "the application sees", r.Header.Get("Stashring-Destination"))
	}))
	defer app.Close()

	signer := verifiertest.NewSigner()
	v, err := verifier.New(signer.Ring(), verifier.Config{})
	if err != nil {
		log.Fatal(err)
	}
	destination, err := server.At("https://hooks.example.com")
	if err != nil {
		log.Fatal(err)
	}
	guard, err := server.NewGuard(server.GuardConfig{Verifier: v, Destination: destination})
	if err != nil {
		log.Fatal(err)
	}
	gateway, err := server.NewGateway(server.GatewayConfig{Upstream: app.URL})
	if err != nil {
		log.Fatal(err)
	}
	answer := httptest.NewRecorder()
	guard.Protect(gateway).ServeHTTP(answer, signer.Request("https://hooks.example.com/orders", nil))
	fmt.Print(answer.Body)
	// Output: the application sees https://hooks.example.com/orders
}
