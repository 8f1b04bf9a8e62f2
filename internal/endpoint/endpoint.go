// Package endpoint builds what `stashring serve` and the Lambda function put
// behind their front doors: a ring, a verifier, a guard, and the application or an
// acknowledgement.
package endpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/stashring/stashring/internal/keysource"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier"
)

// Settings are the flags of `serve` and the variables of the Lambda function.
// Their struct tags are kong's.
type Settings struct {
	Keys      []string `sep:";" placeholder:"SOURCE" help:"Where the signing keys are: env: (the default), file:PATH or qstash: (asked with QSTASH_TOKEN), with REGION= in front for a further region. Repeatable; in the variable, separated by semicolons."`
	PublicURL string   `name:"public-url" placeholder:"URL" help:"The URL that QStash is given for this endpoint, up to the path of the request: https://hooks.example.com."`
	Upstream  string   `placeholder:"URL" help:"Where verified deliveries go: http://127.0.0.1:3000. Without it they are logged and answered."`

	UpstreamTimeout time.Duration `default:"15m" help:"How long the upstream may take to answer."`
	MaxBody         Size          `default:"10MiB" help:"The largest body that is read."`
	MaxAge          time.Duration `default:"5m" help:"How long keys are used before they are fetched again."`
	MaxStale        time.Duration `default:"24h" help:"How long keys are used while their store fails."`
	MinInterval     time.Duration `default:"5s" help:"The time between two fetches that unverifiable tokens may cause."`
	MaxBackoff      time.Duration `default:"30s" help:"The longest pause after a failed fetch."`
	Grace           time.Duration `default:"0s" help:"How long a key still verifies that the store no longer has."`
	Leeway          time.Duration `default:"0s" help:"By how much the clocks here and at QStash may differ."`

	LogFormat string     `default:"text" enum:"text,json" help:"text or json."`
	LogLevel  slog.Level `default:"info" help:"debug, info, warn or error."`
}

// Logger returns the logger that the settings ask for.
func (s Settings) Logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// Sources returns the places that Keys names, after a look at those of them that
// are on this machine.
func (s Settings) Sources(ctx context.Context) ([]keysource.Source, error) {
	specs := s.Keys
	if len(specs) == 0 {
		specs = []string{"env:"}
	}
	sources, err := keysource.Parse(specs)
	if err == nil {
		err = keysource.Check(ctx, sources)
	}
	if err != nil {
		return nil, fmt.Errorf("--keys (STASHRING_KEYS): %w", err)
	}
	return sources, nil
}

// Ring returns the ring over the sources.
func (s Settings) Ring(sources []keysource.Source, log *slog.Logger) (*keystore.Ring, error) {
	ring, err := keysource.Ring(sources, keystore.RingConfig{
		MaxAge:      s.MaxAge,
		MaxStale:    s.MaxStale,
		MinInterval: s.MinInterval,
		MaxBackoff:  s.MaxBackoff,
		Grace:       s.Grace,
		Logger:      log,
	})
	if err != nil {
		return nil, fmt.Errorf("--max-age, --max-stale, --min-interval, --max-backoff or --grace (STASHRING_MAX_AGE and so on): %w", err)
	}
	return ring, nil
}

// Handler returns the guarded application: the gateway to Upstream, or the
// acknowledgement where there is none.
func (s Settings) Handler(ring *keystore.Ring, destination server.Destination, log *slog.Logger) (http.Handler, error) {
	v, err := verifier.New(ring, verifier.Config{Leeway: s.Leeway})
	if err != nil {
		return nil, fmt.Errorf("--leeway (STASHRING_LEEWAY): %w", err)
	}
	guard, err := server.NewGuard(server.GuardConfig{
		Verifier:    v,
		Destination: destination,
		MaxBody:     int64(s.MaxBody),
		Logger:      log,
	})
	if err != nil {
		return nil, err
	}
	if s.Upstream == "" {
		return guard.Protect(acknowledge(log)), nil
	}
	gateway, err := server.NewGateway(server.GatewayConfig{Upstream: s.Upstream, Timeout: s.UpstreamTimeout, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("--upstream (STASHRING_UPSTREAM): %w", err)
	}
	return guard.Protect(gateway), nil
}

// acknowledge logs a verified delivery and says what was verified.
func acknowledge(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := verifier.FromContext(r.Context())
		if !ok {
			http.Error(w, "not guarded", http.StatusInternalServerError)
			return
		}
		log.InfoContext(r.Context(), "delivery verified", "delivery", token, "bytes", r.ContentLength)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(struct {
			Verified    bool   `json:"verified"`
			ID          string `json:"id"`
			Destination string `json:"destination"`
			Region      string `json:"region"`
			Key         string `json:"key"`
		}{true, token.ID, token.Destination, string(token.Region), token.Slot.String()})
	})
}
