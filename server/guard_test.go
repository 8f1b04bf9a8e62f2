package server_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func TestHandlerSeesExactlyTheSignedBytesAndTheToken(t *testing.T) {
	signer := verifiertest.NewSigner()
	body := []byte("\xef\xbb\xbf{\"a\": 1}\r\n\x00\xff")
	for name, reader := range map[string]io.Reader{
		"with a length": bytes.NewReader(body),
		"chunked":       struct{ io.Reader }{bytes.NewReader(body)},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, newGuard(t, signer, server.GuardConfig{}).Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, err := io.ReadAll(r.Body)
				token, ok := verifier.FromContext(r.Context())
				if err != nil || !ok || !bytes.Equal(got, body) || r.ContentLength != int64(len(body)) || r.TransferEncoding != nil {
					t.Errorf("got %q (%v), length %d, encoding %v, token %v", got, err, r.ContentLength, r.TransferEncoding, token)
				}
				if token.Destination != public+"/a?b" {
					t.Errorf("got destination %q", token.Destination)
				}
				w.WriteHeader(http.StatusAccepted)
			})))
			if answer, text := deliver(t, s, "/a?b", signer.Sign(public+"/a?b", body), reader); answer.StatusCode != http.StatusAccepted {
				t.Errorf("got %d and %s, want the handler's 202", answer.StatusCode, text)
			}
		})
	}
}

// never is a handler that no delivery may reach.
func never(t *testing.T) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a refused delivery reached the handler") })
}

func TestEveryRefusalIsTheSame401(t *testing.T) {
	signer := verifiertest.NewSigner()
	s := serve(t, newGuard(t, signer, server.GuardConfig{}).Protect(never(t)))
	good := signer.Sign(public+"/", []byte("x"))
	var first string
	for name, edit := range map[string]func(*http.Request){
		"no signature":       func(r *http.Request) { r.Header.Del("Upstash-Signature") },
		"an empty signature": func(r *http.Request) { r.Header.Set("Upstash-Signature", "") },
		"two signatures":     func(r *http.Request) { r.Header.Add("Upstash-Signature", good) },
		"two in one value":   func(r *http.Request) { r.Header.Set("Upstash-Signature", good+", "+good) },
		"garbage":            func(r *http.Request) { r.Header.Set("Upstash-Signature", "a.b.c") },
		"another account":    func(r *http.Request) { r.Header.Set("Upstash-Signature", other.Sign(public+"/", []byte("x"))) },
		"expired": func(r *http.Request) {
			r.Header.Set("Upstash-Signature", signer.Sign(public+"/", []byte("x"), verifiertest.Claim("exp", 1)))
		},
		"another destination": func(r *http.Request) { r.URL.Path = "/b" },
		"another body": func(r *http.Request) {
			r.Header.Set("Upstash-Signature", signer.Sign(public+"/", []byte("y")))
		},
	} {
		answer, text := deliver(t, s, "/", good, strings.NewReader("x"), edit)
		answer.Header.Del("Date")
		answer.Header.Del("Connection")
		got := fmt.Sprint(answer.StatusCode, answer.Header, text)
		if first == "" {
			first = got
		}
		if answer.StatusCode != http.StatusUnauthorized || got != first {
			t.Errorf("%s: got %s, want %s", name, got, first)
		}
	}
}

// talk writes a request to s as it stands and returns what comes back.
func talk(t *testing.T, s *httptest.Server, head string) *http.Response {
	t.Helper()
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func head(signature, more string) string {
	return "POST / HTTP/1.1\r\nHost: h\r\nUpstash-Signature: " + signature + "\r\n" + more + "\r\n"
}

func TestAForgeryIsRefusedWithNoByteOfItsBodyReadAndNo100Continue(t *testing.T) {
	signer := verifiertest.NewSigner()
	guarded := newGuard(t, signer, server.GuardConfig{}).Protect(never(t))
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = unread{t, r.Body}
		guarded.ServeHTTP(w, r)
	}))
	forged := other.Sign(public+"/", nil)
	for _, more := range []string{
		"Expect: 100-continue\r\nContent-Length: 10485760\r\n",
		"Content-Length: 10485760\r\n",
		"Transfer-Encoding: chunked\r\n",
		"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
		"Content-Length: 99999999999999\r\n",
	} {
		answer := talk(t, s, head(forged, more))
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: got %d, want 401 and nothing before it", more, answer.StatusCode)
		}
		if !answer.Close {
			t.Errorf("%q: the connection stays open, so the server reads the body after all", more)
		}
	}
}

