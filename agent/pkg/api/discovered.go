package api

import (
	"context"
	"net/http"
)

// Discovered tells all jobs of others that are on this machine now; what was told before and is not among them is
// gone. entries is a list of discover.Found.
func (c *Client) Discovered(ctx context.Context, entries any) error {
	return c.do(ctx, http.MethodPost, "/endpoints/self/discovered", map[string]any{"entries": entries}, nil)
}
