package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"syscall"
	"time"
)

// gateway is the built command, serving.
type gateway struct {
	public, admin string // URLs
	process       *exec.Cmd
	logged        chan struct{} // closed when its log has ended
}

func startGateway(ctx context.Context, binary, keys, upstream string) (*gateway, error) {
	g := &gateway{logged: make(chan struct{})}
	g.process = exec.CommandContext(ctx, binary, "serve",
		"--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--log-format=json",
		"--keys=file:"+keys, "--public-url=https://hooks.example.com", "--upstream="+upstream,
		// The defaults, at the drill's speed.
		"--min-interval="+(5*time.Second/speed).String(),
		"--max-age="+(5*time.Minute/speed).String(),
		"--max-backoff="+(30*time.Second/speed).String())
	g.process.Cancel = func() error { return g.process.Process.Signal(syscall.SIGTERM) }
	stderr, err := g.process.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := g.process.Start(); err != nil {
		return nil, fmt.Errorf("%w (make build builds it)", err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, Listen, Admin string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			g.public, g.admin = "http://"+line.Listen, "http://"+line.Admin
			go func() {
				defer close(g.logged)
				_, _ = io.Copy(io.Discard, stderr)
			}()
			return g, nil
		}
	}
	return nil, errors.Join(errors.New("the gateway did not start to serve"), lines.Err(), g.process.Wait())
}

// fetches returns how often the gateway has asked its store.
func (g *gateway) fetches(ctx context.Context) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.admin+"/readyz", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var ready struct{ Regions []struct{ Fetches int } }
	if err := json.NewDecoder(answer.Body).Decode(&ready); err != nil {
		return 0, fmt.Errorf("/readyz: %w", err)
	}
	if len(ready.Regions) != 1 {
		return 0, fmt.Errorf("/readyz: %d regions, want 1", len(ready.Regions))
	}
	return ready.Regions[0].Fetches, nil
}

func (g *gateway) stop() {
	_ = g.process.Process.Signal(syscall.SIGTERM)
	<-g.logged
	_ = g.process.Wait()
}
