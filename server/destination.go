package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Destination tells which URL QStash was given for a request, so that the token's
// "sub" can be held against it. It must come from what the program knows: a Host
// or X-Forwarded-Host header is the sender's word, and believing it lets a
// delivery to one endpoint open another.
type Destination func(r *http.Request) (string, error)

// At returns the Destination of a program that knows its public URL: base, joined
// with the target of the request as it stood in the request line. A path in base,
// such as the /prod of an API Gateway stage, stays in front.
//
// It fails on a base that isn't an http or https URL, or that has a query, a
// fragment or a user.
func At(base string) (Destination, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("server: the public URL is not of the form https://host, perhaps with a path")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(base, "#"):
		return nil, errors.New("server: the public URL has a query or a fragment; give it up to the path alone")
	case u.User != nil:
		return nil, errors.New("server: the public URL has a user in it; leave that out")
	}
	base = strings.TrimRight(base, "/")
	return func(r *http.Request) (string, error) {
		target, err := rawTarget(r)
		if err != nil {
			return "", err
		}
		return base + target, nil
	}, nil
}

// InsecureSkipDestination is the Destination of a guard whose verifier has
// InsecureSkipDestination set: no destination is compared.
func InsecureSkipDestination(*http.Request) (string, error) { return "", nil }

var errTarget = errors.New("the request's target is not a path")

// rawTarget returns path and query as the sender wrote them (RFC 9112, section
// 3.2.1). The other forms of a target are for proxies and for OPTIONS.
func rawTarget(r *http.Request) (string, error) {
	target := r.RequestURI
	if target == "" { // not from a server
		target = r.URL.RequestURI()
	}
	if !strings.HasPrefix(target, "/") {
		return "", fmt.Errorf("%w: it has %d bytes and does not begin with /", errTarget, len(target))
	}
	return target, nil
}
