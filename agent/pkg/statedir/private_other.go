//go:build !unix

package statedir

import "io/fs"

// checkMode has nothing to do: %LOCALAPPDATA% is private to its user by its inherited ACL.
func checkMode(string, fs.FileInfo, fs.FileMode) error { return nil }
