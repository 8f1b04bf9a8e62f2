package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/server"
	"github.com/stashring/stashring/verifier/verifiertest"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ask(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}

func TestReadyMeansThatThereAreKeysToUse(t *testing.T) {
	signer := verifiertest.NewSigner()
	ring, err := keystore.NewRing(signer, keystore.RingConfig{Logger: quiet, Regions: map[keystore.Region]keystore.KeyProvider{"US_EAST_1": down}})
	if err != nil {
		t.Fatal(err)
	}
	admin := server.NewAdmin(ring)
	if status, _ := ask(t, admin, "/livez"); status != http.StatusOK {
		t.Errorf("/livez before the keys: got %d, want 200", status)
	}
	if status, _ := ask(t, admin, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz before the keys: got %d, want 503", status)
	}
	if err := ring.Load(t.Context()); !errors.Is(err, keystore.ErrThrottled) {
		t.Fatalf("got %v, want the trouble of one region", err)
	}
	status, text := ask(t, admin, "/readyz")
	var answer struct {
		Ready   bool
		Regions []struct {
			Region, Current, Cause string
			Usable                 bool
			Failing                int
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK || !answer.Ready || len(answer.Regions) != 2 {
		t.Fatalf("got %d and %s (%v)", status, text, err)
	}
	keys, _ := signer.Keys(t.Context())
	if home, east := answer.Regions[0], answer.Regions[1]; !home.Usable || !strings.Contains(home.Current, keys.Current.Fingerprint()) ||
		east.Usable || east.Cause != "throttled" || east.Failing != 1 {
		t.Errorf("got %s", text)
	}
	if strings.Contains(text, keys.Current.Reveal()[4:]) {
		t.Error("a key shows")
	}
	admin.Drain()
	if status, _ := ask(t, admin, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz in a drain: got %d, want 503", status)
	}
	if status, _ := ask(t, admin, "/other"); status != http.StatusNotFound {
		t.Errorf("/other: got %d, want 404", status)
	}
}

func TestADrainFinishesWhatIsBeingAnsweredAndStaysObservable(t *testing.T) {
	ring := verifiertest.NewSigner().Ring()
	if err := ring.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	public, private := listen(t), listen(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, server.RunConfig{
			Public: public,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(arrived)
				<-release
				_, _ = io.WriteString(w, "finished")
			}),
			Private: private,
			Admin:   server.NewAdmin(ring),
			Logger:  quiet,
		})
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(l net.Listener, path string) (int, string, error) {
		answer, err := client.Get("http://" + l.Addr().String() + path)
		if err != nil {
			return 0, "", err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text), err
	}
	if status, _, err := get(private, "/readyz"); status != http.StatusOK {
		t.Errorf("before the drain: got %d and %v, want 200", status, err)
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		_, text, err := get(public, "/")
		answers <- answer{text, err}
	}()
	<-arrived
	stop()
	for { // until the drain has begun
		if status, _, err := get(private, "/readyz"); err != nil {
			t.Fatal(err)
		} else if status == http.StatusServiceUnavailable {
			break
		}
	}
	close(release)
	if got := <-answers; got.err != nil || got.text != "finished" {
		t.Errorf("got %q and %v, want the answer that was under way", got.text, got.err)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v, want a clean drain", err)
	}
	if _, _, err := get(public, "/"); err == nil {
		t.Error("the public listener still answers")
	}
}

func TestADrainThatTakesTooLongEndsWithAnError(t *testing.T) {
	ring := verifiertest.NewSigner().Ring()
	public, private := listen(t), listen(t)
	arrived := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, server.RunConfig{
			Public:       public,
			Handler:      http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() }),
			Private:      private,
			Admin:        server.NewAdmin(ring),
			DrainTimeout: 1,
			Logger:       quiet,
		})
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if answer, err := client.Get("http://" + public.Addr().String()); err == nil {
			answer.Body.Close()
		}
	}()
	<-arrived
	stop()
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the drain's deadline", err)
	}
	<-gone
}

func TestAListenerThatFailsEndsTheRun(t *testing.T) {
	ring := verifiertest.NewSigner().Ring()
	public, private := listen(t), listen(t)
	public.Close()
	err := server.Run(t.Context(), server.RunConfig{Public: public, Handler: http.NotFoundHandler(), Private: private, Admin: server.NewAdmin(ring), Logger: quiet})
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want the listener's error", err)
	}
}
