package schedule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const zoneinfo = "/zoneinfo/"

// MachineZone is the zone of the machine's clock, which is what cron uses: /etc/localtime, not this
// process's TZ. A missing file means UTC, as in the C library. root is "/" outside tests.
func MachineZone(root string) (*time.Location, error) {
	link := filepath.Join(root, "etc", "localtime")
	target, err := os.Readlink(link)
	if err == nil {
		if i := strings.LastIndex(target, zoneinfo); i >= 0 {
			zone, err := LoadZone(target[i+len(zoneinfo):])
			if err == nil {
				return zone, nil
			}
		}
	}
	data, err := os.ReadFile(link)
	if os.IsNotExist(err) {
		return time.UTC, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the machine's time zone: %w", err)
	}
	zone, err := time.LoadLocationFromTZData("the machine's zone", data)
	if err != nil {
		return nil, fmt.Errorf("read the machine's time zone: %w", err)
	}
	return zone, nil
}
