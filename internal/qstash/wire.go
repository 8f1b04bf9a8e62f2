// Package qstash is what QStash puts on the wire: the names of its headers, and
// the token that it signs a delivery with.
package qstash

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/stashring/stashring/keystore"
)

const (
	SignatureHeader = "Upstash-Signature"
	RegionHeader    = "Upstash-Region"
	RetriedHeader   = "Upstash-Retried" // how many attempts went before

	// Issuer is the "iss" of every token.
	Issuer = "Upstash"

	// Lifetime is how long a token is valid after it was issued.
	Lifetime = 5 * time.Minute
)

// Token is a token before it is signed. Its members may be edited.
type Token struct {
	Header, Claims map[string]any
}

// NewToken makes the token of one delivery as QStash makes it, down to an "nbf"
// that is Go's zero time and the padding behind the hash of the body.
func NewToken(url string, body []byte, issued time.Time) Token {
	hash := sha256.Sum256(body)
	return Token{
		Header: map[string]any{"alg": "HS256", "typ": "JWT"},
		Claims: map[string]any{
			"aud":  "",
			"body": base64.URLEncoding.EncodeToString(hash[:]),
			"exp":  issued.Add(Lifetime).Unix(),
			"iat":  issued.Unix(),
			"iss":  Issuer,
			"jti":  "jwt_" + rand.Text(),
			"nbf":  time.Time{}.Unix(),
			"sub":  url,
		},
	}
}

// Sign returns the compact form of t: members in alphabetical order, as
// json.Marshal writes a map.
func (t Token) Sign(key keystore.Key) (string, error) {
	input, err := (&jwt.Token{Header: t.Header, Claims: jwt.MapClaims(t.Claims)}).SigningString()
	if err != nil {
		return "", fmt.Errorf("qstash: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(key.Sign([]byte(input))), nil
}
