// Package version holds what the binaries say they are.
package version

// Version is set at build time: -ldflags "-X crontopus.dev/agent/pkg/version.Version=1.2.3".
var Version = "dev"

// Commit it was built from, likewise.
var Commit = ""
