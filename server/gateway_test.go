package server_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// newGateway returns a guarded gateway to upstream, on a socket.
func newGateway(t testing.TB, signer *verifiertest.Signer, cfg server.GatewayConfig) *httptest.Server {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	gateway, err := server.NewGateway(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, newGuard(t, signer, server.GuardConfig{}).Protect(gateway))
}

func TestGatewayForwardsWhatWasSignedAndSaysWhatItIs(t *testing.T) {
	signer := verifiertest.NewSigner()
	body := "\x00exact\xff"
	upstream := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || string(got) != body || r.ContentLength != int64(len(body)) {
			t.Errorf("got body %q (%v) of length %d", got, err, r.ContentLength)
		}
		for name, want := range map[string]string{
			"Stashring-Destination": public + "/a?b=c",
			"X-Forwarded-Host":      "hooks.example.com",
			"X-Forwarded-Proto":     "https",
			"X-Forwarded-For":       "127.0.0.1",
			"Content-Type":          "application/x-mine",
			"Accept-Encoding":       "gzip",
			"Stashring-Region":      "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if id := r.Header.Get("Stashring-Token-Id"); !strings.HasPrefix(id, "jwt_") {
			t.Errorf("got token id %q", id)
		}
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	}))
	s := newGateway(t, signer, server.GatewayConfig{Upstream: upstream.URL})
	answer, text := deliver(t, s, "/a?b=c", signer.Sign(public+"/a?b=c", []byte(body)), struct{ io.Reader }{strings.NewReader(body)}, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-mine")
		r.Header.Set("X-Forwarded-Host", "forged.example")
		r.Header.Set("X-Forwarded-For", "6.6.6.6")
		r.Header.Set("Forwarded", "host=forged.example")
		r.Header.Set("Accept-Encoding", "gzip")
	})
	if answer.StatusCode != http.StatusTeapot || text != "short and stout" || answer.Header.Get("X-Answer") != "yes" {
		t.Errorf("got %d, %q and %v, want the upstream's answer", answer.StatusCode, text, answer.Header)
	}
}

func TestIdentityHeadersOfARequestAreStrippedInEverySpelling(t *testing.T) {
	signer := verifiertest.NewSigner()
	upstream := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			for _, value := range values {
				if strings.Contains(value, "forged") {
					t.Errorf("the upstream got %s: %s", name, value)
				}
			}
		}
		if got, ok := r.Header["Accept-Encoding"]; ok {
			t.Errorf("the upstream is asked for %v, which the request didn't say", got)
		}
	}))
	s := newGateway(t, signer, server.GatewayConfig{Upstream: upstream.URL})
	signature := signer.Sign(public+"/", []byte("hello"))
	answer := talk(t, s, head(signature, "Connection: Stashring-Token-Id, close\r\n"+
		"Stashring-Token-Id: forged\r\n"+
		"stashring-token-id: forged\r\n"+
		"STASHRING-DESTINATION: forged\r\n"+
		"Stashring_Token_Id: forged\r\n"+
		"stashring_destination: forged\r\n"+
		"Stashring.Region: forged\r\n"+
		"StashringRegion: forged\r\n"+
		"Stashring--Region: forged\r\n"+
		"_Stashring-Region: forged\r\n"+
		"Stashring-Anything: forged\r\n"+
		"Trailer: Stashring-Token-Id\r\n"+
		"Transfer-Encoding: chunked\r\n")+"5\r\nhello\r\n0\r\nStashring-Token-Id: forged\r\n\r\n")
	if answer.StatusCode != http.StatusOK {
		t.Errorf("got %d, want 200", answer.StatusCode)
	}
}

