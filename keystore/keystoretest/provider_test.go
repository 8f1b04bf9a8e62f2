package keystoretest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/keystore/keystoretest"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func TestOurOwnProvidersKeepTheContract(t *testing.T) {
	current, next := verifiertest.NewKey().Reveal(), verifiertest.NewKey().Reveal()
	static, err := keystore.Static(current, next)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("QSTASH_CURRENT_SIGNING_KEY", current)
	t.Setenv("QSTASH_NEXT_SIGNING_KEY", next)
	t.Setenv("US_EAST_1_QSTASH_CURRENT_SIGNING_KEY", next)
	t.Setenv("US_EAST_1_QSTASH_NEXT_SIGNING_KEY", current)
	for name, p := range map[string]keystore.KeyProvider{
		"static":      static,
		"environment": keystore.Env(),
		"region":      keystore.EnvRegion("US_EAST_1"),
		"development": keystore.Development(),
		"signer":      verifiertest.NewSigner(),
		"script":      keystoretest.Script(keystoretest.Ask(static)),
	} {
		t.Run(name, func(t *testing.T) { keystoretest.TestProvider(t, p) })
	}
	t.Run("file", func(t *testing.T) {
		keystoretest.TestStore(t, keystore.File(filepath.Join(t.TempDir(), "keys.json")))
	})
	t.Run("file behind a link", func(t *testing.T) {
		dir := t.TempDir()
		target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
		if err := os.WriteFile(target, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		keystoretest.TestStore(t, keystore.File(link))
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is now %v (%v)", info.Mode(), err)
		}
	})
}