// unread is a body that nobody may read.
type unread struct {
	t *testing.T
	io.Closer
}

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a forgery was read")
	return 0, errors.New("unread")
}

func TestAGenuineDeliveryGetsIts100ContinueAndItsAnswer(t *testing.T) {
	signer := verifiertest.NewSigner()
	s := serve(t, newGuard(t, signer, server.GuardConfig{}).Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Upstash-Signature", signer.Sign(public, []byte("body")))
	r.Header.Set("Expect", "100-continue")
	transport := &http.Transport{ExpectContinueTimeout: time.Minute} // it waits for the 100
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("got %d, want 200", answer.StatusCode)
	}
}

func TestBodiesThatAreTooLargeOrEndEarlyGetTheirStatus(t *testing.T) {
	signer := verifiertest.NewSigner()
	s := serve(t, newGuard(t, signer, server.GuardConfig{MaxBody: 100}).Protect(never(t)))
	large := strings.Repeat("x", 101)
	genuine := signer.Sign(public+"/", []byte(large))

	if answer, _ := deliver(t, s, "/", genuine, strings.NewReader(large)); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("with a Content-Length over the limit: got %d, want 413", answer.StatusCode)
	}
	if answer, _ := deliver(t, s, "/", genuine, struct{ io.Reader }{strings.NewReader(large)}); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("with a stream over the limit: got %d, want 413", answer.StatusCode)
	}
	for name, sent := range map[string]string{
		"a length that isn't kept": head(genuine, "Content-Length: 50\r\n") + "short",
		"a stream without an end":  head(genuine, "Transfer-Encoding: chunked\r\n") + "5\r\nshort\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := url.Parse(s.URL)
			c, err := net.Dial("tcp", address.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("got %d, want 400", answer.StatusCode)
			}
		})
	}
}

func TestAnOutageIs503AndNeverHurriesQStash(t *testing.T) {
	s := serve(t, newGuard(t, down, server.GuardConfig{}).Protect(never(t)))
	for retried, want := range map[string]int{"": 13, "0": 13, "1": 149, "2": 1809, "9": 86400, "x": 13, "-1": 13} {
		answer, _ := deliver(t, s, "/", other.Sign(public+"/", nil), nil, func(r *http.Request) { r.Header.Set("Upstash-Retried", retried) })
		after, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if answer.StatusCode != http.StatusServiceUnavailable || err != nil || after < want-1 || after > max(want, 30) {
			t.Errorf("retried %q: got %d with Retry-After %q, want 503 with about %d", retried, answer.StatusCode, answer.Header.Get("Retry-After"), want)
		}
	}
}

func TestAPauseThatIsLongerThanQStashsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newGuard(t, down, server.GuardConfig{}).Protect(never(t))
		for range 100 {
			recorder := httptest.NewRecorder()
			h.ServeHTTP(recorder, other.Request(public+"/", nil))
			if after, _ := strconv.Atoi(recorder.Header().Get("Retry-After")); after > 13 && after <= 30 {
				return
			}
			time.Sleep(30 * time.Second)
		}
		t.Error("the ring's backoff grows to 30 s, and no Retry-After says so")
	})
}

func TestTrailersEndAtTheGuard(t *testing.T) {
	signer := verifiertest.NewSigner()
	s := serve(t, newGuard(t, signer, server.GuardConfig{}).Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil || len(r.Trailer) != 0 {
			t.Errorf("the handler got trailers %v (%v)", r.Trailer, err)
		}
	})))
	answer := talk(t, s, head(signer.Sign(public+"/", []byte("hello")), "Trailer: X-Late\r\nTransfer-Encoding: chunked\r\n")+
		"5\r\nhello\r\n0\r\nX-Late: yes\r\n\r\n")
	if answer.StatusCode != http.StatusOK {
		t.Errorf("got %d, want 200", answer.StatusCode)
	}
}