func TestTargetsReachTheUpstreamAsTheyWereSignedOrNotAtAll(t *testing.T) {
	signer := verifiertest.NewSigner()
	var got atomic.Value
	upstream := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got.Store(r.RequestURI) }))
	s := newGateway(t, signer, server.GatewayConfig{Upstream: upstream.URL})
	forwarded := 0
	for _, target := range []string{
		"/", "/a", "/a/", "/?", "/?a", "/a?", "/a?b=c&b=d",
		"/a%2Fb/../c?x=1;y=%zz", "/a%2fb", "/a//b", "//a", "//a%2F/b?c", "/./a", "/a/..", "/%2e%2e/",
		"/a|b", "/a^b", `/a\b`, "/a<b>", "/a\"b", "/é", "/%C3%A9", "/a;b=c", "/a:b@c", "/a?b#", "/?%",
		"//a|b", "/a+b?c+d", "/*", "/a%00b", "/a?x=http://h/", "/a?;;", "/a?=", "/a?&&",
	} {
		got.Store("")
		request := strings.Replace(head(signer.Sign(public+target, nil), "Connection: close\r\n"), "POST /", "POST "+target, 1)
		status := talk(t, s, request).StatusCode
		switch arrived := got.Load().(string); {
		case status == http.StatusOK && arrived == target:
			forwarded++
		case status == http.StatusBadRequest && arrived == "":
			t.Logf("%s: refused", target)
		default:
			t.Errorf("%s: got %d, and the upstream got %q", target, status, arrived)
		}
	}
	if forwarded < 30 {
		t.Errorf("only %d targets were forwarded", forwarded)
	}
}

func TestNothingReachesTheUpstreamOfADeliveryThatIsRefused(t *testing.T) {
	signer := verifiertest.NewSigner()
	upstream := serve(t, never(t))
	s := newGateway(t, signer, server.GatewayConfig{Upstream: upstream.URL})
	deliver(t, s, "/", other.Sign(public+"/", nil), nil)
	deliver(t, s, "/", signer.Sign(public+"/b", nil), nil)
	deliver(t, s, "/", signer.Sign(public+"/", []byte("x")), strings.NewReader("y"))

	gateway, err := server.NewGateway(server.GatewayConfig{Upstream: upstream.URL, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	gateway.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", nil))
	if recorder.Code != http.StatusInternalServerError {
		t.Errorf("without a guard: got %d, want 500", recorder.Code)
	}
}

func TestUpgradesAreRefused(t *testing.T) {
	signer := verifiertest.NewSigner()
	s := newGateway(t, signer, server.GatewayConfig{Upstream: serve(t, never(t)).URL})
	for _, more := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket\r\n",
		"Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
		"Upgrade: websocket\r\n",
	} {
		if answer := talk(t, s, head(signer.Sign(public+"/", nil), more)); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: got %d, want 400", more, answer.StatusCode)
		}
	}
}

func TestAnUpstreamThatIsDeadGives502AndOneThatIsSlow504(t *testing.T) {
	signer := verifiertest.NewSigner()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := "http://" + listener.Addr().String()
	listener.Close()
	release := make(chan struct{})
	slow := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-release }))
	defer close(release)
	broken := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	for upstream, want := range map[string]int{
		dead:       http.StatusBadGateway,
		broken.URL: http.StatusBadGateway,
		slow.URL:   http.StatusGatewayTimeout,
	} {
		s := newGateway(t, signer, server.GatewayConfig{Upstream: upstream, Timeout: 200 * time.Millisecond})
		if answer, _ := deliver(t, s, "/", signer.Sign(public+"/", nil), nil); answer.StatusCode != want {
			t.Errorf("got %d, want %d", answer.StatusCode, want)
		}
	}
}

func TestAnUpstreamIsAnOriginAndNothingMore(t *testing.T) {
	for _, upstream := range []string{"", "127.0.0.1:3000", "ftp://h", "http://", "http://h/path", "http://h?a", "http://u:p@h", "http://h#f"} {
		if gateway, err := server.NewGateway(server.GatewayConfig{Upstream: upstream}); err == nil || gateway != nil {
			t.Errorf("%q: got no error", upstream)
		}
	}
	if _, err := server.NewGateway(server.GatewayConfig{Upstream: "http://h", Timeout: -1}); err == nil {
		t.Error("a negative timeout: got no error")
	}
}

func TestRegionOfTheKeysIsToldToTheUpstream(t *testing.T) {
	signer := verifiertest.NewSigner()
	gateway, err := server.NewGateway(server.GatewayConfig{Logger: quiet, Upstream: serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Stashring-Region"); got != "US_EAST_1" {
			t.Errorf("got region %q", got)
		}
	})).URL})
	if err != nil {
		t.Fatal(err)
	}
	r := signer.Request(public+"/", nil)
	recorder := httptest.NewRecorder()
	gateway.ServeHTTP(recorder, r.WithContext(verifier.NewContext(r.Context(), &verifier.Token{Region: "US_EAST_1", Destination: public + "/"})))
	if recorder.Code != http.StatusOK {
		t.Errorf("got %d, want 200", recorder.Code)
	}
}
