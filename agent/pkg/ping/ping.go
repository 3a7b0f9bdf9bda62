// Package ping tells of runs by plain HTTP requests, as Healthchecks' clients do, from machines without an agent:
// URL/start, URL/{exit code}, URL/fail, each with ?rid=RUN-ID. What cannot be sent waits on the disk.
package ping

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/version"
)

const (
	// requestTimeout bounds one request.
	requestTimeout = 10 * time.Second
	firstRetry     = time.Second
	longestRetry   = time.Minute
	maxAnswer      = 4 << 10
)

// Events that a ping tells of; else the exit code, as Code gives it.
const (
	Start = "start"
	Fail  = "fail"
)

// Code is the event of a command that ended by itself.
func Code(exit int) string { return strconv.Itoa(exit & 0xff) }

// ErrRefused means that the receiver will never take this ping: the address is wrong.
var ErrRefused = errors.New("the ping was refused")

// Target is where pings go.
type Target struct{ base *url.URL }

// Parse reads a ping URL. Its query, such as `?create=1`, goes along with every ping.
func Parse(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, errors.New("the ping URL cannot be read") // without the URL: it is a secret
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return Target{}, errors.New("the ping URL is not one such as https://crontopus.example.com/ping/KEY")
	}
	return Target{u}, nil
}

// Address is the URL for one event of a run.
func (t Target) Address(event string, run uuid.UUID) string {
	u := *t.base
	u.Path = strings.TrimRight(u.Path, "/") + "/" + event
	u.RawPath = ""
	query := u.Query()
	query.Set("rid", run.String())
	u.RawQuery = query.Encode()
	return u.String()
}

// Ping is one request.
type Ping struct {
	URL  string    `json:"url"`
	At   time.Time `json:"at"` // when what it tells of happened
	Body []byte    `json:"body,omitempty"`
}

// Sender sends pings. The zero value is not usable.
type Sender struct{ client *http.Client }

// NewSender makes one that honours the usual proxy variables.
func NewSender() *Sender {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: requestTimeout}).DialContext,
		TLSHandshakeTimeout: requestTimeout,
		ForceAttemptHTTP2:   true,
	}
	return &Sender{client: &http.Client{Transport: transport, Timeout: requestTimeout, CheckRedirect: noRedirect}}
}

// noRedirect: following one would turn the POST into a GET, or take the secret address elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// retryable is a failure that may pass; after says when the receiver wants to be asked again.
type retryableError struct {
	err   error
	after time.Duration
}

func (e *retryableError) Error() string { return e.err.Error() }
func (e *retryableError) Unwrap() error { return e.err }

// Send tries once. An error that is not ErrRefused may pass.
func (s *Sender) Send(ctx context.Context, p Ping) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return fmt.Errorf("%w: its URL cannot be read", ErrRefused)
	}
	req.Header.Set("User-Agent", "crontopus-run/"+version.Version)
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := s.client.Do(req)
	if err != nil {
		return &retryableError{err: fmt.Errorf("ping: %w", withoutURL(err))}
	}
	defer res.Body.Close()
	words, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode < 300 {
		return nil
	}
	if err != nil {
		words = nil
	}
	said := fmt.Errorf("the answer is %d: %s", res.StatusCode, firstLine(words))
	switch {
	case res.StatusCode >= 500, res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooEarly,
		res.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return &retryableError{err: said, after: time.Duration(min(max(seconds, 0), 3600)) * time.Second}
	}
	return fmt.Errorf("%w: %w", ErrRefused, said)
}

// Deliver tries until it is sent, refused, or ctx ends.
func (s *Sender) Deliver(ctx context.Context, p Ping) error {
	for wait := firstRetry; ; wait = min(2*wait, longestRetry) {
		err := s.Send(ctx, p)
		var passing *retryableError
		if !errors.As(err, &passing) {
			return err
		}
		timer := time.NewTimer(max(passing.after, wait/2+rand.N(wait)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// withoutURL keeps the secret address out of messages.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func firstLine(words []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(words)), "\n")
	return line
}
