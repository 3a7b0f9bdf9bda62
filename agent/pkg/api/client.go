// Package api is the agent's side of the Crontopus API: enrolment, heartbeat, token rotation, check-ins and
// the stream of changes. All connections go out; responses are read up to a bound.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/version"
)

const (
	maxResponse    = 8 << 20
	requestTimeout = 30 * time.Second
)

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	base  string
	token func() string
	http  *http.Client
}

// New checks the server's address. token is asked before every request, as it is rotated.
func New(server string, token func() string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("server %q is not an address such as https://crontopus.example.com", server)
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: requestTimeout,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          4,
	}
	return &Client{base: u.String(), token: token, http: &http.Client{Transport: transport, CheckRedirect: checkRedirect}}, nil
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return errors.New("too many redirects")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("refusing a redirect from https to http")
	}
	return nil
}

// Error is a problem+json answer.
type Error struct {
	Status     int           `json:"status"`
	Code       string        `json:"code"`
	Title      string        `json:"title"`
	Detail     string        `json:"detail"`
	Hint       string        `json:"hint"`
	RetryAfter time.Duration `json:"-"`
}

func (e *Error) Error() string {
	what := e.Detail
	if what == "" {
		what = e.Title
	}
	if what == "" {
		what = http.StatusText(e.Status)
	}
	return fmt.Sprintf("the server answered %d: %s", e.Status, what)
}

// UnreachableError means that no answer came at all.
type UnreachableError struct {
	Server string
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach %s: %s", e.Server, plainCause(e.Err))
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// plainCause drops the layers of net/http that repeat method and address.
func plainCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		var dns *net.DNSError
		if errors.As(op.Err, &dns) {
			return "no such host " + dns.Name
		}
		err = op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}

// HasCode tells whether err is an answer with a problem code.
func HasCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// HasStatus tells whether err is an answer with one of the statuses.
func HasStatus(err error, statuses ...int) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, s := range statuses {
		if e.Status == s {
			return true
		}
	}
	return false
}

func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		payload = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v1"+path, payload)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "crontopus-agent/"+version.Version+" ("+runtime.GOOS+"; "+runtime.GOARCH+")")
	if t := c.token(); t != "" {
		req.Header.Set("Authorization", "Bearer "+t)
	}
	return req, nil
}

// do sends a request and decodes the answer into out (nil: ignore it).
func (c *Client) do(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return &UnreachableError{c.base, err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return &UnreachableError{c.base, err}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return problem(resp, data)
	}
	if len(data) > maxResponse {
		return fmt.Errorf("%s %s: the answer is larger than %d bytes", method, path, maxResponse)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s%s does not answer like a Crontopus server: %w", c.base, path, err)
	}
	return nil
}

func problem(resp *http.Response, data []byte) error {
	e := &Error{}
	if json.Unmarshal(data, e) != nil || e.Title == "" {
		*e = Error{}
	}
	e.Status = resp.StatusCode
	if s, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil {
		e.RetryAfter = s
	}
	return e
}
