package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stashring/stashring/internal/qstashtest"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// post delivers body with a signature and returns the status and the answer.
func post(t *testing.T, url, signature string, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Upstash-Signature", signature)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func get(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestDevelopmentServerShowsOneVerifiedAndOneRefusedDeliveryAndDrains(t *testing.T) {
	g := startServe(t, nil, "--dev")
	g.await(t, "demonstration: the signed delivery was verified")
	g.await(t, "demonstration: the forged delivery was refused")

	stranger := verifiertest.NewSigner()
	if status, _ := post(t, g.public+"/x", stranger.Sign(g.public+"/x", nil), nil); status != http.StatusUnauthorized {
		t.Errorf("a token of another account got %d, want 401", status)
	}
	sent := runCommand(t, nil, "", "send", "--dev", "-d", "hello", g.public+"/hello?a=1&b=%2F")
	if sent.code != 0 || !strings.Contains(sent.out, `"verified":true`) {
		t.Errorf("got %+v, want a verified delivery", sent)
	}
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200} {
		if got := get(t, g.admin+path); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
	if code := g.interrupt(t); code != 0 {
		t.Errorf("after an interrupt: got exit %d, want 0", code)
	}
}

func TestKeysRolledInAFileAreUsedWithoutARestart(t *testing.T) {
	signer := verifiertest.NewSigner()
	path := filepath.Join(t.TempDir(), "keys.json")
	storeKeys(t, path, signer)
	const destination = "https://hooks.example.com/base"
	g := startServe(t, nil, "--keys=file:"+path, "--public-url="+destination, "--min-interval=1ns")

	for _, step := range []struct {
		name  string
		rolls int
	}{
		{"before any roll", 0},
		{"after one roll", 1},
		{"after the next", 1},
		{"after two rolls at once", 2},
		{"after three at once", 3},
	} {
		for range step.rolls {
			signer.Roll()
		}
		storeKeys(t, path, signer)
		for i := range 3 {
			status, text := post(t, g.public+"/x?n=1", signer.Sign(destination+"/x?n=1", []byte("body")), []byte("body"))
			var answer struct {
				Verified        bool
				ID, Destination string
			}
			if err := json.Unmarshal([]byte(text), &answer); status != http.StatusOK || err != nil ||
				!answer.Verified || answer.ID == "" || answer.Destination != destination+"/x?n=1" {
				t.Errorf("%s, delivery %d: got %d and %s", step.name, i+1, status, text)
			}
		}
	}
}

// QStash signs with the new keys at once, also where the store gets them later.
func TestDeliveriesSignedAheadOfTheStoreAreVerifiedWithTheNextKey(t *testing.T) {
	signer := verifiertest.NewSigner()
	path := filepath.Join(t.TempDir(), "keys.json")
	storeKeys(t, path, signer)
	g := startServe(t, nil, "--keys=file:"+path, "--public-url=https://h.example", "--min-interval=1ns")
	signer.Roll()
	if status, text := post(t, g.public+"/", signer.Sign("https://h.example", nil), nil); status != http.StatusOK || !strings.Contains(text, `"key":"next"`) {
		t.Errorf("got %d and %s, want a match with the next key", status, text)
	}
}

func TestRegionsAreJudgedByTheirOwnKeys(t *testing.T) {
	home, east := verifiertest.NewSigner(), verifiertest.NewSigner()
	dir := t.TempDir()
	storeKeys(t, filepath.Join(dir, "home"), home)
	storeKeys(t, filepath.Join(dir, "east"), east)
	g := startServe(t, []string{"STASHRING_KEYS=file:" + filepath.Join(dir, "home") + ";US_EAST_1=file:" + filepath.Join(dir, "east")},
		"--public-url=https://h.example")
	for _, test := range []struct {
		signer *verifiertest.Signer
		region string
		want   int
	}{
		{home, "", 200},
		{east, "US-EAST-1", 200},
		{home, "EU-CENTRAL-1", 200}, // not configured, so the default keys judge
		{east, "", 401},
		{home, "US-EAST-1", 401},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.public, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Upstash-Signature", test.signer.Sign("https://h.example", nil))
		r.Header.Set("Upstash-Region", test.region)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != test.want {
			t.Errorf("region %q: got %d, want %d", test.region, answer.StatusCode, test.want)
		}
	}
}

