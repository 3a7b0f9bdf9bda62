"""Whatever comes in from outside: read or refused, within bounds. `make soak` runs these at full length."""
