// Package qstashtest is the part of QStash's API that has to do with signing keys,
// on a loopback socket, for tests.
package qstashtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/stashring/stashring/keystore"
	"github.com/stashring/stashring/verifier/verifiertest"
)

// Server answers for one account.
type Server struct {
	*httptest.Server
	Account *verifiertest.Signer
	Token   string // what a caller must bear

	mu     sync.Mutex
	before Fault
	after  Fault
	asked  int
	rolled int
}

// A Fault is given a request. Where it answers it, it returns true. It may also
// look at it, or keep it waiting.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Status answers with a status and no keys.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"error":"fault"}`, code)
		return true
	}
}

// Garbage answers 200 and something that is no document.
func Garbage(w http.ResponseWriter, _ *http.Request) bool {
	_, _ = w.Write([]byte("<html>"))
	return true
}

// Cut ends the connection without an answer.
func Cut(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// Hang tells arrived of the request and keeps it waiting until its client is gone.
func Hang(arrived chan<- struct{}) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		arrived <- struct{}{}
		<-r.Context().Done()
		return true
	}
}

// Rolls limits a fault to calls that roll the keys.
func (f Fault) Rolls() Fault {
	return func(w http.ResponseWriter, r *http.Request) bool { return r.Method == http.MethodPost && f(w, r) }
}

// From lets a number of calls pass first.
func (f Fault) From(pass int) Fault {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		passes := pass > 0
		pass--
		mu.Unlock()
		return !passes && f(w, r)
	}
}

// Start returns a running server, which the caller closes.
func Start(account *verifiertest.Signer) *Server {
	s := &Server{Account: account, Token: "qstash-token-for-tests"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/keys", func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, &s.asked, false) })
	mux.HandleFunc("POST /v2/keys/rotate", func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, &s.rolled, true) })
	s.Server = httptest.NewServer(mux)
	return s
}

// FailWith gives every further request to f before anything is done about it. nil
// ends that, and what FailAfter has set.
func (s *Server) FailWith(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = f, nil
}

// FailAfter gives every further request to f when it has taken effect and only the
// answer is missing.
func (s *Server) FailAfter(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = nil, f
}

// Asked returns how often the keys were read.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Rolled returns how often the keys were asked to roll.
func (s *Server) Rolled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rolled
}

// Env returns the variables under which a program finds the server.
func (s *Server) Env() []string {
	return []string{"QSTASH_URL=" + s.URL, "QSTASH_TOKEN=" + s.Token}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, count *int, roll bool) {
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		http.Error(w, `{"error":"unauthorized"}`, http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	*count++
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	keys, err := s.take(r.Context(), roll)
	if err != nil {
		return
	}
	if after != nil && after(w, r) {
		return
	}
	document, err := keys.RevealJSON()
	if err != nil {
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document)
}

// take rolls the keys, if asked to, and returns them. Of two calls at once, each
// gets the keys that it made.
func (s *Server) take(ctx context.Context, roll bool) (keystore.KeySet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if roll {
		s.Account.Roll()
	}
	return s.Account.Keys(ctx)
}
