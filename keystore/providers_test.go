package keystore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier/verifiertest"
)

const good2 = "sig_abcdefghij0123456789ABCDEFGH"

func TestKeyDocumentsAreReadStrictly(t *testing.T) {
	document := func(current, next string) string { return `{"current":"` + current + `","next":"` + next + `"}` }
	for name, doc := range map[string]string{
		"plain":            document(good, good2),
		"in another order": `{"next":"` + good2 + `","current":"` + good + `"}`,
		"with white space": " {\n \"current\" : \"" + good + "\" ,\t\"next\": \"" + good2 + "\"\n}\n",
		"with line breaks": document(good+`\n`, good2+`\r\n`),
		"with escapes":     strings.Replace(document(good, good2), "sig", `\u0073ig`, 1),
	} {
		keys, err := keystore.ParseKeySet([]byte(doc))
		if err != nil || keys.Current.Reveal() != good || keys.Next.Reveal() != good2 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, doc := range map[string]string{
		"nothing":                "",
		"no object":              `["` + good + `"]`,
		"null":                   "null",
		"one key":                `{"current":"` + good + `"}`,
		"an unknown member":      `{"current":"` + good + `","next":"` + good2 + `","version":1}`,
		"a member twice":         `{"current":"` + good + `","current":"` + good2 + `","next":"` + good2 + `"}`,
		"another case":           `{"Current":"` + good + `","next":"` + good2 + `"}`,
		"a number":               `{"current":1,"next":"` + good2 + `"}`,
		"something behind":       document(good, good2) + "x",
		"two documents":          document(good, good2) + document(good, good2),
		"two line breaks":        document(good+`\n\n`, good2),
		"a development key":      document("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r", good2),
		"bytes that are no text": document(good+"\xff", good2),
	} {
		keys, err := keystore.ParseKeySet([]byte(doc))
		if !errors.Is(err, keystore.ErrInvalidKey) || keys.Validate() == nil {
			t.Errorf("%s: got %v and %v, want ErrInvalidKey", name, keys, err)
		}
		if err != nil && (strings.Contains(err.Error(), good) || strings.Contains(err.Error(), good2)) {
			t.Errorf("%s: the error shows a key", name)
		}
	}
}

func TestEnvironmentNamesTheVariableThatIsWrong(t *testing.T) {
	for _, test := range []struct {
		provider keystore.KeyProvider
		prefix   string
	}{{keystore.Env(), ""}, {keystore.EnvRegion(""), ""}, {keystore.EnvRegion("EU_CENTRAL_1"), "EU_CENTRAL_1_"}} {
		current, next := test.prefix+"QSTASH_CURRENT_SIGNING_KEY", test.prefix+"QSTASH_NEXT_SIGNING_KEY"
		t.Setenv(current, good)
		t.Setenv(next, good2+"\n") // as files that become variables end
		keys, err := test.provider.Keys(t.Context())
		if err != nil || keys.Current.Reveal() != good || keys.Next.Reveal() != good2 {
			t.Errorf("%s: got %v", current, err)
		}
		t.Setenv(next, "sig_short")
		if _, err := test.provider.Keys(t.Context()); !errors.Is(err, keystore.ErrInvalidKey) || !strings.Contains(err.Error(), next) || strings.Contains(err.Error(), "short") {
			t.Errorf("a short key: got %v", err)
		}
		if err := os.Unsetenv(current); err != nil {
			t.Fatal(err)
		}
		if _, err := test.provider.Keys(t.Context()); !errors.Is(err, keystore.ErrNotFound) || !strings.Contains(err.Error(), current) {
			t.Errorf("an unset variable: got %v", err)
		}
	}
}

func TestStaticNamesTheKeyThatIsWrong(t *testing.T) {
	for want, pair := range map[string][2]string{"current": {"", good}, "next": {good, "sig_"}} {
		if p, err := keystore.Static(pair[0], pair[1]); p != nil || !errors.Is(err, keystore.ErrInvalidKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want the %s key", err, want)
		}
	}
}

func TestDevelopmentKeysAreThoseOfTheDevelopmentServer(t *testing.T) {
	keys, err := keystore.Development().Keys(t.Context())
	if err != nil || keys.Current.Reveal() != "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r" || keys.Next.Reveal() != "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs" {
		t.Errorf("got %v and %v", keys, err)
	}
}

func TestAFileStoreTellsWhatIsWrongWithItsFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) *keystore.FileStore {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return keystore.File(path)
	}
	for name, test := range map[string]struct {
		store *keystore.FileStore
		want  error
	}{
		"missing":     {keystore.File(filepath.Join(dir, "missing")), keystore.ErrNotFound},
		"garbage":     {write("garbage", "x"), keystore.ErrInvalidKey},
		"large":       {write("large", strings.Repeat(" ", 17<<10)), keystore.ErrInvalidKey},
		"half":        {write("half", `{"current":"`+good+`"}`), keystore.ErrInvalidKey},
		"a directory": {keystore.File(dir), nil},
	} {
		_, err := test.store.Keys(t.Context())
		if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), good) {
			t.Errorf("%s: got %v, want %v with the path", name, err, test.want)
		}
	}
	locked := write("locked", `{}`)
	if err := os.Chmod(filepath.Join(dir, "locked"), 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		t.Log("root may read what nobody may: no test of ErrDenied")
	} else if _, err := locked.Keys(t.Context()); !errors.Is(err, keystore.ErrDenied) {
		t.Errorf("a file that may not be read: got %v, want ErrDenied", err)
	}
}

func TestAFileIsReplacedWholeForItsOwnerAloneAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	keys, _ := verifiertest.NewSigner().Keys(t.Context())
	if err := keystore.File(path).PutKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	was := make([]byte, 100)
	if n, _ := old.Read(was); string(was[:n]) != "before" {
		t.Errorf("who had the old file open now reads %q", was[:n])
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v (%v), want 0600", info.Mode(), err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := keystore.File(path).PutKeys(canceled, keys); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: got %v", err)
	}
	if err := keystore.File(filepath.Join(dir, "no", "such")).PutKeys(t.Context(), keys); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("in a directory that isn't there: got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v (%v), want the one file", entries, err)
	}
}
