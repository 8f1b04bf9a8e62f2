package keystore_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier/verifiertest"
)

const good = "sig_0123456789ABCDEFGHIJabcdefgh" // 32 bytes

func TestKeysThatCanOnlyBeAMistakeAreRefusedAndNotRepeated(t *testing.T) {
	for name, secret := range map[string]string{
		"empty":                    "",
		"blank":                    "    ",
		"a line break":             "\n",
		"sig_ alone":               "sig_",
		"cut off by a byte":        good[:len(good)-1],
		"a trailing line break":    good + "\n",
		"a leading space":          " " + good,
		"a space inside":           good[:8] + " " + good[8:],
		"a zero byte":              good + "\x00",
		"a control byte":           good[:8] + "\x1b" + good[8:],
		"DEL":                      good + "\x7f",
		"not ASCII":                good + "é",
		"a byte order mark":        "\ufeff" + good,
		"double quotes":            `"` + good + `"`,
		"single quotes":            "'" + good + "'",
		"a document":               `{"current":"` + good + `"}`,
		"the development current":  "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
		"the development next key": "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
	} {
		key, err := keystore.NewKey(secret)
		if !errors.Is(err, keystore.ErrInvalidKey) || !key.IsZero() {
			t.Errorf("%s: got %v and %v, want ErrInvalidKey", name, key, err)
		}
		if value := strings.Trim(secret, " \n"); len(value) > 4 && strings.Contains(err.Error(), value) {
			t.Errorf("%s: the error repeats the value", name)
		}
	}
	for name, secret := range map[string]string{"of today": good, "of older days": good + good, "with other characters": "sig_-_+/=.~0123456789ABCDEFGHIJab"} {
		if _, err := keystore.NewKey(secret); err != nil {
			t.Errorf("a key %s: %v", name, err)
		}
	}
}

func TestAKeySignsAndVerifiesWithHMACSHA256(t *testing.T) {
	key, err := keystore.NewKey(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range []string{"", "a", "header.payload", strings.Repeat("x", 10_000)} {
		h := hmac.New(sha256.New, []byte(good))
		h.Write([]byte(input))
		want := h.Sum(nil)
		if got := key.Sign([]byte(input)); string(got) != string(want) {
			t.Errorf("got %x, want %x", got, want)
		}
		if !key.Verify([]byte(input), want) {
			t.Error("its own signature does not verify")
		}
		want[0] ^= 1
		if key.Verify([]byte(input), want) || key.Verify([]byte(input), want[:31]) || key.Verify([]byte(input), nil) {
			t.Error("another signature verifies")
		}
	}
}

func TestTheZeroKeyIsNoKey(t *testing.T) {
	var zero keystore.Key
	empty := hmac.New(sha256.New, nil)
	empty.Write([]byte("x"))
	if zero.Verify([]byte("x"), empty.Sum(nil)) || zero.Verify([]byte("x"), nil) {
		t.Error("the zero Key verifies")
	}
	if zero.Sign([]byte("x")) != nil || !zero.IsZero() || zero.Reveal() != "" || zero.Fingerprint() != "" {
		t.Error("the zero Key holds something")
	}
	if !zero.Equal(keystore.Key{}) || zero.Equal(verifiertest.NewKey()) {
		t.Error("the zero Key equals another")
	}
}

func TestFingerprintsTellKeysApartAndAreTheSameEverywhere(t *testing.T) {
	a, err := keystore.NewKey(good)
	if err != nil {
		t.Fatal(err)
	}
	b, err := keystore.NewKey(good)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Equal(b) || a.Fingerprint() != b.Fingerprint() || len(a.Fingerprint()) != 12 {
		t.Errorf("got %s and %s for one secret", a.Fingerprint(), b.Fingerprint())
	}
	if other := verifiertest.NewKey(); other.Equal(a) || other.Fingerprint() == a.Fingerprint() {
		t.Error("two secrets have one fingerprint")
	}
	if got, want := a.Fingerprint(), "7198d9c2b417"; got != want { // it stands in people's logs
		t.Errorf("got %s, want %s as ever", got, want)
	}
}

func TestAKeySetIsWholeOrInvalid(t *testing.T) {
	a, b := verifiertest.NewKey(), verifiertest.NewKey()
	for _, half := range []keystore.KeySet{{}, {Current: a}, {Next: a}} {
		if err := half.Validate(); !errors.Is(err, keystore.ErrInvalidKey) {
			t.Errorf("%v: got %v", half, err)
		}
		if document, err := half.RevealJSON(); err == nil || document != nil {
			t.Errorf("%v has a document", half)
		}
	}
	if err := (keystore.KeySet{Current: a, Next: a}).Validate(); err != nil {
		t.Errorf("one key in both slots: %v", err)
	}
	if (keystore.KeySet{Current: a, Next: b}).Degraded() || !(keystore.KeySet{Current: a, Next: a}).Degraded() || (keystore.KeySet{}).Degraded() {
		t.Error("degraded means one key in both slots")
	}
	if (keystore.KeySet{Current: a, Next: b}).SameKeys(keystore.KeySet{Current: b, Next: a}) {
		t.Error("slots don't matter")
	}
}
