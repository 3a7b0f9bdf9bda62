package manifest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/vectortest"
)

const vectorCount = 353

type wantedError struct {
	Code   Code   `yaml:"code"`
	Line   int    `yaml:"line"`
	Column int    `yaml:"column"`
	Path   string `yaml:"path"`
}

type vector struct {
	Name      string  `yaml:"name"`
	Why       string  `yaml:"why"`
	Path      string  `yaml:"path"`
	Manifest  *string `yaml:"manifest"`
	Base64    *string `yaml:"base64"`
	Generated *struct {
		Before string `yaml:"before"`
		Repeat string `yaml:"repeat"`
		Times  int    `yaml:"times"`
		After  string `yaml:"after"`
	} `yaml:"generated"`
	Expect map[string]any `yaml:"expect"`
	Errors []wantedError  `yaml:"errors"`
	Schema string         `yaml:"schema"` // JSON Schema is Python's business
}

func (c vector) text(t testing.TB) []byte {
	t.Helper()
	switch {
	case c.Manifest != nil && c.Base64 == nil && c.Generated == nil:
		return []byte(*c.Manifest)
	case c.Base64 != nil && c.Generated == nil && c.Manifest == nil:
		data, err := base64.StdEncoding.DecodeString(*c.Base64)
		if err != nil {
			t.Fatal(err)
		}
		return data
	case c.Generated != nil && c.Manifest == nil && c.Base64 == nil:
		return []byte(c.Generated.Before + strings.Repeat(c.Generated.Repeat, c.Generated.Times) + c.Generated.After)
	}
	t.Fatalf("%s: not exactly one source", c.Name)
	return nil
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	var all []vector
	for _, document := range vectortest.Documents[struct {
		Format string   `yaml:"format"`
		Cases  []vector `yaml:"cases"`
	}](t, "manifest") {
		all = append(all, document.Cases...)
	}
	return all
}

func TestVectors(t *testing.T) {
	vectortest.Run(t, loadVectors(t), vectorCount, func(c vector) string { return c.Name }, vector.run)
}

func (c vector) run(t *testing.T) {
	m, err := ParseDocument(c.Path, c.text(t))
	switch {
	case c.Expect != nil && c.Errors == nil && c.Schema == "":
		if err != nil {
			t.Fatal(err)
		}
		c.same(t, m)
	case c.Expect == nil && len(c.Errors) > 0 && c.Schema != "":
		c.wantErrors(t, err)
	default:
		t.Fatal("neither expect, nor errors with schema")
	}
}

func (c vector) wantErrors(t *testing.T, err error) {
	t.Helper()
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("got %v, want %v", err, c.Errors)
	}
	var got []wantedError
	for _, e := range all {
		got = append(got, wantedError{e.Code, e.Line, e.Column, e.Path})
		if e.File != c.Path || e.Message == "" {
			t.Errorf("%+v: no file or no message", e)
		}
	}
	if len(got) == 1 && len(c.Errors) == 1 && got[0].Code == YAMLSyntax && got[0].Line > 0 && got[0].Column > 0 {
		got[0].Line, got[0].Column = c.Errors[0].Line, c.Errors[0].Column // libyaml's place; any will do
	}
	if !reflect.DeepEqual(got, c.Errors) {
		t.Errorf("got %v\nwant %v", got, c.Errors)
	}
}

// same compares the places that the vector names.
func (c vector) same(t *testing.T, m Manifest) {
	t.Helper()
	data := plain(t, m.Canonical()).(map[string]any)
	data["mode"] = "agent"
	if j, ok := m.(*Job); ok && !j.AgentMode() {
		data["mode"] = "ping"
	}
	for place, want := range c.Expect {
		var got any = data
		for _, step := range strings.Split(place, ".") {
			object, ok := got.(map[string]any)
			if _, there := object[step]; !ok || !there {
				t.Fatalf("there is no %s", place)
			}
			got = object[step]
		}
		if want = plain(t, want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", place, got, want)
		}
	}
}

// plain is a value as JSON has it, so that numbers and lists of different Go types compare.
func plain(t *testing.T, value any) any {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
