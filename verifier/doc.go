// Package verifier tells whether a delivery really comes from QStash.
//
//	ring, err := keystore.NewRing(keystore.Env(), keystore.RingConfig{})
//	…
//	v, err := verifier.New(ring, verifier.Config{})
//	…
//	token, err := v.Verify(ctx, verifier.Request{
//		Signature:   r.Header.Get("Upstash-Signature"),
//		Destination: "https://hooks.example.com/orders",
//		Body:        body,
//	})
//
// Programs on net/http need none of this: package server does it for them. This
// package is for those on something else.
//
// # What is checked
//
// In this order, and the first check that fails gives the error: the token's size
// and spelling, its header, its signature under the current key and then the next
// one, its claims, its destination, its times, and the body. Nothing of the
// payload is trusted before the signature holds.
//
// A verifier needs the URL that QStash was given, because it is part of what is
// signed: without that check, a delivery to one endpoint opens every other one.
// Take it from your configuration. A Host header is the sender's word.
//
// # Three answers
//
// An error that is [ErrUndecided] says that the keys could not be had or not
// confirmed. It is no refusal: answer 503 with a Retry-After, and QStash tries
// again. Every other error is a refusal: answer 401 without a reason, and log it.
//
// # Before the body
//
// [Verifier.VerifyToken] judges a delivery by its headers alone, so that a forger
// can't make a server read a body. [Token.CheckBody] then judges the body.
package verifier
