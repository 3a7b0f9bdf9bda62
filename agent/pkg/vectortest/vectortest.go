// Package vectortest reads the vectors of contract/ for the tests that run them. A field nobody knows is fatal.
package vectortest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v4"
)

// Documents gives every file of contract/vectors/KIND, seen from a package two folders below the module, as a D.
func Documents[D any](t testing.TB, kind string) []D {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../../contract/vectors", kind, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	all := make([]D, len(files))
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var head struct{ Format string }
		if err := yaml.Load(data, &head); err != nil { // JSON is YAML
			t.Fatalf("%s: %v", file, err)
		}
		if want := "crontopus/" + kind + "-vectors/1"; head.Format != want {
			t.Fatalf("%s: format %q is not %q", file, head.Format, want)
		}
		if err := strictly(file, data, &all[i]); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return all
}

func strictly(file string, data []byte, into any) error {
	if filepath.Ext(file) == ".yaml" {
		return yaml.Load(data, into, yaml.WithKnownFields())
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// Run runs each case under its name, and asserts how many there are: one that is lost is a failure.
func Run[V any](t *testing.T, cases []V, count int, name func(V) string, run func(V, *testing.T)) {
	t.Helper()
	names := map[string]bool{}
	for _, c := range cases {
		names[name(c)] = true
		t.Run(name(c), func(t *testing.T) { run(c, t) })
	}
	if len(cases) != count || len(names) != count {
		t.Errorf("%d cases with %d names, want %d", len(cases), len(names), count)
	}
}
