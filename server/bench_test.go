package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// read is an application that reads the body, as every receiver of deliveries does.
var read = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })

// load posts 1 KiB deliveries to s over one connection.
func load(b *testing.B, s *httptest.Server, signer *verifiertest.Signer) {
	b.Helper()
	body := bytes.Repeat([]byte("x"), 1<<10)
	signature := signer.Sign(public+"/orders", body)
	post := func() {
		r, err := http.NewRequest(http.MethodPost, s.URL+"/orders", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Upstash-Signature", signature)
		answer, err := s.Client().Do(r)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			b.Fatalf("got %d", answer.StatusCode)
		}
	}
	post()
	b.ReportAllocs()
	for b.Loop() {
		post()
	}
}

func BenchmarkServer(b *testing.B) {
	signer := verifiertest.NewSigner()
	guard := newGuard(b, signer, server.GuardConfig{})
	app := serve(b, read)
	upstream, err := url.Parse(app.URL)
	if err != nil {
		b.Fatal(err)
	}
	gateway, err := server.NewGateway(server.GatewayConfig{Upstream: app.URL, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }}

	for _, bench := range []struct {
		name string
		h    http.Handler
	}{
		{"Bare", read},
		{"Guarded", guard.Protect(read)},
		{"ReverseProxy", proxy},
		{"Gateway", guard.Protect(gateway)},
	} {
		b.Run(bench.name, func(b *testing.B) { load(b, serve(b, bench.h), signer) })
	}
}
