package verifier_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A program that verifies pays for no store, no metrics and no command line but
// those that it imports itself.
func TestKeystoreAndVerifierLinkNoCloudNoMetricsNoCommandLine(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command here")
	}
	const module = "github.com/stashring/stashring"
	out, err := exec.CommandContext(t.Context(), tool, "list", "-deps", module+"/keystore", module+"/verifier").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 10 {
		t.Fatalf("got %d packages, which can't be all", len(packages))
	}
	for _, pkg := range packages {
		for _, stranger := range []string{"aws", "prometheus", "redis", "kong", "net/http"} {
			if strings.Contains(pkg, stranger) {
				t.Errorf("%s is linked", pkg)
			}
		}
	}
}
