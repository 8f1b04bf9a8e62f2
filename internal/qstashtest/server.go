// Package qstashtest is the part of QStash's API that has to do with signing keys,
// on a loopback socket, for tests.
package qstashtest

import (
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/stashring/stashring/verifier/verifiertest"
)

// Server answers for one account.
type Server struct {
	*httptest.Server
	Account *verifiertest.Signer
	Token   string // what a caller must bear

	mu     sync.Mutex
	fail   func(w http.ResponseWriter, r *http.Request) bool
	asked  int
	rolled int
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

// FailWith gives every further request to f first. Where f answers it, f returns
// true. nil ends that.
func (s *Server) FailWith(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// Asked returns how often the keys were read.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Rolled returns how often the keys were rolled.
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		http.Error(w, `{"error":"unauthorized"}`, http.StatusUnauthorized)
		return
	}
	*count++
	if s.fail != nil && s.fail(w, r) {
		return
	}
	if roll {
		s.Account.Roll()
	}
	keys, err := s.Account.Keys(r.Context())
	if err != nil {
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
