package schedule

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// The zones of the server's pinned tzdata package; tools/zoneinfo/update.py writes the file. The machine's
// own zone files are never read for a job: every process must agree on the rules.
//
//go:embed zoneinfo.zip
var zoneinfoZip []byte

const (
	versionEntry = "+VERSION"
	notAPlace    = "Factory"
)

var zoneFiles = sync.OnceValues(func() (map[string]*zip.File, error) {
	archive, err := zip.NewReader(bytes.NewReader(zoneinfoZip), int64(len(zoneinfoZip)))
	if err != nil {
		return nil, err
	}
	files := make(map[string]*zip.File, len(archive.File))
	for _, f := range archive.File {
		files[f.Name] = f
	}
	return files, nil
})

var loaded sync.Map // name → *time.Location; at most as many as there are zones

// ZoneNames are the names that a schedule may use, sorted.
func ZoneNames() []string {
	files, err := zoneFiles()
	if err != nil {
		return nil
	}
	names := slices.Sorted(maps.Keys(files))
	return slices.DeleteFunc(names, func(n string) bool { return n == versionEntry || n == notAPlace })
}

// TZDataVersion is the IANA release of the zones, e.g. `2026b`.
func TZDataVersion() string {
	data, err := zoneData(versionEntry)
	if err != nil {
		return ""
	}
	return string(data)
}

func zoneData(name string) ([]byte, error) {
	files, err := zoneFiles()
	if err != nil {
		return nil, err
	}
	f, ok := files[name]
	if !ok {
		return nil, fail(UnknownTimezone, suggestZone(name, files), "unknown timezone %s", Clip(name))
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 1<<16))
}

// LoadZone returns the zone of that exact IANA name. The error is an *Error where there is none.
func LoadZone(name string) (*time.Location, error) {
	if known, ok := loaded.Load(name); ok {
		return known.(*time.Location), nil
	}
	if name == versionEntry || name == notAPlace {
		return nil, fail(UnknownTimezone, "", "unknown timezone %s", Clip(name))
	}
	data, err := zoneData(name)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, err
	}
	loaded.Store(name, zone)
	return zone, nil
}

// suggestZone finds a name that differs in case, in blanks, or names the city alone.
func suggestZone(name string, files map[string]*zip.File) string {
	wanted := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "_")
	for _, zone := range slices.Sorted(maps.Keys(files)) {
		lower := strings.ToLower(zone)
		if lower == wanted || lower[strings.LastIndexByte(lower, '/')+1:] == wanted {
			return "did you mean `" + zone + "`?"
		}
	}
	return "use an IANA name such as `Europe/London` or `UTC`"
}
