//go:build !windows

package enroll

import (
	"os"
	"strings"
)

// systemIDs are ids of the installation of the operating system, the best first.
func systemIDs() []string {
	var ids []string
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if data, err := os.ReadFile(path); err == nil {
			ids = append(ids, strings.TrimSpace(string(data)))
		}
	}
	return ids
}
