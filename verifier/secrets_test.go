package verifier_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// printed returns v as everything prints it that a program has for printing.
func printed(v any) string {
	var out bytes.Buffer
	for _, flags := range []string{"", "+", "#", " ", "0", "+#", "-8.3"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
			fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
		}
	}
	fmt.Fprintln(&out, v)
	if encoded, err := json.Marshal(v); err == nil {
		out.Write(encoded)
	} else {
		fmt.Fprintln(&out, err)
	}
	for _, handler := range []slog.Handler{
		slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil),
	} {
		log := slog.New(handler)
		log.Info("printed", "value", v, slog.Group("group", "value", v))
		log.With("value", v).Info(fmt.Sprint(v))
	}
	func() {
		defer func() { fmt.Fprintf(&out, "%v %+v %#v\n", recover(), v, v) }()
		panic(v)
	}()
	return out.String()
}

// piece returns what stands in text of eight bytes of the secret in a row, as they
// are or encoded.
func piece(text, secret string) string {
	for _, spelled := range []string{
		secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
		base64.StdEncoding.EncodeToString([]byte(secret)), strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
	} {
		length := 8 * len(spelled) / len(secret)
		for i := 0; i+length <= len(spelled); i++ {
			if strings.Contains(text, spelled[i:i+length]) {
				return spelled[i : i+length]
			}
		}
	}
	return ""
}

func TestKeysNeverShow(t *testing.T) {
	signer := verifiertest.NewSigner()
	keys, _ := signer.Keys(t.Context())
	ring := signer.Ring()
	cfg := verifier.Config{}
	v, err := verifier.New(ring, cfg)
	if err != nil {
		t.Fatal(err)
	}
	good := verifier.Request{Signature: signer.Sign(hook, nil), Destination: hook}
	token, err := v.Verify(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	_, forged := v.Verify(t.Context(), verifier.Request{Signature: signer.Sign(hook, nil, verifiertest.With(verifiertest.NewKey())), Destination: hook})
	if !errors.Is(forged, verifier.ErrSignature) {
		t.Fatalf("got %v, want %v", forged, verifier.ErrSignature)
	}
	down, err := keystore.NewRing(keystore.KeyProviderFunc(func(context.Context) (keystore.KeySet, error) {
		return keys, errors.New("down")
	}), keystore.RingConfig{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	undecider, err := verifier.New(down, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, undecided := undecider.Verify(t.Context(), good)
	if !errors.Is(undecided, verifier.ErrUndecided) {
		t.Fatalf("got %v, want %v", undecided, verifier.ErrUndecided)
	}
	var draft verifiertest.Draft
	signer.Sign(hook, nil, func(d *verifiertest.Draft) { draft = *d })
	snapshot, err := ring.Keys(t.Context(), keystore.DefaultRegion)
	if err != nil {
		t.Fatal(err)
	}

	for name, value := range map[string]any{
		"Verifier":            v,
		"Verifier, undecided": undecider,
		"Config":              cfg,
		"Token":               token,
		"Token by value":      *token,
		"context":             verifier.NewContext(t.Context(), token),
		"signature error":     forged,
		"wrapped error":       fmt.Errorf("refused: %w", forged),
		"joined errors":       errors.Join(forged, undecided),
		"undecided error":     undecided,
		"Signer":              signer,
		"Draft":               draft,
		"Draft by pointer":    &draft,
		"Edit":                verifiertest.With(keys.Current),
		"Ring":                ring,
		"Snapshot":            snapshot,
		"Status":              ring.Status(),
		"everything at once":  []any{v, token, signer, draft, ring, map[string]any{"keys": keys}},
	} {
		text := printed(value)
		for _, key := range []keystore.Key{keys.Current, keys.Next} {
			if shown := piece(text, key.Reveal()); shown != "" {
				t.Errorf("%s shows %q of a key", name, shown)
			}
		}
	}
	if piece(printed(keys.Current.Reveal()), keys.Current.Reveal()) == "" {
		t.Error("this test would not see a key that shows")
	}
}

// A refusal is logged, so it says what is wrong and repeats nothing that opens
// anything.
func TestErrorsHoldNoKeyNoTokenNoBody(t *testing.T) {
	v := hostileVerifier(t)
	for kind, tricks := range hostile {
		for _, trick := range tricks {
			_, err := v.Verify(t.Context(), trick.Request)
			if err == nil || kind == "sizes" {
				continue // megabytes of one letter are in everything
			}
			text := fmt.Sprintf("%v %+v %#v %q", err, err, err, err)
			if len(trick.Signature) > 40 && strings.Contains(text, trick.Signature[len(trick.Signature)-20:]) {
				t.Errorf("%s/%s: %v repeats the token", kind, trick.name, err)
			}
			if strings.Contains(text, "order\\\": 7") || strings.Contains(text, `"order": 7`) {
				t.Errorf("%s/%s: %v repeats the body", kind, trick.name, err)
			}
			for _, secret := range []string{currentSecret, nextSecret} {
				if shown := piece(text, strings.TrimPrefix(secret, "sig_")); shown != "" {
					t.Errorf("%s/%s: %v shows %q of a key", kind, trick.name, err, shown)
				}
			}
		}
	}
}
