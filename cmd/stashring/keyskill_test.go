package main_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stashring/stashring/internal/qstashtest"
)

func TestKeysRotateWhileTheAPIFails(t *testing.T) {
	faults := map[string]qstashtest.Fault{
		"down": qstashtest.Cut, "401": qstashtest.Status(401), "429": qstashtest.Status(429),
		"500": qstashtest.Status(500), "garbage": qstashtest.Garbage,
	}
	for name, fault := range faults {
		for _, test := range []struct {
			when   string
			set    func(*rolling)
			code   int
			rolled bool
			says   string
		}{
			{"from the first call", func(s *rolling) { s.FailWith(fault) }, 1, false, ""},
			{"when asked to roll", func(s *rolling) { s.FailWith(fault.Rolls()) }, 1, false, "Nothing has changed"},
			{"once it has rolled", func(s *rolling) { s.FailAfter(fault.Rolls()) }, 0, true, "proved"},
			// Two calls for the plan and the look before the roll come first.
			{"from when it has rolled", func(s *rolling) { s.FailAfter(fault.From(2)) }, 1, true, "still verifies"},
			{"after the roll was answered", func(s *rolling) { s.FailAfter(fault.From(3)) }, 1, true, "Complete it"},
		} {
			t.Run(name+" "+test.when, func(t *testing.T) {
				s := startRolling(t)
				before, _ := s.Account.Keys(t.Context())
				test.set(s)
				got := s.run(t, "rotate", "--yes", "--drain=0")
				if got.code != test.code || !strings.Contains(got.out, test.says) {
					t.Errorf("got %+v, want exit %d and %q", got, test.code, test.says)
				}
				if after, _ := s.Account.Keys(t.Context()); after.SameKeys(before) == test.rolled {
					t.Errorf("rolled: %v, want %v", !test.rolled, test.rolled)
				}
				s.verifies(t)
				s.FailWith(nil)
				if got := s.run(t, "sync"); got.code != 0 {
					t.Errorf("the sync after it: %+v", got)
				}
				s.inStep(t)
				s.verifies(t)
			})
		}
	}
}

func TestKeysSyncWhileTheAPIFailsLeavesTheStore(t *testing.T) {
	for name, fault := range map[string]qstashtest.Fault{
		"down": qstashtest.Cut, "401": qstashtest.Status(401), "429": qstashtest.Status(429),
		"500": qstashtest.Status(500), "garbage": qstashtest.Garbage,
	} {
		t.Run(name, func(t *testing.T) {
			s := startRolling(t)
			s.Account.Roll()
			s.FailWith(fault)
			if got := s.run(t, "sync"); got.code != 1 || got.err == "" {
				t.Errorf("got %+v, want exit 1", got)
			}
			s.verifies(t)
		})
	}
}

// background is a command that runs until it is killed.
type background struct {
	*exec.Cmd
	out *buffer
}

func (s *rolling) start(t *testing.T, args ...string) background {
	t.Helper()
	c := background{command(t, s.Env(), append(append([]string{"keys"}, args...), "--keys=file:"+s.path)...), &buffer{grown: make(chan struct{}, 1)}}
	c.Stdout, c.Stderr = c.out, c.out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill(t) })
	return c
}

// kill ends it with SIGKILL, and waits.
func (c background) kill(t *testing.T) {
	t.Helper()
	_ = c.Process.Kill()
	_ = c.Wait()
	checkOutput(t, result{out: c.out.String()})
}

// await waits until it has printed text.
func (c background) await(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for !strings.Contains(c.out.String(), text) {
		select {
		case <-c.out.grown:
		case <-timeout:
			t.Fatalf("it never said %q, but:\n%s", text, c.out)
		}
	}
}

