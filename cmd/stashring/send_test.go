package main_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stashring/stashring/verifier/verifiertest"
)

func TestSendPostsWhatServeVerifies(t *testing.T) {
	signer := verifiertest.NewSigner()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys.json")
	storeKeys(t, keys, signer)
	body := filepath.Join(dir, "body")
	if err := os.WriteFile(body, []byte("\x00binary\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := startServe(t, nil, "--keys=file:"+keys, "--public-url=https://hooks.example.com")
	as := "--as=https://hooks.example.com/a"
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"with the current key", []string{as, "-d", "x"}, 0, `"key":"current"`},
		{"with the next key", []string{as, "-d", "x", "--next"}, 0, `"key":"next"`},
		{"from a file", []string{as, "--body-file", body}, 0, `"verified":true`},
		{"from standard input", []string{as}, 0, `"verified":true`},
		{"for another destination", []string{"-d", "x"}, 1, "401"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runCommand(t, nil, "from a pipe", append([]string{"send", "--keys=file:" + keys, g.public + "/a"}, test.args...)...)
			if got.code != test.code || !strings.Contains(got.out, test.want) {
				t.Errorf("got %+v, want exit %d and %s", got, test.code, test.want)
			}
		})
	}
}

func TestSendPrintsACurlCommandThatDelivers(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	g := startServe(t, nil, "--dev")
	printed := runCommand(t, nil, "", "send", "--dev", "--curl", "-d", "it's a body", g.public+"/a?b=1&c=2")
	if printed.code != 0 {
		t.Fatalf("got %+v", printed)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", printed.out).Output()
	if err != nil || !strings.Contains(string(out), `"verified":true`) {
		t.Errorf("%s answered %s (%v)", printed.out, out, err)
	}
}

func TestSendTellsUsageFromFailure(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	closed.Close()
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"nobody listens", []string{"--dev", "-d", "x", nobody}, 1, "refused"},
		{"no URL", []string{"--dev"}, 2, "url"},
		{"a URL without a host", []string{"--dev", "-d", "x", "hello"}, 2, "https://host/path"},
		{"no keys", []string{"-d", "x", nobody}, 2, "QSTASH_CURRENT_SIGNING_KEY"},
		{"two sources of keys", []string{"--dev", "--keys=env:", "-d", "x", nobody}, 2, "--keys"},
		{"a body file that is not there", []string{"--dev", "--body-file=/no/such/file", nobody}, 2, "/no/such/file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runCommand(t, nil, "", append([]string{"send"}, test.args...)...)
			if got.code != test.code || !strings.Contains(got.err, test.want) {
				t.Errorf("got %+v, want exit %d and %q", got, test.code, test.want)
			}
		})
	}
}
