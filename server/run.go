package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// RunConfig is what [Run] serves. All of it must be set but the last two.
type RunConfig struct {
	Public  net.Listener // where deliveries come in
	Handler http.Handler // what answers them
	Private net.Listener // where the platform asks, on another socket
	Admin   *Admin       // what answers it

	// DrainTimeout is how long deliveries that are being answered may take after
	// the end of the context. 0 means 25 seconds, within the 30 that Kubernetes
	// gives.
	DrainTimeout time.Duration

	// Logger hears of the drain and of connections that fail. nil means
	// [slog.Default].
	Logger *slog.Logger
}

// How long a client may take, and how much it may send before the guard looks.
const (
	headerTimeout  = 10 * time.Second
	readTimeout    = 2 * time.Minute // for 10 MiB, 90 kB a second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Run serves until ctx ends. Then /readyz answers 503, the public listener takes
// no more connections, what is being answered is finished, and Run returns nil, or
// an error if that took longer than DrainTimeout. An error of a listener ends it
// too.
func Run(ctx context.Context, cfg RunConfig) error {
	if cfg.Public == nil || cfg.Handler == nil || cfg.Private == nil || cfg.Admin == nil {
		return errors.New("server: RunConfig needs Public, Handler, Private and Admin")
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = 25 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	public, private := newServer(cfg.Handler, cfg.Logger), newServer(cfg.Admin, cfg.Logger)
	ended := make(chan error, 2)
	go func() { ended <- public.Serve(cfg.Public) }()
	go func() { ended <- private.Serve(cfg.Private) }()

	var failed error
	running := 2
	select {
	case <-ctx.Done():
		cfg.Logger.Info("draining", "timeout", cfg.DrainTimeout)
	case failed = <-ended:
		running--
	}
	cfg.Admin.Drain()
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.DrainTimeout)
	defer cancel()
	err := errors.Join(failed, public.Shutdown(draining), private.Shutdown(draining))
	if err != nil {
		err = errors.Join(err, public.Close(), private.Close())
	}
	for range running {
		<-ended
	}
	if err == nil {
		cfg.Logger.Info("drained")
	}
	return err
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
