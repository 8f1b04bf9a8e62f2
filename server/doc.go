// Package server puts a net/http handler behind the verification of QStash
// deliveries.
//
//	ring, err := keystore.NewRing(keystore.Env(), keystore.RingConfig{})
//	…
//	v, err := verifier.New(ring, verifier.Config{})
//	…
//	destination, err := server.At("https://hooks.example.com")
//	…
//	guard, err := server.NewGuard(server.GuardConfig{Verifier: v, Destination: destination})
//	…
//	http.Handle("/orders", guard.Protect(orders))
//
// [Guard.Protect] is of the shape func(http.Handler) http.Handler, which every
// router built on net/http takes as middleware. The handler behind it reads
// exactly the bytes that were signed, and finds the token with
// verifier.FromContext.
//
// [NewGateway] forwards verified deliveries to an application in any language,
// [Admin] answers a platform's health checks, and [Run] serves both until it is
// told to drain.
//
// # Where a delivery was sent
//
// A token names the URL that QStash was given. The guard compares it with what
// [At] makes of the configured public URL and the request line, never with a Host
// or X-Forwarded-Host header: those are the sender's word. Behind a proxy that
// rewrites paths, give the guard a [Destination] of your own that undoes it.
package server
