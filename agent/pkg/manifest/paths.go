package manifest

import (
	"strings"

	"crontopus.dev/agent/pkg/schedule"
)

// Kind is what a manifest describes.
type Kind string

// The kinds of manifests.
const (
	KindJob               Kind = "Job"
	KindPolicy            Kind = "Policy"
	KindAlertRoute        Kind = "AlertRoute"
	KindMaintenanceWindow Kind = "MaintenanceWindow"
)

var kinds = []string{string(KindJob), string(KindPolicy), string(KindAlertRoute), string(KindMaintenanceWindow)}

// systemFolder holds what is no job, each kind in a folder of its own.
const systemFolder = ".crontopus"

var systemKinds = map[string]Kind{"policies": KindPolicy, "routes": KindAlertRoute, "windows": KindMaintenanceWindow}

// JobPath splits namespace/name.yaml; false where no job is read from.
func JobPath(file string) (namespace, name string, ok bool) {
	namespace, rest, _ := strings.Cut(file, "/")
	name, isYAML := strings.CutSuffix(rest, ".yaml")
	if !isYAML || !ValidName(namespace) || !ValidName(name) {
		return "", "", false
	}
	return namespace, name, true
}

// SystemPath splits .crontopus/{policies,routes,windows}/name.yaml; false anywhere else.
func SystemPath(file string) (kind Kind, name string, ok bool) {
	parts := strings.Split(file, "/")
	if len(parts) != 3 || parts[0] != systemFolder {
		return "", "", false
	}
	kind, known := systemKinds[parts[1]]
	name, isYAML := strings.CutSuffix(parts[2], ".yaml")
	if !known || !isYAML || !ValidName(name) {
		return "", "", false
	}
	return kind, name, true
}

// Misplaced is the error of a YAML file where its author must expect a job, but where none is read from; nil
// for jobs, for hidden files and folders, and for what isn't YAML.
func Misplaced(file string) *Error {
	parts := strings.Split(file, "/")
	lower := strings.ToLower(file)
	if _, _, ok := JobPath(file); ok || !strings.HasSuffix(lower, ".yaml") && !strings.HasSuffix(lower, ".yml") {
		return nil
	}
	for _, part := range parts {
		if strings.HasPrefix(part, ".") {
			return nil
		}
	}
	base := parts[len(parts)-1]
	stem := base[:strings.LastIndexByte(base, '.')]
	e := &Error{File: file, Code: MisplacedFile, Message: "a job's file ends in `.yaml`", Hint: "rename it to `" + parts[0] + "/" + stem + ".yaml`"}
	switch {
	case len(parts) == 1:
		e.Message, e.Hint = "a job lives in a namespace folder, not at the top", "move it into a namespace: `default/"+stem+".yaml`"
	case len(parts) > 2:
		e.Message, e.Hint = "a namespace has no folders inside", "move it to `"+parts[0]+"/"+stem+".yaml`"
	case !ValidName(parts[0]):
		e.Message, e.Hint = schedule.Clip(parts[0])+" is not a valid namespace", "lower-case letters, digits, `-`"
	case !ValidName(stem):
		e.Message, e.Hint = schedule.Clip(stem)+" is not a valid job name", "lower-case letters, digits, `-`"
	}
	return e
}
