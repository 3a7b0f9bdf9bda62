package manifest

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v4"
)

// Parse reads the manifest at file, its path in the repository: namespace/name.yaml. The error is Errors.
func Parse(file string, data []byte) (*Job, error) {
	root, errs := load(file, data)
	if errs != nil {
		return nil, errs
	}
	if err := misplaced(file); err != nil {
		return nil, err
	}
	r := &reader{file: file}
	top := r.mapping(root, "", "apiVersion", "kind", "metadata", "spec")
	var version, kind string
	r.oneOf(top, "apiVersion", &version, "crontopus/v1", "v1")
	r.oneOf(top, "kind", &kind, "Job")
	r.require(root, top, "", "apiVersion", "kind", "metadata", "spec")
	j := defaults(file)
	if f, ok := top["metadata"]; ok {
		r.metadata(f, j)
	}
	if f, ok := top["spec"]; ok {
		r.spec(f, j)
	}
	if len(r.errs) > 0 {
		return nil, r.errs
	}
	return j, nil
}

func load(file string, data []byte) (*yaml.Node, Errors) {
	if len(data) > MaxBytes {
		return nil, Errors{{File: file, Line: 1, Column: 1, Message: "the file is larger than 256 KiB"}}
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		return nil, yamlError(file, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, Errors{{File: file, Line: 1, Column: 1, Message: "the file is empty"}}
	}
	return doc.Content[0], nil
}

// misplaced refuses files in which people would expect a job and where the platform reads none.
func misplaced(file string) Errors {
	stem, isYAML := strings.CutSuffix(path.Base(file), ".yaml")
	msg := ""
	switch {
	case !isYAML:
		msg = "a job's file ends in .yaml; rename it"
	case !ValidName(path.Dir(file)):
		msg = "the folder is not a valid namespace: lower-case letters, digits and inner hyphens"
	case !ValidName(stem):
		msg = "the file is not called like a job: lower-case letters, digits and inner hyphens"
	default:
		return nil
	}
	return Errors{{File: file, Line: 1, Column: 1, Message: msg}}
}

// Guess finds the address of a manifest that doesn't parse: its folder and, where readable, its name.
func Guess(file string, data []byte) (namespace, name string) {
	namespace = path.Dir(file)
	name = path.Base(file[:len(file)-len(path.Ext(file))])
	var loose struct {
		Metadata struct {
			Name string `yaml:"name"`
		} `yaml:"metadata"`
	}
	if len(data) <= MaxBytes && yaml.Unmarshal(data, &loose) == nil && ValidName(loose.Metadata.Name) {
		name = loose.Metadata.Name
	}
	return namespace, name
}

func defaults(file string) *Job {
	return &Job{
		Path: file, Namespace: path.Dir(file), Timezone: "UTC", Concurrency: "allow", Enabled: true,
		Grace:  5 * time.Minute,
		Retry:  Retry{Attempts: 1, Backoff: "exponential", Delay: 30 * time.Second},
		Output: Output{Capture: "headtail", MaxBytes: DefaultOutputBytes},
	}
}

func (r *reader) require(n *yaml.Node, fs map[string]field, path string, keys ...string) {
	if fs == nil {
		return
	}
	for _, k := range keys {
		if _, ok := fs[k]; !ok {
			r.fail(n, join(path, k), "is missing")
		}
	}
}

// match fails where a text that is there doesn't fit.
func (r *reader) match(fs map[string]field, key, value string, ok func(string) bool, what string) {
	if f, there := fs[key]; there && value != "" && !ok(value) {
		r.fail(f.value, f.path, "%q is not %s", value, what)
	}
}

var (
	labels      = rule{maxLabels, func(s string) bool { return len(s) <= 128 && labelKeyRE.MatchString(s) }, 63, labelValueRE.MatchString}
	annotations = rule{maxLabels, labels.keyOK, 4096, nil}
	variables   = rule{256, func(s string) bool {
		return len(s) <= 128 && envRE.MatchString(s) && !strings.HasPrefix(s, "CRONTOPUS_")
	}, maxEnvValue, nil}
)

func (r *reader) metadata(f field, j *Job) {
	fs := r.mapping(f.value, f.path, "name", "namespace", "id", "labels", "annotations")
	r.require(f.value, fs, f.path, "name")
	r.text(fs, "name", maxName, &j.Name)
	stem := strings.TrimSuffix(path.Base(j.Path), ".yaml")
	r.match(fs, "name", j.Name, func(s string) bool { return s == stem }, "the file's name "+strconv.Quote(stem))
	r.match(fs, "name", j.Name, func(s string) bool { return !reserved(s) }, "allowed: it would be mistaken for a part of a ping URL")
	namespace := j.Namespace
	r.text(fs, "namespace", maxName, &namespace)
	r.match(fs, "namespace", namespace, func(s string) bool { return s == j.Namespace }, "the folder "+strconv.Quote(j.Namespace))
	var id string
	r.text(fs, "id", 36, &id)
	r.match(fs, "id", id, uuidRE.MatchString, "a UUID")
	if parsed, err := uuid.Parse(id); err == nil {
		j.ID = parsed
	}
	j.Labels = r.textMap(fs, "labels", labels)
	r.textMap(fs, "annotations", annotations)
}
