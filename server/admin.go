package server

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/stashring/stashring/keystore"
)

// Admin answers a platform's questions about this process. It tells of keys and
// regions, so it belongs on a listener of its own, never on the public one.
type Admin struct {
	ring     *keystore.Ring
	draining atomic.Bool
}

// NewAdmin returns the Admin of a process that verifies with ring.
func NewAdmin(ring *keystore.Ring) *Admin { return &Admin{ring: ring} }

// Drain makes /readyz answer 503 from now on, so that no new traffic is sent here.
func (a *Admin) Drain() { a.draining.Store(true) }

// regionReadiness is what /readyz says of a region.
type regionReadiness struct {
	Region     keystore.Region `json:"region"`
	Usable     bool            `json:"usable"`
	Degraded   bool            `json:"degraded"`
	Current    keystore.Key    `json:"current"` // the fingerprint
	Next       keystore.Key    `json:"next"`
	Version    int64           `json:"version"`
	AgeSeconds int64           `json:"age_seconds"`
	Fetches    uint64          `json:"fetches"`
	Failing    uint64          `json:"failing"`
	Suppressed uint64          `json:"suppressed"`
	Cause      string          `json:"cause,omitempty"`
}

// ServeHTTP answers GET /livez with 200 as long as the process serves, and GET
// /readyz with 200 when at least one region has usable keys and the process isn't
// draining, with how each region stands.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/livez":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	case "/readyz":
		a.readyz(w)
	default:
		http.NotFound(w, r)
	}
}

func (a *Admin) readyz(w http.ResponseWriter) {
	answer := struct {
		Ready    bool              `json:"ready"`
		Draining bool              `json:"draining"`
		Regions  []regionReadiness `json:"regions"`
	}{Draining: a.draining.Load()}
	for _, s := range a.ring.Status() {
		answer.Ready = answer.Ready || s.Usable && !answer.Draining
		answer.Regions = append(answer.Regions, regionReadiness{
			Region:     s.Region,
			Usable:     s.Usable,
			Degraded:   s.Degraded,
			Current:    s.Current,
			Next:       s.Next,
			Version:    s.Version,
			AgeSeconds: int64(s.Age.Seconds()),
			Fetches:    s.Fetches,
			Failing:    s.Failing,
			Suppressed: s.Suppressed,
			Cause:      s.Cause,
		})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer)
}
