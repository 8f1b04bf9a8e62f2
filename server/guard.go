package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/stashring/stashring/internal/qstash"
	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier"
)

// DefaultMaxBody is [GuardConfig.MaxBody] when that is 0: 10 MiB.
const DefaultMaxBody = 10 << 20

// GuardConfig holds what can be set of a [Guard].
type GuardConfig struct {
	// Verifier judges the deliveries. It must be set.
	Verifier *verifier.Verifier

	// Destination tells the URL that a delivery must be signed for. It must be
	// set; [At] makes one of a public URL.
	Destination Destination

	// MaxBody is the largest body that is read, in bytes. 0 means
	// [DefaultMaxBody].
	MaxBody int64

	// Logger hears why a delivery was refused, which its sender doesn't. nil means
	// [slog.Default].
	Logger *slog.Logger
}

// Guard keeps everything from a handler that QStash didn't send.
type Guard struct{ cfg GuardConfig }

// NewGuard returns a Guard. It fails where Verifier or Destination is missing and
// on a negative MaxBody.
func NewGuard(cfg GuardConfig) (*Guard, error) {
	switch {
	case cfg.Verifier == nil:
		return nil, errors.New("server: GuardConfig.Verifier is nil; verifier.New makes one")
	case cfg.Destination == nil:
		return nil, errors.New(`server: GuardConfig.Destination is nil; server.At("https://…") makes one of your public URL`)
	case cfg.MaxBody < 0:
		return nil, errors.New("server: GuardConfig.MaxBody is negative")
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Guard{cfg: cfg}, nil
}

// Protect returns a handler that passes verified deliveries to next, with the
// body that was signed and a context in which verifier.FromContext finds the
// token. All others it answers itself:
//
//   - 401, the same to the letter for every reason, before the body is read if
//     the token gives the reason;
//   - 503 with Retry-After where the keys can't be had, so that QStash tries again;
//   - 413 for a body over MaxBody and 400 for one that ends early.
func (g *Guard) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := g.verifyToken(r)
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		body, err := g.readBody(w, r)
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		if err := token.CheckBody(body); err != nil {
			g.refuse(w, r, err)
			return
		}
		g.cfg.Logger.DebugContext(r.Context(), "delivery verified", "delivery", token, "bytes", len(body))
		next.ServeHTTP(w, verified(r, token, body))
	})
}

var (
	errTwoSignatures = errors.New("more than one " + qstash.SignatureHeader + " header")
	errNoDestination = errors.New("can't tell the URL that the delivery was sent to")
	errBodyTooLarge  = errors.New("body over the limit")
	errBodyCutOff    = errors.New("body ended early")
)

func (g *Guard) verifyToken(r *http.Request) (*verifier.Token, error) {
	signatures := r.Header[qstash.SignatureHeader]
	if len(signatures) > 1 {
		return nil, errTwoSignatures
	}
	if len(signatures) == 0 {
		return nil, verifier.ErrMissing
	}
	destination, err := g.cfg.Destination(r)
	if errors.Is(err, errTarget) {
		return nil, err
	}
	if err != nil {
		return nil, errors.Join(errNoDestination, err)
	}
	return g.cfg.Verifier.VerifyToken(r.Context(), signatures[0], destination, r.Header.Get(qstash.RegionHeader))
}

// readBody reads the whole body, into memory of exactly its size if the size was
// announced.
func (g *Guard) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	switch {
	case r.ContentLength > g.cfg.MaxBody:
		return nil, errBodyTooLarge
	case r.ContentLength == 0:
		return nil, nil
	case r.ContentLength > 0:
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, errors.Join(errBodyCutOff, err)
		}
		return body, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.cfg.MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, errors.Join(errBodyCutOff, err)
	}
	return body, nil
}

// verified returns the request that the next handler gets: its body is the one
// that was signed, and nothing can follow it.
func verified(r *http.Request, token *verifier.Token, body []byte) *http.Request {
	r = r.WithContext(verifier.NewContext(r.Context(), token))
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Trailer = nil
	return r
}

// refuse answers a delivery that goes no further, and logs why.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, level := http.StatusUnauthorized, slog.LevelWarn
	switch {
	case errors.Is(err, verifier.ErrUndecided), errors.Is(err, errNoDestination):
		// Nothing is known against the delivery. Keys are out of reach, or a
		// setting must be mended; until then QStash should keep it.
		status, level = http.StatusServiceUnavailable, slog.LevelError
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(r, err)))
	case errors.Is(err, errBodyTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errBodyCutOff):
		status = http.StatusBadRequest
	default:
		w.Header().Set("WWW-Authenticate", qstash.SignatureHeader) // RFC 9110, section 15.5.2
	}
	if errors.Is(r.Context().Err(), context.Canceled) {
		level = slog.LevelDebug // nobody waits for the answer
	}
	g.cfg.Logger.Log(r.Context(), level, "delivery not accepted", "status", status, "reason", err)

	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // or net/http would read on, to use the connection again
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// retryAfter returns the seconds after which asking again may help. It is never
// less than QStash would wait by itself, e to the power of 2.5 for each attempt so
// far (12 s, 2 min 28 s, 30 min 8 s), because an answer with an earlier time would
// use up its retries while the store is still down.
//
// How often a delivery was retried isn't signed. Who lies about it gets a longer
// or shorter time in an answer to himself.
func retryAfter(r *http.Request, err error) int {
	retried, _ := strconv.ParseUint(r.Header.Get(qstash.RetriedHeader), 10, 8)
	wait := math.Min(math.Exp(2.5*float64(retried+1)), (24 * time.Hour).Seconds())
	if unavailable, ok := errors.AsType[*keystore.UnavailableError](err); ok {
		wait = math.Max(wait, unavailable.RetryAfter.Seconds())
	}
	return int(math.Ceil(wait))
}