type buffer struct {
	mu    sync.Mutex
	text  strings.Builder
	grown chan struct{}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.grown <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// The calls of a rotation to QStash are: the keys for the plan, the keys right
// before the roll, the roll, the keys after the write. Between the last two lie the
// drain, the write and the reading back.
func TestKeysRotateKilledBetweenAnyTwoStepsIsCompletedBySync(t *testing.T) {
	arrived := make(chan struct{}, 1)
	var hang qstashtest.Fault = qstashtest.Hang(arrived)
	for _, test := range []struct {
		name   string
		set    func(*rolling)
		drain  string
		rolled bool
	}{
		{"while it makes its plan", func(s *rolling) { s.FailWith(hang) }, "0s", false},
		{"before it asks to roll", func(s *rolling) { s.FailWith(hang.From(1)) }, "0s", false},
		{"when it has asked to roll", func(s *rolling) { s.FailWith(hang.Rolls()) }, "0s", false},
		{"before it hears that it has rolled", func(s *rolling) { s.FailAfter(hang.Rolls()) }, "0s", true},
		{"while the old keys drain", nil, "1h", true},
		{"when it has written the store", func(s *rolling) { s.FailWith(hang.From(3)) }, "0s", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startRolling(t)
			before, _ := s.Account.Keys(t.Context())
			if test.set != nil {
				test.set(s)
			}
			rotate := s.start(t, "rotate", "--yes", "--drain="+test.drain)
			if test.set != nil {
				<-arrived
			} else {
				rotate.await(t, "waiting")
			}
			s.verifies(t)
			rotate.kill(t)
			if after, _ := s.Account.Keys(t.Context()); after.SameKeys(before) == test.rolled {
				t.Errorf("rolled: %v, want %v", !test.rolled, test.rolled)
			}
			s.verifies(t)
			s.FailWith(nil)
			if got := s.run(t, "sync"); got.code != 0 {
				t.Errorf("the sync after it: %+v", got)
			}
			s.inStep(t)
			s.verifies(t)
		})
	}
}

// Killed at moments that nobody chose, in the write of the store too.
func TestKeysRotateKilledAtAnyTimeIsCompletedBySync(t *testing.T) {
	for i := range 25 {
		s := startRolling(t)
		answered := make(chan struct{}, 1)
		s.FailAfter(qstashtest.Fault(func(http.ResponseWriter, *http.Request) bool {
			answered <- struct{}{}
			return false
		}).Rolls())
		rotate := s.start(t, "rotate", "--yes", "--drain=0s")
		<-answered
		<-time.After(time.Duration(i) * 200 * time.Microsecond)
		rotate.kill(t)
		s.verifies(t)
		s.FailWith(nil)
		if got := s.run(t, "sync"); got.code != 0 {
			t.Errorf("the sync after kill %d: %+v", i, got)
		}
		s.inStep(t)
		s.verifies(t)
	}
}

func TestOfManyKeysRotateAtOnceOneWins(t *testing.T) {
	s := startRolling(t)
	before, _ := s.Account.Keys(t.Context())
	var wg sync.WaitGroup
	results := make([]result, 6)
	for i := range results {
		wg.Go(func() { results[i] = s.run(t, "rotate", "--yes", "--drain=300ms") })
	}
	wg.Wait()
	won := 0
	for _, got := range results {
		switch got.code {
		case 0:
			won++
		case 1:
		default:
			t.Errorf("got %+v, want exit 0 or 1", got)
		}
	}
	if after, _ := s.Account.Keys(t.Context()); won != 1 || s.Rolled() != 1 || !after.Current.Equal(before.Next) {
		t.Errorf("%d won, and QStash rolled %d times, want one; %v", won, s.Rolled(), results)
	}
	s.inStep(t)
	s.verifies(t)
}

func TestKeysRotateRefusesWhileAnotherOneIsAtWork(t *testing.T) {
	s := startRolling(t)
	first := s.start(t, "rotate", "--yes", "--drain=1h")
	first.await(t, "waiting")
	for _, args := range [][]string{{"rotate", "--yes", "--force"}, {"sync"}} {
		if got := s.run(t, args...); got.code != 1 || !strings.Contains(got.err, "another sync or rotate") {
			t.Errorf("%v: got %+v, want a refusal", args, got)
		}
	}
	if s.Rolled() != 1 {
		t.Errorf("rolled %d times", s.Rolled())
	}
	first.kill(t)
	if got := s.run(t, "sync"); got.code != 0 {
		t.Errorf("once the lock's owner is dead: %+v", fmt.Sprint(got))
	}
	s.inStep(t)
}
