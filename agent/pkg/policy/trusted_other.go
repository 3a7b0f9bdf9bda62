//go:build !unix

package policy

import "crontopus.dev/agent/pkg/statedir"

// readTrusted relies on the ACL of the folder, which the installer sets.
func readTrusted(path string) ([]byte, error) { return statedir.ReadFile(path, maxFile) }
