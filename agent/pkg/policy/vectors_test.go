package policy

import (
	"cmp"
	"reflect"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/vectortest"
)

const vectorCount = 92

type vector struct {
	Name       string         `yaml:"name"`
	Why        string         `yaml:"why"`
	Path       string         `yaml:"path"`
	Manifest   string         `yaml:"manifest"`
	Policies   map[string]any `yaml:"policies"`
	Violations []wanted       `yaml:"violations"`
}

type wanted struct {
	Policy      string `yaml:"policy"`
	Enforcement string `yaml:"enforcement"`
	Code        string `yaml:"code"`
	Line        int    `yaml:"line"`
	Column      int    `yaml:"column"`
	Path        string `yaml:"path"`
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	var all []vector
	for _, document := range vectortest.Documents[struct {
		Format string   `yaml:"format"`
		Cases  []vector `yaml:"cases"`
	}](t, "policy") {
		all = append(all, document.Cases...)
	}
	return all
}

func TestVectors(t *testing.T) {
	vectortest.Run(t, loadVectors(t), vectorCount, func(c vector) string { return c.Name }, vector.run)
}

func (c vector) run(t *testing.T) {
	job, err := manifest.Parse(c.Path, []byte(c.Manifest))
	if err != nil {
		t.Fatal(err)
	}
	var policies []*manifest.Policy
	for name, spec := range c.Policies {
		data, err := yaml.Dump(map[string]any{"apiVersion": "crontopus/v1", "kind": "Policy", "metadata": map[string]any{"name": name}, "spec": spec})
		if err != nil {
			t.Fatal(err)
		}
		m, err := manifest.ParseDocument(".crontopus/policies/"+name+".yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, m.(*manifest.Policy))
	}
	got := []wanted{}
	for _, v := range Check(job, policies) {
		line, column, place := manifest.Locate(c.Path, []byte(c.Manifest), v.AtKey, v.Steps...)
		got = append(got, wanted{v.Policy, v.Enforcement, v.Code, line, column, place})
		if v.Message == "" {
			t.Errorf("%+v has no message", v)
		}
	}
	slices.SortFunc(got, func(a, b wanted) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Code, b.Code))
	})
	if c.Violations == nil {
		t.Fatal("no expected result")
	}
	if !reflect.DeepEqual(got, c.Violations) {
		t.Errorf("got %+v\nwant %+v", got, c.Violations)
	}
}
