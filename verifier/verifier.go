package verifier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stashring/stashring/internal/qstash"
	"github.com/stashring/stashring/keystore"
)

const issuer = qstash.Issuer

// MaxLeeway is the largest [Config.Leeway]: as long as a token of QStash lives.
const MaxLeeway = 5 * time.Minute

// Config holds what can be set of a [Verifier]. The zero Config is good for
// production.
type Config struct {
	// Leeway is by how much this clock and QStash's may differ. 0 means not at
	// all. At most [MaxLeeway].
	Leeway time.Duration

	// Now is the clock that tokens are judged by. nil means [time.Now].
	Now func() time.Time

	// InsecureSkipDestination accepts a token whatever URL it was signed for, so
	// that who has a delivery to one endpoint can replay it to another.
	InsecureSkipDestination bool
}

// Request is one delivery, as it arrived.
type Request struct {
	Signature   string // the value of the Upstash-Signature header
	Destination string // the URL that QStash was given, from what we know, never from what the request says
	Region      string // the value of the Upstash-Region header: a hint, "" if there is none
	Body        []byte // the bytes of the body, before anything has decoded them
}

// Verifier tells deliveries of QStash from all others. It is safe for concurrent
// use.
type Verifier struct {
	ring *keystore.Ring
	cfg  Config
}

// New returns a Verifier with the keys of ring. It fails without a ring and on a
// Leeway that is out of range.
func New(ring *keystore.Ring, cfg Config) (*Verifier, error) {
	if ring == nil {
		return nil, errors.New("verifier: the Ring is nil")
	}
	if cfg.Leeway < 0 || cfg.Leeway > MaxLeeway {
		return nil, fmt.Errorf("verifier: Config.Leeway is %v, and must be from 0 to %v", cfg.Leeway, MaxLeeway)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Verifier{ring: ring, cfg: cfg}, nil
}

// Verify judges a whole delivery. The token is returned with a nil error alone.
func (v *Verifier) Verify(ctx context.Context, req Request) (*Token, error) {
	t, err := v.VerifyToken(ctx, req.Signature, req.Destination, req.Region)
	if err != nil {
		return nil, err
	}
	if err := t.CheckBody(req.Body); err != nil {
		return nil, err
	}
	return t, nil
}

// parsed is one token on its way through VerifyToken.
type parsed struct {
	jws    jws
	claims claims
}

var parsedPool = sync.Pool{New: func() any { return new(parsed) }}

// VerifyToken judges a delivery by its headers alone, before its body is read;
// [Token.CheckBody] is the other half. The checks come in the order in which this
// package's errors are listed, and the error is that of the first one to fail.
//
// It waits for the key store only if the ring has no keys, or if a token that is
// plausible in everything else has a signature that no key made. When ctx ends
// meanwhile, the answer is an [ErrUndecided].
func (v *Verifier) VerifyToken(ctx context.Context, signature, destination, region string) (*Token, error) {
	if signature == "" {
		return nil, ErrMissing
	}
	p := parsedPool.Get().(*parsed)
	defer parsedPool.Put(p)
	if err := p.jws.parse(signature); err != nil {
		return nil, err
	}
	keys, slot, key, err := v.match(ctx, p, destination, keystore.Region(region))
	if err != nil {
		return nil, err
	}
	if err := p.claims.read(p.jws.payload); err != nil {
		return nil, err
	}
	now := v.cfg.Now()
	if reason := v.judge(&p.claims, destination, now); reason != nil {
		return nil, p.claims.explain(reason, destination, now)
	}
	return p.claims.token(keys.Region(), slot, key, destination), nil
}

// match finds the key that made the signature. If none did, and a newer one may
// have, it lets the ring look for newer ones.
func (v *Verifier) match(ctx context.Context, p *parsed, destination string, region keystore.Region) (keystore.Snapshot, keystore.Slot, keystore.Key, error) {
	keys, err := v.ring.Keys(ctx, region)
	for err == nil {
		if slot, key, ok := keys.Match(p.jws.signingInput, p.jws.mac[:]); ok {
			return keys, slot, key, nil
		}
		if !v.plausible(p, destination) {
			break // no key would make this token good
		}
		tried := keys
		if keys, err = v.ring.Refresh(ctx, tried); err == nil && keys.Generation() == tried.Generation() {
			break // the store has no others
		}
	}
	if err != nil {
		return keys, 0, keystore.Key{}, fmt.Errorf("%w: %w", ErrUndecided, err)
	}
	return keys, 0, keystore.Key{}, &signatureError{tried: keys}
}

// plausible reports whether the token would be good under the right key.
func (v *Verifier) plausible(p *parsed, destination string) bool {
	return p.claims.read(p.jws.payload) == nil && v.judge(&p.claims, destination, v.cfg.Now()) == nil
}
