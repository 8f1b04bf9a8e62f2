package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stashring/stashring/keystore"
)

// binary is the built command, which these tests run as a user does.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "stashring")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "stashring")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// command returns the binary with these arguments and no STASHRING_ or QSTASH_
// variables but those of env.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, args...)
	for _, variable := range os.Environ() {
		if !strings.Contains(variable, "STASHRING_") && !strings.Contains(variable, "QSTASH_") {
			c.Env = append(c.Env, variable)
		}
	}
	c.Env = append(c.Env, env...)
	return c
}

// result is how a command ended.
type result struct {
	out, err string
	code     int
}

func runCommand(t *testing.T, env []string, stdin string, args ...string) result {
	t.Helper()
	c := command(t, env, args...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// gateway is a running `stashring serve`.
type gateway struct {
	public, admin string // URLs
	process       *exec.Cmd

	mu    sync.Mutex
	lines []map[string]any
	grown *sync.Cond
	ended bool
}

// startServe runs serve on ports of the system's choice until the test ends.
func startServe(t *testing.T, env []string, args ...string) *gateway {
	t.Helper()
	args = append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--log-format=json"}, args...)
	g := &gateway{process: command(t, env, args...)}
	g.grown = sync.NewCond(&g.mu)
	stderr, err := g.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.process.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			line := map[string]any{}
			if json.Unmarshal(lines.Bytes(), &line) != nil {
				line["msg"] = lines.Text()
			}
			g.mu.Lock()
			g.lines = append(g.lines, line)
			g.mu.Unlock()
			g.grown.Broadcast()
		}
		g.mu.Lock()
		g.ended = true
		g.mu.Unlock()
		g.grown.Broadcast()
	}()
	t.Cleanup(func() {
		_ = g.process.Process.Kill()
		<-read
		_ = g.process.Wait()
		if t.Failed() {
			for _, line := range g.lines {
				t.Log(line)
			}
		}
	})
	serving := g.await(t, "serving")
	g.public = "http://" + serving["listen"].(string)
	g.admin = "http://" + serving["admin"].(string)
	return g
}

// await returns the first log line with this message.
func (g *gateway) await(t *testing.T, message string) map[string]any {
	t.Helper()
	timeout := time.AfterFunc(20*time.Second, func() {
		g.mu.Lock()
		g.ended = true
		g.mu.Unlock()
		g.grown.Broadcast()
	})
	defer timeout.Stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := 0; ; i++ {
		for i >= len(g.lines) {
			if g.ended {
				t.Fatalf("no log line %q in %v", message, g.lines)
			}
			g.grown.Wait()
		}
		if g.lines[i]["msg"] == message {
			return g.lines[i]
		}
	}
}

// interrupt sends SIGINT and returns the exit code.
func (g *gateway) interrupt(t *testing.T) int {
	t.Helper()
	if err := g.process.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	for !g.ended {
		g.grown.Wait()
	}
	g.mu.Unlock()
	_ = g.process.Wait()
	return g.process.ProcessState.ExitCode()
}

// storeKeys writes keys to a file store and returns its path.
func storeKeys(t *testing.T, path string, provider keystore.KeyProvider) {
	t.Helper()
	keys, err := provider.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := keystore.File(path).PutKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
}
