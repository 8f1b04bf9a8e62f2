package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stashring/stashring/internal/qstash"
	"github.com/stashring/stashring/verifier/verifiertest"
)

const destination = "https://hooks.example.com/drill"

// application is what stands behind the gateway: it remembers what reached it.
type application struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]bool // bodies
}

func newApplication() *application {
	app := &application{seen: make(map[string]bool)}
	app.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		app.mu.Lock()
		app.seen[string(body)] = true
		app.mu.Unlock()
	}))
	return app
}

func (app *application) has(body string) bool {
	app.mu.Lock()
	defer app.mu.Unlock()
	return app.seen[body]
}

// tally is what became of a phase's deliveries.
type tally struct {
	mu sync.Mutex

	sent, verified, refused, undecided, retried, lost int
	forgedRefused, forgedAccepted                     int

	recovery time.Duration // from the first attempt that was not answered 200 to the one that was, at the most
}

// run sends a phase's traffic, lets its event happen, and waits for the retries.
func run(ctx context.Context, p phase, a *account, g *gateway, app *application) (*tally, error) {
	t := &tally{}
	var wg sync.WaitGroup
	defer wg.Wait()

	sending, cancel := context.WithTimeout(ctx, p.lasts)
	defer cancel()
	happened := make(chan error, 1)
	wg.Go(func() {
		pause(sending, time.Second)
		happened <- p.happen(ctx, a)
	})
	stranger := verifiertest.NewSigner()
	wg.Go(func() {
		each(sending, &wg, forgedPerSecond, func(n int) { t.forge(ctx, g, stranger, n) })
	})
	each(sending, &wg, genuinePerSecond, func(n int) {
		t.deliver(ctx, g, a, app, fmt.Sprintf("%s %d", p.name, n))
	})
	wg.Wait()
	return t, <-happened
}

// each calls f at a steady rate until ctx ends.
func each(ctx context.Context, wg *sync.WaitGroup, perSecond int, f func(n int)) {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticker.C:
			wg.Go(func() { f(n) })
		case <-ctx.Done():
			return
		}
	}
}

// deliver sends one delivery as QStash does: signed anew at each attempt with the
// key that is current then, and tried again by its schedule.
func (t *tally) deliver(ctx context.Context, g *gateway, a *account, app *application, body string) {
	t.count(func() { t.sent++ })
	first := time.Now()
	for attempt := 0; ; attempt++ {
		status, wait := g.post(ctx, a.Signer, body, attempt)
		took := time.Since(first)
		switch {
		case status == http.StatusOK && app.has(body):
			t.count(func() {
				if attempt == 0 {
					t.verified++
				} else {
					t.retried++
					t.recovery = max(t.recovery, took)
				}
			})
			return
		case status == http.StatusUnauthorized:
			t.count(func() { t.refused++ })
		default:
			t.count(func() { t.undecided++ })
		}
		if attempt == len(retries) || ctx.Err() != nil {
			t.count(func() { t.lost++ })
			return
		}
		if wait == 0 {
			wait = retries[attempt]
		}
		pause(ctx, wait)
	}
}

// forge sends one delivery that is genuine in everything but its key, the kind
// that makes a verifier look for newer ones.
func (t *tally) forge(ctx context.Context, g *gateway, stranger *verifiertest.Signer, n int) {
	status, _ := g.post(ctx, stranger, fmt.Sprintf("forged %d", n), 0)
	t.count(func() {
		if status == http.StatusOK {
			t.forgedAccepted++
		} else {
			t.forgedRefused++
		}
	})
}

func (t *tally) count(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

// post returns the status of one attempt, 0 if there was none, and how long its
// answer asks to wait, which QStash does.
func (g *gateway) post(ctx context.Context, signer *verifiertest.Signer, body string, attempt int) (status int, wait time.Duration) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.public+"/drill", strings.NewReader(body))
	if err != nil {
		return 0, 0
	}
	r.Header.Set(qstash.SignatureHeader, signer.Sign(destination, []byte(body)))
	r.Header.Set(qstash.RetriedHeader, strconv.Itoa(attempt))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
	return answer.StatusCode, time.Duration(seconds) * time.Second / speed
}
