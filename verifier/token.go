package verifier

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	"github.com/stashring/stashring/keystore"
)

// Token is what QStash signed of a delivery that was verified. Only that is
// signed: the method and every other header of the request can be anybody's.
type Token struct {
	ID          string          // "jti", the same for no two deliveries; "" if the token has none
	Destination string          // "sub", as it was signed
	Region      keystore.Region // whose keys it was verified with
	Slot        keystore.Slot   // which of them matched
	Key         string          // the fingerprint of that key

	IssuedAt  time.Time // "iat", zero if the token has none
	NotBefore time.Time // "nbf", zero if the token has none
	ExpiresAt time.Time // "exp"

	body [sha256.Size]byte
}

// CheckBody returns nil if body is what was signed, byte for byte as it came over
// the wire, and else an [ErrBody].
func (t *Token) CheckBody(body []byte) error {
	if sha256.Sum256(body) != t.body {
		return fmt.Errorf("%w: its %d bytes have another SHA-256 than the one signed", ErrBody, len(body))
	}
	return nil
}

// LogValue gives what identifies the delivery to log/slog.
func (t *Token) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", t.ID),
		slog.String("destination", t.Destination),
		slog.String("region", string(t.Region)),
		slog.String("slot", t.Slot.String()),
		slog.String("key", t.Key),
	)
}

type contextKey struct{}

// NewContext returns a context in which [FromContext] finds t.
func NewContext(ctx context.Context, t *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}

// FromContext returns the token of the delivery that a handler is called with,
// and false outside of one.
func FromContext(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(contextKey{}).(*Token)
	return t, ok
}
