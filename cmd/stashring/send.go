package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/stashring/stashring/internal/keysource"
	"github.com/stashring/stashring/internal/qstash"
	"github.com/stashring/stashring/keystore"
)

type send struct {
	URL string `arg:"" help:"Where to post the delivery."`

	Data     *string       `short:"d" xor:"body" placeholder:"BODY" help:"The body. Without it and --body-file, standard input."`
	BodyFile string        `xor:"body" placeholder:"FILE" help:"A file that holds the body."`
	Keys     string        `xor:"keys" placeholder:"SOURCE" help:"Where the signing keys are: env: (the default), file:PATH or qstash:, with REGION= in front for a region's."`
	Dev      bool          `xor:"keys" help:"Sign with the public keys of the development server."`
	Next     bool          `help:"Sign with the next key, as QStash does after a roll."`
	As       string        `placeholder:"URL" help:"The destination to sign for, where it differs from URL."`
	Curl     bool          `help:"Print a curl command instead of posting."`
	Timeout  time.Duration `default:"30s" help:"How long the answer may take."`
}

// Run posts the delivery. Any answer outside 2xx is a failure, as it is to QStash.
func (c *send) Run(ctx context.Context, std streams) error {
	r, body, err := c.delivery(ctx, std)
	if err != nil {
		return usageError{err}
	}
	if c.Curl {
		command, err := c.curl(r, body)
		if err != nil {
			return usageError{err}
		}
		_, err = fmt.Fprintln(std.out, command)
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	client := &http.Client{
		// A redirect is an answer outside 2xx, and QStash doesn't follow one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	fmt.Fprintln(std.out, answer.Proto, answer.Status)
	if retry := answer.Header.Get("Retry-After"); retry != "" {
		fmt.Fprintln(std.out, "Retry-After:", retry)
	}
	if _, err := io.Copy(std.out, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}

// delivery makes the signed request.
func (c *send) delivery(ctx context.Context, std streams) (*http.Request, []byte, error) {
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, nil, fmt.Errorf("URL %q is not of the form https://host/path", c.URL)
	}
	region, keys, err := c.keys(ctx)
	if err != nil {
		return nil, nil, err
	}
	body, err := c.body(std)
	if err != nil {
		return nil, nil, err
	}
	destination := c.URL
	if c.As != "" {
		destination = c.As
	}
	key := keys.Current
	if c.Next {
		key = keys.Next
	}
	signature, err := qstash.NewToken(destination, body, time.Now()).Sign(key)
	if err != nil {
		return nil, nil, err
	}
	r, err := http.NewRequest(http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set(qstash.SignatureHeader, signature)
	if region != keystore.DefaultRegion {
		r.Header.Set(qstash.RegionHeader, strings.ReplaceAll(string(region), "_", "-"))
	}
	return r, body, nil
}

func (c *send) keys(ctx context.Context) (keystore.Region, keystore.KeySet, error) {
	if c.Dev {
		keys, err := keystore.Development().Keys(ctx)
		return keystore.DefaultRegion, keys, err
	}
	spec := c.Keys
	if spec == "" {
		spec = "env:"
	}
	source, err := keysource.ParseOne(spec)
	if err != nil {
		return "", keystore.KeySet{}, fmt.Errorf("%s: %w", setting("keys"), err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	keys, err := source.Provider.Keys(ctx)
	if err != nil {
		return "", keystore.KeySet{}, fmt.Errorf("%s: %w", setting("keys"), err)
	}
	return source.Region, keys, nil
}

// body reads the body from where the flags say. A terminal is not waited for.
func (c *send) body(std streams) ([]byte, error) {
	switch {
	case c.Data != nil:
		return []byte(*c.Data), nil
	case c.BodyFile != "":
		body, err := os.ReadFile(c.BodyFile)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting("body-file"), err)
		}
		return body, nil
	}
	if file, ok := std.in.(*os.File); ok {
		if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 {
			return nil, nil
		}
	}
	return io.ReadAll(std.in)
}

// curl returns the command that posts the same delivery.
func (c *send) curl(r *http.Request, body []byte) (string, error) {
	data := shellQuote(string(body))
	switch {
	case c.BodyFile != "":
		data = shellQuote("@" + c.BodyFile)
	case bytes.IndexByte(body, 0) >= 0:
		return "", fmt.Errorf("the body holds a zero byte, which no argument of a command can; use %s", setting("body-file"))
	case bytes.HasPrefix(body, []byte("@")):
		return "", fmt.Errorf("the body begins with @, which curl takes for a file name; use %s", setting("body-file"))
	}
	var b strings.Builder
	b.WriteString("curl -i -X POST")
	for _, name := range []string{qstash.SignatureHeader, qstash.RegionHeader} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(&b, " -H %s", shellQuote(name+": "+value))
		}
	}
	fmt.Fprintf(&b, " --data-binary %s %s", data, shellQuote(c.URL))
	return b.String(), nil
}

// shellQuote makes one word of s for a POSIX shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
