package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/stashring/stashring/internal/endpoint"
	"github.com/stashring/stashring/internal/keysource"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/server"
)

type serve struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Where deliveries come in (${default})."`
	Admin  string `default:"127.0.0.1:8081" placeholder:"ADDR" help:"Where /livez and /readyz are answered (${default})."`
	Dev    bool   `help:"Try it out: the public development keys, on loopback only, with one genuine and one forged delivery at the start."`

	endpoint.Settings
}

// Run serves until ctx ends, then drains.
func (c *serve) Run(ctx context.Context, std streams) error {
	log := c.Logger(std.err)
	ring, err := c.ring(ctx, log)
	if err != nil {
		return usageError{err}
	}
	public, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", setting("listen"), err)}
	}
	defer public.Close()
	admin, err := net.Listen("tcp", c.Admin)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", setting("admin"), err)}
	}
	defer admin.Close()
	handler, err := c.handler(ring, public.Addr(), log)
	if err != nil {
		return usageError{err}
	}

	// The ring outlives the drain: a delivery that is still being answered may need it.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { _ = ring.Run(running) })
	if c.Dev {
		background.Go(func() { demonstrate(ctx, c.PublicURL, log) })
	}
	log.Info("serving", "listen", public.Addr().String(), "admin", admin.Addr().String(),
		"public_url", c.PublicURL, "upstream", c.Upstream)
	err = server.Run(ctx, server.RunConfig{
		Public: public, Handler: handler,
		Private: admin, Admin: server.NewAdmin(ring),
		Logger: log,
	})
	stop()
	background.Wait()
	return err
}

func (c *serve) ring(ctx context.Context, log *slog.Logger) (*keystore.Ring, error) {
	sources, err := c.sources(ctx)
	if err != nil {
		return nil, err
	}
	if c.Dev {
		log.Warn("development keys: anyone can sign deliveries for this server, so it listens on loopback only")
	}
	return c.Ring(sources, log)
}

// sources returns where the keys are, once nothing speaks against using them.
func (c *serve) sources(ctx context.Context) ([]keysource.Source, error) {
	if !c.Dev {
		if c.PublicURL == "" {
			return nil, fmt.Errorf("%s is missing: give the URL that QStash delivers to, such as https://hooks.example.com; or try %s", setting("public-url"), setting("dev"))
		}
		return c.Sources(ctx)
	}
	if len(c.Keys) > 0 {
		return nil, fmt.Errorf("%s has keys of its own; leave %s out", setting("dev"), setting("keys"))
	}
	for _, address := range []struct{ flag, value string }{{"listen", c.Listen}, {"admin", c.Admin}} {
		if !isLoopback(address.value) {
			return nil, fmt.Errorf("%s is %q: with %s, whose keys are public, it must be a loopback address such as 127.0.0.1:8080",
				setting(address.flag), address.value, setting("dev"))
		}
	}
	return keysource.Development(), nil
}

func (c *serve) handler(ring *keystore.Ring, public net.Addr, log *slog.Logger) (http.Handler, error) {
	if c.PublicURL == "" {
		c.PublicURL = "http://" + public.String()
	}
	destination, err := server.At(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting("public-url"), err)
	}
	return c.Handler(ring, destination, log)
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// setting names a flag and its variable.
func setting(flag string) string {
	return fmt.Sprintf("--%s (STASHRING_%s)", flag, strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
}
