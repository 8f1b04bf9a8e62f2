package main_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal returns both ends of a new terminal: what a person has, and what a
// program has.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	var unlocked, number int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlocked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Skipf("there are no terminals here: %v", errno)
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	return person, program
}

// onTerminal runs a keys command on a terminal where a person types, and returns
// what the person saw.
func (s *rolling) onTerminal(t *testing.T, typed string, env []string, args ...string) result {
	t.Helper()
	person, program := openTerminal(t)
	c := command(t, append(append(s.Env(), "TERM=xterm"), env...), append(append([]string{"keys"}, args...), "--keys=file:"+s.path)...)
	c.Stdin, c.Stdout, c.Stderr = program, program, program
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	if _, err := person.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	var saw bytes.Buffer
	_, _ = io.Copy(&saw, person) // ends with an error when the program does
	_ = c.Wait()
	return result{out: saw.String(), code: c.ProcessState.ExitCode()}
}

func TestKeysRotateAsksOnATerminal(t *testing.T) {
	for _, test := range []struct {
		typed string
		code  int
		rolls int
	}{
		{"y\n", 0, 1},
		{"yes\n", 0, 1},
		{"n\n", 1, 0},
		{"\n", 1, 0},
		{"\x04", 2, 0}, // the end of the input, as /dev/null gives it
	} {
		t.Run(fmt.Sprintf("%q", test.typed), func(t *testing.T) {
			s := startRolling(t)
			got := s.onTerminal(t, test.typed, nil, "rotate", "--drain=0")
			if got.code != test.code || s.Rolled() != test.rolls || !strings.Contains(got.out, "Roll the keys of default") {
				t.Errorf("got %+v and %d rolls, want exit %d and %d", got, s.Rolled(), test.code, test.rolls)
			}
			if aKey.MatchString(got.out) {
				t.Error("a secret shows")
			}
		})
	}
}

func TestKeysShowHasColoursOnATerminalUnlessToldOtherwise(t *testing.T) {
	s := startRolling(t)
	if got := s.onTerminal(t, "", nil, "show"); got.code != 0 || !strings.Contains(got.out, "\x1b[32min step") {
		t.Errorf("got %q, want green", got.out)
	}
	if got := s.onTerminal(t, "", []string{"NO_COLOR=1"}, "show"); got.code != 0 || strings.Contains(got.out, "\x1b") {
		t.Errorf("got %q, want no colours", got.out)
	}
}

func TestNullIsNoTerminalToAskOn(t *testing.T) {
	s := startRolling(t)
	c := command(t, s.Env(), "keys", "rotate", "--keys=file:"+s.path) // its standard input is /dev/null
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != 2 || !strings.Contains(string(out), "--yes") || s.Rolled() != 0 {
		t.Errorf("got exit %d, %d rolls and %s", got, s.Rolled(), out)
	}
}
