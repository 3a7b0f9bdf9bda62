package gitsource

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

const (
	fetchTimeout = 2 * time.Minute
	maxAnswer    = 256 << 20
)

// installHTTP gives go-git, whose transports are global, a client with bounds.
var installHTTP = sync.OnceFunc(func() {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          2,
	}
	c := githttp.NewClient(&http.Client{Transport: bounded{base}, CheckRedirect: noRedirect})
	client.InstallProtocol("http", c)
	client.InstallProtocol("https", c)
})

// noRedirect keeps the endpoint's token with the server it belongs to.
func noRedirect(req *http.Request, _ []*http.Request) error {
	return fmt.Errorf("the repository redirects to %s", req.URL.Host)
}

type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

var errTooLarge = errors.New("the repository is larger than this agent accepts")

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}
