package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/stashring/stashring/verifier"
)

// The headers that tell the upstream what was verified. Requests can't bring them.
const (
	TokenIDHeader     = "Stashring-Token-Id"
	DestinationHeader = "Stashring-Destination"
	RegionHeader      = "Stashring-Region"
)

// GatewayConfig holds what can be set of a gateway.
type GatewayConfig struct {
	// Upstream is the application: http://127.0.0.1:3000. It has no path, because
	// the one that was signed is forwarded unchanged. It must be set.
	Upstream string

	// Timeout is how long the upstream may take until its answer begins. 0 means
	// 15 minutes.
	Timeout time.Duration

	// Logger hears of an upstream that fails. nil means [slog.Default].
	Logger *slog.Logger
}

// NewGateway returns a reverse proxy for an application in any language. It goes
// behind a [Guard], and forwards nothing that didn't come through one.
//
// Path, query and body reach the upstream as they were signed, or not at all. So
// do the method and the other headers, which nobody signed, except those that are
// the gateway's own in any spelling.
func NewGateway(cfg GatewayConfig) (http.Handler, error) {
	upstream, err := url.Parse(cfg.Upstream)
	switch {
	case err != nil || upstream.Host == "" || upstream.Scheme != "http" && upstream.Scheme != "https":
		return nil, errors.New("server: the upstream is not of the form http://host:port")
	case upstream.Path != "" && upstream.Path != "/" || upstream.RawQuery != "" || upstream.Fragment != "" || upstream.User != nil:
		return nil, errors.New("server: the upstream has a path, a query or a user; give scheme, host and port alone, for the path that was signed is forwarded unchanged")
	case cfg.Timeout < 0:
		return nil, errors.New("server: GatewayConfig.Timeout is negative")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the upstream is ours, and near
	transport.MaxIdleConnsPerHost = 64
	transport.ResponseHeaderTimeout = cfg.Timeout
	transport.DisableCompression = true // bytes pass as they are

	proxy := &httputil.ReverseProxy{
		Transport:  transport,
		BufferPool: &buffers{},
		Rewrite:    func(r *httputil.ProxyRequest) { rewrite(r, upstream) },
		ErrorLog:   slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			upstreamFailed(w, r, err, cfg.Logger)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, ok := verifier.FromContext(r.Context()); {
		case !ok:
			cfg.Logger.ErrorContext(r.Context(), "a request reached the gateway without passing a guard")
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		case r.Header.Get("Upgrade") != "":
			http.Error(w, "no upgrade", http.StatusBadRequest)
		case forwarded(r, upstream).RequestURI() != r.RequestURI:
			cfg.Logger.WarnContext(r.Context(), "delivery not forwarded: its target can't be passed on as it was signed")
			http.Error(w, "target can't be forwarded", http.StatusBadRequest)
		default:
			proxy.ServeHTTP(w, r)
		}
	}), nil
}

// buffers lends out what answers are copied with.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }

// forwarded returns the URL of a request at the upstream.
func forwarded(r *http.Request, upstream *url.URL) *url.URL {
	u := *r.URL
	u.Scheme, u.Host = upstream.Scheme, upstream.Host
	if !strings.HasPrefix(r.RequestURI, "//") { // which would make it a host
		// Opaque is sent as it stands; Path would be escaped again.
		u.Opaque, u.RawQuery, u.ForceQuery = r.RequestURI, "", false
	}
	return &u
}

func rewrite(r *httputil.ProxyRequest, upstream *url.URL) {
	r.Out.URL = forwarded(r.In, upstream)
	r.Out.Host = "" // the upstream's
	for name := range r.Out.Header {
		if isOurs(name) {
			delete(r.Out.Header, name)
		}
	}
	r.SetXForwarded()
	token, _ := verifier.FromContext(r.In.Context())
	if public, err := url.Parse(token.Destination); err == nil && public.Host != "" {
		// What was signed, where the request has only its sender's word.
		r.Out.Header.Set("X-Forwarded-Host", public.Host)
		r.Out.Header.Set("X-Forwarded-Proto", public.Scheme)
	}
	r.Out.Header.Set(TokenIDHeader, token.ID)
	r.Out.Header.Set(DestinationHeader, token.Destination)
	if token.Region != "" {
		r.Out.Header.Set(RegionHeader, string(token.Region))
	}
}

// isOurs reports whether a header's name is one of the gateway's in any spelling
// that an application might take for it: CGI and its heirs make one variable of
// Stashring-Region and stashring_region.
func isOurs(name string) bool {
	letters := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, name)
	return strings.HasPrefix(letters, "stashring")
}

func upstreamFailed(w http.ResponseWriter, r *http.Request, err error, log *slog.Logger) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return // the sender has gone
	}
	status := http.StatusBadGateway
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		status = http.StatusGatewayTimeout
	}
	log.ErrorContext(r.Context(), "the upstream failed", "status", status, "error", err)
	http.Error(w, http.StatusText(status), status)
}
