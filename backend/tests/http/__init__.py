"""The edge: what comes in and goes out, whatever somebody sends."""
