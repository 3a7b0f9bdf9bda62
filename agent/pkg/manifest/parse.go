package manifest

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/schedule"
)

const apiVersion = "crontopus/v1"

// Manifest is a *Job, *Policy, *AlertRoute or *MaintenanceWindow.
type Manifest interface {
	Kind() Kind
	// Canonical is the manifest as JSON data with its defaults, as the contract's vectors write it: durations in
	// seconds, sizes in bytes, instants as UTC text, what is absent as nil.
	Canonical() map[string]any
}

// Parse reads the job at file, its path in the repository: namespace/name.yaml. The error is Errors.
func Parse(file string, data []byte) (*Job, error) {
	if _, _, ok := JobPath(file); !ok {
		if e := Misplaced(file); e != nil {
			return nil, Errors{e}
		}
	}
	t, errs := readTree(file, data)
	if errs != nil {
		return nil, errs
	}
	if _, err := header(t, KindJob); err != nil {
		return nil, append(t.errs, err).sorted()
	}
	j, errs := readJob(t)
	if len(errs) > 0 {
		return nil, errs
	}
	return j, nil
}

// ParseDocument reads a manifest of any kind; its path, where that says a kind and a name, must agree. The error
// is Errors.
func ParseDocument(file string, data []byte) (Manifest, error) {
	t, errs := readTree(file, data)
	if errs != nil {
		return nil, errs
	}
	var wanted Kind
	if _, _, ok := JobPath(file); ok {
		wanted = KindJob
	} else if kind, _, ok := SystemPath(file); ok {
		wanted = kind
	}
	kind, stop := header(t, wanted)
	if stop != nil {
		return nil, append(t.errs, stop).sorted()
	}
	m, errs := readKind(t, kind)
	if len(errs) > 0 {
		return nil, errs
	}
	return m, nil
}

func readKind(t *tree, kind Kind) (Manifest, Errors) {
	switch kind {
	case KindPolicy:
		return readPolicy(t)
	case KindAlertRoute:
		return readAlertRoute(t)
	case KindMaintenanceWindow:
		return readMaintenanceWindow(t)
	}
	return readJob(t)
}

// header tells the kind. It stops at a file that is something else: its other errors would only confuse.
func header(t *tree, wanted Kind) (Kind, *Error) {
	at := func(n *node, code Code, hint, message string) (Kind, *Error) {
		return "", &Error{File: t.file, Line: n.line, Column: n.column, Path: n.path(), Code: code, Message: message, Hint: hint}
	}
	if t.root.kind != mappingNode {
		return at(t.root, WrongType, "a manifest starts with `apiVersion: crontopus/v1`", "a manifest is a mapping of keys")
	}
	version, kind := t.root.get("apiVersion"), t.root.get("kind")
	if version != nil && version.kind == textNode && version.text != apiVersion && version.text != "v1" {
		return at(version, UnknownAPIVersion, "write `"+apiVersion+"`", "unknown apiVersion "+schedule.Clip(version.text))
	}
	if kind == nil || kind.kind != textNode {
		if wanted == "" {
			wanted = KindJob
		}
		return wanted, nil // its absence or type is judged with the rest
	}
	if !slices.Contains(kinds, kind.text) {
		hint := "kinds: " + strings.Join(kinds, ", ")
		if near := nearest(kind.text, kinds); near != "" {
			hint = "did you mean `" + near + "`?"
		}
		return at(kind, UnknownKind, hint, "unknown kind "+schedule.Clip(kind.text))
	}
	if wanted != "" && kind.text != string(wanted) {
		return at(kind, WrongKind, "files in this folder are `kind: "+string(wanted)+"`", "a "+kind.text+" does not belong here")
	}
	return Kind(kind.text), nil
}

// top checks the four keys that every manifest has, and returns its metadata and spec.
func (r *reader) top(kind Kind) (metadata, spec *node) {
	root := r.tree.root
	keys := []string{"apiVersion", "kind", "metadata", "spec"}
	r.mapping(root, keys, keys...)
	var ignored string
	r.oneOf(root.get("apiVersion"), &ignored, apiVersion, "v1")
	r.oneOf(root.get("kind"), &ignored, string(kind))
	return root.get("metadata"), root.get("spec")
}

// address checks that a manifest's own idea of its name is its file's.
func (r *reader) address(key, wanted, what string) {
	metadata := r.tree.root.get("metadata")
	if metadata == nil || metadata.kind != mappingNode {
		return
	}
	if n := metadata.get(key); n != nil && n.kind == textNode && n.text != wanted {
		code := NameMismatch
		if key == "namespace" {
			code = NamespaceMismatch
		}
		r.rule(n, false, code, "write `"+wanted+"`, or move the file", "%s is %s, but the %s is `%s`", key, schedule.Clip(n.text), what, wanted)
	}
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
