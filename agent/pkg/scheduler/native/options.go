package native

import "github.com/google/uuid"

// Options say whose entries these are and what they start.
type Options struct {
	Installation uuid.UUID
	RunPath      string // absolute path of crontopus-run
	StateDir     string
}
