//go:build clockseam

// Package clock, in a build for tests only: the time follows a file.
package clock

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Seam tells whether this build can be shown another time.
const Seam = true

// File below the state directory, as Line writes it; without it the machine's clock counts.
const File = "test-clock"

// Line is what the file says: at the real instant it was shown and runs rate times as fast since then. It is
// what `faketime -f '@SHOWN xRATE'`, started at real, shows to C programs.
func Line(shown, real time.Time, rate float64) string {
	return fmt.Sprintf("%d %d %g\n", shown.UnixNano(), real.UnixNano(), rate)
}

// At is the clock for the state directory root.
func At(root string) func() time.Time {
	data, err := os.ReadFile(filepath.Join(root, File))
	if err != nil {
		return time.Now
	}
	var shown, real int64
	var rate float64
	if _, err := fmt.Sscan(string(data), &shown, &real, &rate); err != nil {
		return time.Now
	}
	return func() time.Time {
		return time.Unix(0, shown+int64(float64(time.Now().UnixNano()-real)*rate))
	}
}
