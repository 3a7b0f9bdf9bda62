//go:build !unix

package config

import "os/user"

// privileged tells whether this is SYSTEM, which services run as.
func privileged() bool {
	who, err := user.Current()
	return err == nil && who.Uid == "S-1-5-18"
}
