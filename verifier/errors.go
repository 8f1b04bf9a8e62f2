package verifier

import (
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/stashring/stashring/keystore"
)

// reason is the class of a refusal. Some are also a reason of golang-jwt's, for
// code that already asks for those.
type reason struct {
	text string
	also error
}

func (r *reason) Error() string        { return r.text }
func (r *reason) Is(target error) bool { return r.also != nil && target == r.also }

// Why a delivery is refused, in the order in which it is checked. Every error of
// this package is one of these by errors.Is, and says more in its text, which
// holds no key, no token and no body.
var (
	// ErrMissing: there is no signature.
	ErrMissing error = &reason{"no signature", nil}

	// ErrMalformed: the signature is over 16 KiB, isn't three canonical base64url
	// segments (RFC 7515, section 7.1), or its header isn't that of a JWT.
	ErrMalformed error = &reason{"malformed token", jwt.ErrTokenMalformed}

	// ErrAlgorithm: the header asks for something else than HS256, or for an
	// extension ("crit", "b64") that would change what is signed.
	ErrAlgorithm error = &reason{"algorithm not accepted", jwt.ErrTokenUnverifiable}

	// ErrSignature: no key made this signature. Either it is forged, or it was
	// made with keys that the store doesn't have.
	ErrSignature error = &reason{"signature does not match", jwt.ErrTokenSignatureInvalid}

	// ErrUndecided: the keys could not be had, or not confirmed, so that the
	// delivery is neither accepted nor refused. It should be tried again. The
	// error wraps a *keystore.UnavailableError, which says when.
	ErrUndecided error = &reason{"can't be decided now", jwt.ErrTokenUnverifiable}

	// ErrClaims: the payload isn't one strict JSON object, of 256 names, values
	// and brackets at most, with the required claims in their types. The token was
	// signed all the same.
	ErrClaims error = &reason{"claims not accepted", jwt.ErrTokenInvalidClaims}

	// ErrIssuer: "iss" isn't "Upstash".
	ErrIssuer error = &reason{"wrong issuer", jwt.ErrTokenInvalidIssuer}

	// ErrDestination: "sub" isn't the URL at which the delivery arrived, or that
	// URL is "", which stands for not known.
	ErrDestination error = &reason{"wrong destination", jwt.ErrTokenInvalidSubject}

	// ErrExpired: "exp" and the leeway are over.
	ErrExpired error = &reason{"token expired", jwt.ErrTokenExpired}

	// ErrNotYetValid: "nbf" is further ahead than the leeway.
	ErrNotYetValid error = &reason{"token not valid yet", jwt.ErrTokenNotValidYet}

	// ErrBody: the body isn't the one that was signed.
	ErrBody error = &reason{"body does not match", nil}
)

// signatureError is an ErrSignature that names what was tried. Its text is made
// when somebody reads it, because a flood of forgeries makes many.
type signatureError struct{ tried keystore.Snapshot }

func (e *signatureError) Unwrap() error { return ErrSignature }

func (e *signatureError) Error() string {
	keys := e.tried.Keys()
	return fmt.Sprintf("%v: tried current %v and next %v of region %q", ErrSignature, keys.Current, keys.Next, string(e.tried.Region()))
}
