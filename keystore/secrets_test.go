package keystore_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// leaks reports a run of secret in text, as it is, in hexadecimal or in base64.
func leaks(text, secret string) bool {
	const run = 6
	for i := 0; i+run <= len(secret); i++ {
		part := secret[i : i+run]
		for _, form := range []string{part, hex.EncodeToString([]byte(part)), strings.ToUpper(hex.EncodeToString([]byte(part))),
			base64.StdEncoding.EncodeToString([]byte(part)), strings.Trim(fmt.Sprint([]byte(part)), "[]")} {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return false
}

func TestKeysNeverShow(t *testing.T) {
	account := verifiertest.NewSigner()
	keys, err := account.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{keys.Current.Reveal(), keys.Next.Reveal()}
	static, err := keystore.Static(secrets[0], secrets[1])
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	ring, err := keystore.NewRing(static, keystore.RingConfig{Grace: 1e9, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := ring.Keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	upset, err := keystore.NewRing(keystoretest.Script(keystoretest.Panic(secrets[0]+secrets[1])), keystore.RingConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	_, panicked := upset.Keys(t.Context(), "")
	_, invalid := keystore.NewKey(secrets[0] + "\n")
	_, document := keystore.ParseKeySet([]byte(`{"current":"` + secrets[0] + `","next":"` + secrets[1] + `","x":1}`))
	file := keystore.File(filepath.Join(t.TempDir(), "keys.json"))
	if err := file.PutKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}

	for name, value := range map[string]any{
		"Key":                     keys.Current,
		"pointer to Key":          &keys.Current,
		"KeySet":                  keys,
		"pointer to KeySet":       &keys,
		"slice of KeySet":         []keystore.KeySet{keys},
		"map of Key":              map[string]keystore.Key{"k": keys.Current},
		"struct with hidden keys": struct{ keys keystore.KeySet }{keys},
		"Snapshot":                snapshot,
		"pointer to Snapshot":     &snapshot,
		"Ring":                    ring,
		"RegionStatus":            ring.Status(),
		"Static":                  static,
		"Development":             keystore.Development(),
		"Env":                     keystore.Env(),
		"FileStore":               file,
		"KeyProviderFunc":         keystore.KeyProviderFunc(static.Keys),
		"RingConfig":              keystore.RingConfig{Regions: map[keystore.Region]keystore.KeyProvider{"X": static}},
		"error of NewKey":         invalid,
		"error of a document":     document,
		"error of a panic":        panicked,
		"joined errors":           errors.Join(invalid, document, panicked),
		"Signer":                  account,
		"Draft":                   verifiertest.Draft{Key: keys.Current},
		"Scripted":                keystoretest.Script(keystoretest.Answer(keys)),
	} {
		var out strings.Builder
		for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
			for _, flag := range []string{"", "+", "#", "-", " ", "0", "40", ".3"} {
				fmt.Fprintf(&out, "%"+flag+string(verb)+"\n", value)
			}
		}
		if encoded, err := json.Marshal(value); err == nil {
			out.Write(encoded)
		}
		if encoded, err := xml.Marshal(value); err == nil {
			out.Write(encoded)
		}
		options := &slog.HandlerOptions{Level: slog.LevelDebug}
		slog.New(slog.NewTextHandler(&out, options)).Info("text", "value", value, slog.Group("group", "value", value))
		slog.New(slog.NewJSONHandler(&out, options)).Info("json", "value", value, slog.Group("group", "value", value))
		func() {
			defer func() { fmt.Fprintf(&out, "%v %+v", recover(), out) }()
			panic(value)
		}()
		for _, secret := range secrets {
			if leaks(out.String(), secret) {
				t.Errorf("a key shows in a %s", name)
			}
		}
	}
	for _, secret := range secrets {
		if leaks(log.String(), secret) {
			t.Errorf("a key shows in the log: %s", log.String())
		}
	}
	if !strings.Contains(fmt.Sprint(keys.Current), keys.Current.Fingerprint()) {
		t.Error("a key does not print as its fingerprint")
	}
	if !leaks("x "+secrets[0][3:12]+" y", secrets[0]) || !leaks(hex.EncodeToString([]byte(secrets[1])), secrets[1]) {
		t.Error("this test would not see a leak")
	}
}