func TestWrongSettingsStopServeBeforeItListensAndNameTheWayOut(t *testing.T) {
	const short = "sig_tooshort"
	good := []string{
		"QSTASH_CURRENT_SIGNING_KEY=" + verifiertest.NewKey().Reveal(),
		"QSTASH_NEXT_SIGNING_KEY=" + verifiertest.NewKey().Reveal(),
	}
	url := "--public-url=https://h.example"
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"no public URL", good, nil, []string{"--public-url", "STASHRING_PUBLIC_URL"}},
		{"a public URL without a scheme", good, []string{"--public-url=h.example"}, []string{"--public-url", "STASHRING_PUBLIC_URL"}},
		{"no keys", nil, []string{url}, []string{"--keys", "STASHRING_KEYS", "QSTASH_CURRENT_SIGNING_KEY"}},
		{"one key", good[:1], []string{url}, []string{"QSTASH_NEXT_SIGNING_KEY"}},
		{"a short key", []string{"QSTASH_CURRENT_SIGNING_KEY=" + short, good[1]}, []string{url}, []string{"QSTASH_CURRENT_SIGNING_KEY", "12 bytes"}},
		{"an unknown source", good, []string{url, "--keys=vault:x"}, []string{"--keys", "file:PATH"}},
		{"a file that is not there", good, []string{url, "--keys=file:/no/such/file"}, []string{"--keys", "/no/such/file"}},
		{"only a region", good, []string{url, "--keys=US_EAST_1=env:"}, []string{"--keys", "default region"}},
		{"a region without variables", append([]string{"QSTASH_REGION=EU_CENTRAL_1"}, good...), []string{url}, []string{"EU_CENTRAL_1_QSTASH_CURRENT_SIGNING_KEY"}},
		{"an upstream with a path", good, []string{url, "--upstream=http://127.0.0.1:1/path"}, []string{"--upstream", "STASHRING_UPSTREAM"}},
		{"too much leeway", good, []string{url, "--leeway=6m"}, []string{"--leeway", "STASHRING_LEEWAY"}},
		{"dev on all addresses", nil, []string{"--dev", "--listen=0.0.0.0:0"}, []string{"--listen", "--dev", "127.0.0.1"}},
		{"dev with keys", nil, []string{"--dev", "--keys=env:"}, []string{"--dev", "--keys"}},
		{"a size that is none", good, []string{url, "--max-body=ten"}, []string{"--max-body"}},
		{"an unknown flag", good, []string{"--nope"}, []string{"--nope"}},
		{"a bad variable", append([]string{"STASHRING_MAX_AGE=soon"}, good...), []string{url}, []string{"max-age"}},
		{"ages in the wrong order", good, []string{url, "--max-age=1h", "--max-stale=1m"}, []string{"--max-stale"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runCommand(t, test.env, "", append([]string{"serve"}, test.args...)...)
			if got.code != 2 {
				t.Errorf("got exit %d, want 2", got.code)
			}
			for _, want := range test.want {
				if !strings.Contains(got.err, want) {
					t.Errorf("%q doesn't name %q", got.err, want)
				}
			}
			for _, secret := range append(slices.Clone(test.env), short) {
				if _, value, _ := strings.Cut(secret, "sig_"); value != "" && strings.Contains(got.out+got.err, value) {
					t.Error("a key shows")
				}
			}
		})
	}
}

func TestQStashItselfServesAsTheStoreAndForgersDoNotReachIt(t *testing.T) {
	api := qstashtest.Start(verifiertest.NewSigner())
	defer api.Close()
	g := startServe(t, api.Env(), "--keys=qstash:", "--public-url=https://h.example", "--min-interval=1h", "--max-age=1h")
	if status, text := post(t, g.public, api.Account.Sign("https://h.example", nil), nil); status != http.StatusOK {
		t.Errorf("got %d and %s, want 200", status, text)
	}
	stranger := verifiertest.NewSigner()
	for range 20 {
		if status, _ := post(t, g.public, stranger.Sign("https://h.example", nil), nil); status != http.StatusUnauthorized {
			t.Errorf("a forged delivery got %d, want 401", status)
		}
	}
	if got := api.Asked(); got != 1 {
		t.Errorf("QStash was asked %d times, want once", got)
	}
}
