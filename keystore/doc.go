// Package keystore holds QStash's signing keys: where they come from, and the ring
// that caches them and knows when to ask again.
//
//	ring, err := keystore.NewRing(keystore.File("/etc/qstash/keys.json"), keystore.RingConfig{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	v, err := verifier.New(ring, verifier.Config{})
//	…
//	go ring.Run(ctx) // in a server, so that no delivery finds the keys old
//
// # Keys
//
// A [Key] signs and verifies, and shows nothing but a fingerprint of itself,
// however it is printed. A [KeySet] is the pair that an account has: the current
// key, which QStash signs with, and the next one, which it will sign with after a
// roll.
//
// # Providers
//
// A [KeyProvider] reads the set from its store. [Env], [File] and [Static] are
// here; ssmstore and qstashstore, below this package, read AWS SSM Parameter Store
// and QStash itself. Your own is one method; package keystoretest tests it.
//
// # The ring
//
// A [Ring] stands between a provider and the deliveries. It fetches when it is
// first used, and after that nobody waits for the store: keys older than MaxAge
// are used while new ones are fetched, and a store that fails changes nothing until
// MaxStale.
//
// Three things start a fetch before MaxAge: a delivery that the next key verifies,
// because it proves a roll; a delivery that no key verifies, by way of
// [Ring.Refresh], because the keys may have been rolled twice; and [Ring.Run]. The
// second is what a forger can cause, so it comes once in MinInterval and no more,
// and all who ask meanwhile share the answer. Whether a token is genuine, forged or
// can't be judged now are three answers, and an [ErrUnavailable] is the third.
//
// A set is installed whole or not at all: both keys, from one read, of no older
// version than the one that is held.
//
// # Regions
//
// QStash's regions have keys of their own, and so have those of a ring, with
// fetches and pauses of their own too. A delivery's region is only a hint by its
// sender: one that isn't configured means the default region, and costs nothing.
package keystore
