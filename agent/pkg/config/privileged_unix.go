//go:build unix

package config

import "os"

func privileged() bool { return os.Getuid() == 0 }
