package main_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stashring/stashring/internal/qstashtest"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// rolling is an account, its API, and a file store that has been in step with it
// for an hour, with a verifier that has run over it all the while.
type rolling struct {
	*qstashtest.Server
	path     string
	verifier *verifier.Verifier
}

func startRolling(t *testing.T) *rolling {
	t.Helper()
	s := &rolling{Server: qstashtest.Start(verifiertest.NewSigner()), path: filepath.Join(t.TempDir(), "keys.json")}
	t.Cleanup(s.Close)
	storeKeys(t, s.path, s.Account)
	s.age(t)
	s.verifier = verifierOverFile(t, s.path)
	s.verifies(t)
	return s
}

// age makes the store's last change an hour old.
func (s *rolling) age(t *testing.T) {
	t.Helper()
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.path, then, then); err != nil {
		t.Fatal(err)
	}
}

func verifierOverFile(t *testing.T, path string) *verifier.Verifier {
	t.Helper()
	ring, err := keystore.NewRing(keystore.File(path), keystore.RingConfig{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(ring, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// verifies checks that what QStash signs now is accepted, by the verifier that has
// run all the while and by one that starts now.
func (s *rolling) verifies(t *testing.T) {
	t.Helper()
	request := verifier.Request{Signature: s.Account.Sign("https://h.example/", nil), Destination: "https://h.example/"}
	for name, v := range map[string]*verifier.Verifier{"the running verifier": s.verifier, "a new verifier": verifierOverFile(t, s.path)} {
		if _, err := v.Verify(t.Context(), request); err != nil {
			t.Errorf("%s refuses what QStash signs: %v", name, err)
		}
	}
}

// inStep checks that the store holds what QStash has.
func (s *rolling) inStep(t *testing.T) {
	t.Helper()
	want, _ := s.Account.Keys(t.Context())
	if got, err := keystore.File(s.path).Keys(t.Context()); err != nil || !got.SameKeys(want) {
		t.Errorf("the store has %v (%v), QStash %v", got, err, want)
	}
}

// run runs a keys command over the store and checks what it may print.
func (s *rolling) run(t *testing.T, args ...string) result {
	t.Helper()
	return runKeys(t, s.Env(), append(args, "--keys=file:"+s.path)...)
}

var aKey = regexp.MustCompile(`sig_[0-9A-Za-z]`)

func runKeys(t *testing.T, env []string, args ...string) result {
	t.Helper()
	got := runCommand(t, env, "", append([]string{"keys"}, args...)...)
	checkOutput(t, got)
	return got
}

func checkOutput(t *testing.T, got result) {
	t.Helper()
	all := got.out + got.err
	if aKey.MatchString(all) || strings.Contains(all, "qstash-token-for-tests") {
		t.Errorf("a secret shows in:\n%s", all)
	}
	if strings.Contains(all, "\x1b") {
		t.Errorf("there are colours in a pipe: %q", all)
	}
	for line := range strings.Lines(got.out) {
		if strings.HasPrefix(got.out, "{") { // JSON
			break
		}
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 100 && !strings.Contains(line, "/") { // a path is as long as it is
			t.Errorf("a line is wider than 100 columns: %q", line)
		}
	}
}

func TestKeysShowTellsEveryStandingByItsExitAndByName(t *testing.T) {
	for _, test := range []struct {
		name     string
		prepare  func(*rolling)
		code     int
		standing string
		says     string
	}{
		{"in step", func(*rolling) {}, 0, "in_step", "in step with QStash"},
		{"one behind", func(s *rolling) { s.Account.Roll() }, 1, "one_behind", "one roll behind, still verifying: act"},
		{"two behind", func(s *rolling) { s.Account.Roll(); s.Account.Roll() }, 1, "two_behind_or_foreign", "refusing everything"},
		{"no file", func(s *rolling) { _ = os.Remove(s.path) }, 1, "unknown", "can't be read"},
		{"no keys in it", func(s *rolling) { _ = os.WriteFile(s.path, []byte("sig_secretsecretsecretsecretsecretsecret"), 0o600) }, 1, "unknown", "can't be read"},
		{"QStash down", func(s *rolling) { s.FailWith(qstashtest.Cut) }, 1, "unknown", "not known"},
		{"QStash denies", func(s *rolling) { s.FailWith(qstashtest.Status(401)) }, 1, "unknown", "denied"},
		{"no token", func(s *rolling) { s.Token = "" }, 1, "unknown", "QSTASH_TOKEN is not set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startRolling(t)
			test.prepare(s)
			got := s.run(t, "show")
			if got.code != test.code || !strings.Contains(got.out, test.says) {
				t.Errorf("got %+v, want exit %d and %q", got, test.code, test.says)
			}
			if advice := "stashring keys sync"; strings.Contains(got.out, advice) != (test.standing == "one_behind" || test.standing == "two_behind_or_foreign" || strings.HasPrefix(test.name, "no ") && test.name != "no token") {
				t.Errorf("advice to sync: %v in\n%s", !strings.Contains(got.out, advice), got.out)
			}
			got = s.run(t, "show", "--json")
			var doc struct {
				InStep  bool `json:"in_step"`
				Regions []struct {
					Standing string
					Current  *struct {
						Key        string
						AgeSeconds int `json:"age_seconds"`
					}
				}
			}
			if err := json.Unmarshal([]byte(got.out), &doc); err != nil {
				t.Fatalf("%v in %s", err, got.out)
			}
			if got.code != test.code || doc.InStep != (test.code == 0) || len(doc.Regions) != 1 || doc.Regions[0].Standing != test.standing {
				t.Errorf("got exit %d and %+v, want %q", got.code, doc, test.standing)
			}
			if keys, err := keystore.File(s.path).Keys(t.Context()); err == nil {
				if current := doc.Regions[0].Current; current.Key != keys.Current.String() || current.AgeSeconds < 3600 {
					t.Errorf("got %+v, want %v, an hour old", current, keys.Current)
				}
			}
		})
	}
}

func TestKeysShowsRegionsSideBySide(t *testing.T) {
	home, east := startRolling(t), startRolling(t)
	env := append(home.Env(), "US_EAST_1_QSTASH_URL="+east.URL, "US_EAST_1_QSTASH_TOKEN="+east.Token)
	got := runKeys(t, env, "show", "--keys=file:"+home.path, "--keys=US_EAST_1=file:"+east.path)
	if got.code != 0 {
		t.Errorf("got %+v", got)
	}
	got = runKeys(t, env, "show", "--keys=file:"+home.path, "--keys=US_EAST_1=file:"+home.path)
	if got.code != 1 || !strings.Contains(got.out, "foreign") || !strings.Contains(got.out, "of region default") {
		t.Errorf("got %+v, want US_EAST_1 to hold the default region's keys", got)
	}
	home.Account.Roll()
	east.Account.Roll()
	got = runKeys(t, env, "sync", "--keys=US_EAST_1=file:"+east.path)
	if got.code != 0 {
		t.Errorf("got %+v", got)
	}
	east.inStep(t)
	east.age(t)
	got = runKeys(t, env, "rotate", "--yes", "--drain=0", "--keys=file:"+home.path, "--keys=US_EAST_1=file:"+east.path)
	if got.code != 1 || home.Rolled()+east.Rolled() != 0 {
		t.Errorf("got %+v and %d rolls, want none while one region is behind", got, home.Rolled()+east.Rolled())
	}
}

func TestKeysSyncWritesOnlyADifference(t *testing.T) {
	s := startRolling(t)
	before, err := os.Stat(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.run(t, "sync"); got.code != 0 || !strings.Contains(got.out, "nothing to write") {
		t.Errorf("got %+v", got)
	}
	if after, err := os.Stat(s.path); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Error("a store in step was written")
	}

	old, _ := s.Account.Keys(t.Context())
	s.Account.Roll()
	now, _ := s.Account.Keys(t.Context())
	got := s.run(t, "sync")
	if want := fmt.Sprintf("%v -> %v", old.Current, now.Current); got.code != 0 || !strings.Contains(got.out, want) {
		t.Errorf("got %+v, want %q", got, want)
	}
	s.inStep(t)

	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	if got := s.run(t, "sync"); got.code != 0 {
		t.Errorf("into no file: got %+v", got)
	}
	s.inStep(t)
}

func TestKeysSyncReplacesWhatHasNothingInCommonOnlyWithAYes(t *testing.T) {
	for name, prepare := range map[string]func(*rolling){
		"two rolls behind": func(s *rolling) { s.Account.Roll(); s.Account.Roll() },
		"something else":   func(s *rolling) { _ = os.WriteFile(s.path, []byte("a shopping list"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			s := startRolling(t)
			prepare(s)
			before, _ := os.ReadFile(s.path)
			got := s.run(t, "sync")
			if after, _ := os.ReadFile(s.path); got.code != 2 || !strings.Contains(got.err, "--yes") || string(after) != string(before) {
				t.Errorf("got %+v, want exit 2 and the store as it was", got)
			}
			if got := s.run(t, "sync", "--yes"); got.code != 0 {
				t.Errorf("got %+v", got)
			}
			s.inStep(t)
		})
	}
}

func TestKeysRotateRollsAndProves(t *testing.T) {
	s := startRolling(t)
	before, _ := s.Account.Keys(t.Context())
	got := s.run(t, "rotate", "--yes", "--drain=100ms")
	if got.code != 0 || !strings.Contains(got.out, "proved: a probe signed with "+before.Next.String()) {
		t.Errorf("got %+v", got)
	}
	if after, _ := s.Account.Keys(t.Context()); s.Rolled() != 1 || !after.Current.Equal(before.Next) {
		t.Errorf("rolled %d times, from %v to %v", s.Rolled(), before, after)
	}
	s.inStep(t)
	s.verifies(t)
	if got := s.run(t, "show"); got.code != 0 {
		t.Errorf("got %+v", got)
	}

	if got := s.run(t, "rotate", "--yes"); got.code != 1 || s.Rolled() != 1 {
		t.Errorf("right after it: got %+v and %d rolls, want a refusal", got, s.Rolled())
	}
	if got := s.run(t, "rotate", "--yes", "--force", "--drain=0"); got.code != 0 || s.Rolled() != 2 || !strings.Contains(got.out, "FORCED") {
		t.Errorf("forced: got %+v and %d rolls", got, s.Rolled())
	}
	s.inStep(t)
}

func TestKeysRotateWithoutAYesOrForTrialChangesNothing(t *testing.T) {
	s := startRolling(t)
	before, _ := os.Stat(s.path)
	if got := s.run(t, "rotate"); got.code != 2 || !strings.Contains(got.err, "--yes") {
		t.Errorf("without a terminal: got %+v", got)
	}
	if got := s.run(t, "rotate", "--dry-run"); got.code != 0 || !strings.Contains(got.out, "1. roll at QStash") {
		t.Errorf("--dry-run: got %+v", got)
	}
	s.Account.Roll()
	if got := s.run(t, "rotate", "--dry-run"); got.code != 1 || !strings.Contains(got.out, "stashring keys sync") {
		t.Errorf("--dry-run of what would be refused: got %+v", got)
	}
	if after, _ := os.Stat(s.path); s.Rolled() != 0 || !os.SameFile(before, after) {
		t.Error("something was changed")
	}
}

func TestKeysUsageErrorsNameTheWayOut(t *testing.T) {
	s := startRolling(t)
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"the environment can't be written", s.Env(), []string{"sync"}, "file:PATH"},
		{"QStash is no store to sync", s.Env(), []string{"rotate", "--keys=qstash:"}, "file:PATH"},
		{"no token", nil, []string{"sync", "--keys=file:" + s.path}, "QSTASH_TOKEN"},
		{"no token of the region", s.Env(), []string{"rotate", "--keys=EU_CENTRAL_1=file:" + s.path}, "EU_CENTRAL_1_QSTASH_TOKEN"},
		{"no URL of the region", []string{"EU_CENTRAL_1_QSTASH_TOKEN=x"}, []string{"rotate", "--keys=EU_CENTRAL_1=file:" + s.path}, "EU_CENTRAL_1_QSTASH_URL"},
		{"an unknown source", s.Env(), []string{"show", "--keys=vault:x"}, "--keys"},
		{"one region twice", s.Env(), []string{"show", "--keys=file:a", "--keys=file:b"}, "more than one"},
		{"a time that is none", s.Env(), []string{"rotate", "--settle=soon", "--keys=file:" + s.path}, "--settle"},
		{"a negative time", s.Env(), []string{"rotate", "--settle=-1s", "--keys=file:" + s.path}, "--settle"},
		{"an unknown flag", s.Env(), []string{"show", "--nope"}, "--nope"},
		{"no command", s.Env(), nil, "show"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := runKeys(t, test.env, test.args...); got.code != 2 || !strings.Contains(got.err, test.want) {
				t.Errorf("got %+v, want exit 2 and %q", got, test.want)
			}
		})
	}
}

func TestAForcedOrConfirmedRotationIsNeverLeftInTheEnvironment(t *testing.T) {
	s := startRolling(t)
	s.Account.Roll()
	env := append(s.Env(), "STASHRING_YES=1", "STASHRING_FORCE=1")
	if got := runKeys(t, env, "rotate", "--keys=file:"+s.path); got.code == 0 || s.Rolled() != 0 {
		t.Errorf("got %+v and %d rolls", got, s.Rolled())
	}
}

func TestEveryKeysCommandHasAnExample(t *testing.T) {
	for _, command := range []string{"", "show", "sync", "rotate"} {
		args := append(strings.Fields(command), "--help")
		if got := runKeys(t, nil, args...); got.code != 0 || !strings.Contains(got.out, "    QSTASH_TOKEN=… stashring keys") && !strings.Contains(got.out, "    stashring keys "+command) {
			t.Errorf("keys %s --help: got %+v", command, got)
		}
	}
}
