package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/stashring/stashring/internal/qstash"
	"github.com/stashring/stashring/keystore"
)

// demonstrate sends one genuine and one forged delivery through the front door of
// a development server and logs what becomes of them. The forged one is genuine
// in everything but its body.
func demonstrate(ctx context.Context, url string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	destination := url + "/hello"
	signed, forged := []byte(`{"hello":"QStash"}`), []byte(`{"hello":"forger"}`)
	keys, err := keystore.Development().Keys(ctx)
	if err != nil {
		return // the server is stopping
	}
	signature, err := qstash.NewToken(destination, signed, time.Now()).Sign(keys.Current)
	if err != nil {
		log.Error("can't sign a delivery", "error", err)
		return
	}
	for _, d := range []struct {
		what string
		body []byte
		want int
	}{
		{"signed", signed, http.StatusOK},
		{"forged", forged, http.StatusUnauthorized},
	} {
		switch got, err := post(ctx, destination, signature, d.body); {
		case errors.Is(err, context.Canceled):
			return
		case err != nil:
			log.Error("demonstration: the "+d.what+" delivery was not answered", "error", err)
		case got != d.want:
			log.Error("demonstration: the "+d.what+" delivery got an unexpected answer", "status", got, "want", d.want)
		case got == http.StatusOK:
			log.Info("demonstration: the signed delivery was verified", "status", got)
		default:
			log.Info("demonstration: the forged delivery was refused", "status", got)
		}
	}
	log.Info(fmt.Sprintf("try it: ./bin/stashring send --dev -d hello %s", destination))
}

func post(ctx context.Context, url, signature string, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set(qstash.SignatureHeader, signature)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