func TestADestinationThatCanNotBeToldIs503AndMalformedTargetsAreRefused(t *testing.T) {
	signer := verifiertest.NewSigner()
	s := serve(t, newGuard(t, signer, server.GuardConfig{
		Destination: func(*http.Request) (string, error) { return "", errors.New("a setting is missing") },
	}).Protect(never(t)))
	if answer, _ := deliver(t, s, "/", signer.Sign(public+"/", nil), nil); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("got %d, want 503 with Retry-After: the delivery may be genuine", answer.StatusCode)
	}
	s = serve(t, newGuard(t, signer, server.GuardConfig{}).Protect(never(t)))
	absolute := strings.Replace(head(signer.Sign(public+"/", nil), "Connection: close\r\n"), "POST /", "POST "+public+"/", 1)
	if answer := talk(t, s, absolute); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a target in absolute form: got %d, want 401", answer.StatusCode)
	}
}

func TestDestinationIsThePublicURLAndTheTargetAsItStood(t *testing.T) {
	for _, test := range []struct{ base, target, want string }{
		{"https://h", "/", "https://h/"},
		{"https://h/", "/a/", "https://h/a/"},
		{"https://h/prod", "/a?b=%2f&c", "https://h/prod/a?b=%2f&c"},
		{"https://h/prod/", "/a%2Fb/../c?x=1;y=%zz", "https://h/prod/a%2Fb/../c?x=1;y=%zz"},
		{"https://h:8443", "//double", "https://h:8443//double"},
	} {
		at, err := server.At(test.base)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "http://forged.example/", nil)
		r.RequestURI = test.target
		r.Header.Set("X-Forwarded-Host", "forged.example")
		if got, err := at(r); err != nil || got != test.want {
			t.Errorf("At(%q) of %q: got %q and %v, want %q", test.base, test.target, got, err, test.want)
		}
	}
	for _, base := range []string{"", "h.example", "ftp://h", "https://", "https://h?a", "https://h#f", "https://h?", "https://u@h", "://"} {
		if at, err := server.At(base); err == nil || at != nil {
			t.Errorf("At(%q): got no error", base)
		}
	}
}

func TestAGuardWithoutAVerifierOrADestinationIsNone(t *testing.T) {
	signer := verifiertest.NewSigner()
	v, err := verifier.New(signer.Ring(), verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	at, err := server.At(public)
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]server.GuardConfig{
		"no verifier":      {Destination: at},
		"no destination":   {Verifier: v},
		"a negative limit": {Verifier: v, Destination: at, MaxBody: -1},
	} {
		if guard, err := server.NewGuard(cfg); err == nil || guard != nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestLeavingTheDestinationOutTakesTwoInsecureWords(t *testing.T) {
	signer := verifiertest.NewSigner()
	for _, insecure := range []bool{false, true} {
		v, err := verifier.New(signer.Ring(), verifier.Config{InsecureSkipDestination: insecure})
		if err != nil {
			t.Fatal(err)
		}
		guard, err := server.NewGuard(server.GuardConfig{Verifier: v, Destination: server.InsecureSkipDestination, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		recorder := httptest.NewRecorder()
		guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(recorder, signer.Request("https://anywhere.example/", nil))
		want := map[bool]int{false: 401, true: 200}[insecure]
		if recorder.Code != want {
			t.Errorf("verifier with InsecureSkipDestination %v: got %d, want %d", insecure, recorder.Code, want)
		}
	}
}

func TestAThousandForgeriesWithLargeBodiesTakeNoMemoryForThem(t *testing.T) {
	signer := verifiertest.NewSigner()
	s := serve(t, newGuard(t, signer, server.GuardConfig{}).Protect(never(t)))
	request := head(other.Sign(public+"/", nil), "Content-Length: 10485760\r\n") + strings.Repeat("x", 4<<10)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)

	connections := make([]net.Conn, 1000)
	address, _ := url.Parse(s.URL)
	var wg sync.WaitGroup
	for i := range connections {
		c, err := net.Dial("tcp", address.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		connections[i] = c
		wg.Go(func() { _, _ = io.WriteString(c, request) })
	}
	wg.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse); grown > 32<<20 {
		t.Errorf("memory grew by %d MiB, want at most 32", grown>>20)
	}
	for _, c := range connections {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Fatalf("got %d, want 401", answer.StatusCode)
		}
	}
}
