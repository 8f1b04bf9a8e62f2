package keystore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// A store of your own is one method, or one function.
func ExampleKeyProviderFunc() {
	vault := map[string]string{ // in place of a client
		"qstash/current": "sig_current01234567890123456789ab",
		"qstash/next":    "sig_next01234567890123456789abcde",
	}
	provider := keystore.KeyProviderFunc(func(ctx context.Context) (keystore.KeySet, error) {
		current, err := keystore.NewKey(vault["qstash/current"])
		if err != nil {
			return keystore.KeySet{}, fmt.Errorf("qstash/current: %w", err)
		}
		next, err := keystore.NewKey(vault["qstash/next"])
		if err != nil {
			return keystore.KeySet{}, fmt.Errorf("qstash/next: %w", err)
		}
		return keystore.KeySet{Current: current, Next: next}, nil
	})
	ring, err := keystore.NewRing(provider, keystore.RingConfig{})
	if err != nil {
		log.Fatal(err)
	}
	if err := ring.Load(context.Background()); err != nil {
		log.Fatal(err)
	}
	for _, region := range ring.Status() {
		fmt.Println("usable:", region.Usable)
	}
	// Output: usable: true
}

func ExampleFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store := keystore.File(filepath.Join(dir, "keys.json"))

	account := verifiertest.NewSigner() // where QStash would be
	keys, err := account.Keys(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	if err := store.PutKeys(context.Background(), keys); err != nil {
		log.Fatal(err)
	}
	read, err := store.Keys(context.Background())
	fmt.Println(read.SameKeys(keys), err)
	// Output: true <nil>
}

func ExampleNewKey() {
	_, err := keystore.NewKey("sig_")
	fmt.Println(err)
	_, err = keystore.NewKey(`"sig_current01234567890123456789ab"`)
	fmt.Println(err)
	// Output:
	// invalid signing key: it is "sig_" with nothing behind it
	// invalid signing key: byte 1 of its 35 is a quotation mark; leave the quotes out
}

// A health check tells how the keys stand, without showing them.
func ExampleRing_Status() {
	ring, err := keystore.NewRing(keystore.Env(), keystore.RingConfig{})
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		for _, region := range ring.Status() {
			if !region.Usable {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			fmt.Fprintln(w, region.Region, region.Current, region.Next, region.Age, region.Cause)
		}
	})
}
