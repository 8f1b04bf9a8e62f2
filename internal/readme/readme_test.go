// Package readme holds README.md to its word.
package readme

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

const module = "github.com/stashring/stashring"

// preludes is what a block needs in front of it to be a file; a whole program
// needs nothing.
var preludes = map[string]string{
	"server": "",
	"provider": `package example

import (
	"context"
	"io"
	"net/http"

	"github.com/stashring/stashring/keystore"
)

var _ keystore.KeyProvider = vault{}
`,
	"test": `package example

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func newHandler(ring *keystore.Ring) http.Handler {
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		panic(err)
	}
	destination, err := server.At("https://hooks.example.com")
	if err != nil {
		panic(err)
	}
	guard, err := server.NewGuard(server.GuardConfig{Verifier: v, Destination: destination})
	if err != nil {
		panic(err)
	}
	return guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}
`,
}

var marked = regexp.MustCompile("(?s)<!-- example: (\\w+) -->\n```go\n(.*?)\n```")

func TestEveryMarkedBlockCompilesAndItsTestsPass(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := marked.FindAllSubmatch(text, -1)
	if got, want := len(blocks), len(preludes); got != want {
		t.Errorf("README has %d marked blocks, and this test knows %d", got, want)
	}
	for _, block := range blocks {
		name := string(block[1])
		t.Run(name, func(t *testing.T) {
			prelude, ok := preludes[name]
			if !ok {
				t.Fatal("this test doesn't know the block")
			}
			command, file := "vet", "example.go"
			if name == "test" {
				command, file = "test", "example_test.go"
			}
			dir := userModule(t, root)
			if err := os.WriteFile(filepath.Join(dir, file), []byte(prelude+string(block[2])+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			run := exec.CommandContext(t.Context(), "go", command, "-mod=mod", ".")
			run.Dir = dir
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// userModule makes the module of a user who has pasted a block: it requires what
// this one does, and this one.
func userModule(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "go.mod" {
			text = bytes.Replace(text, []byte("module "+module), []byte("module example"), 1)
			text = fmt.Appendf(text, "\nrequire %s v0.0.0\nreplace %s => %s\n", module, module, root)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var linkedTest = regexp.MustCompile(`\[([A-Z]\w+)\]\((\S+_test\.go)\)`)

func TestEveryTestThatIsLinkedIsThere(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	links := linkedTest.FindAllSubmatch(text, -1)
	if len(links) < 10 {
		t.Errorf("README links %d tests", len(links))
	}
	for _, link := range links {
		source, err := os.ReadFile(filepath.Join("../..", string(link[2])))
		if err != nil || !bytes.Contains(source, []byte("func Test"+string(link[1])+"(")) {
			t.Errorf("there is no Test%s in %s (%v)", link[1], link[2], err)
		}
	}
}
