"""A tenant's own jobs as Prometheus reads them."""
