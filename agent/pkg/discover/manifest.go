package discover

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/scheduler"
)

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// Name proposes a name for a job from its command: that of the program.
func Name(command string) string {
	for _, word := range strings.Fields(command) {
		if strings.Contains(word, "=") || strings.HasPrefix(word, "-") {
			continue
		}
		base := word[strings.LastIndexAny(word, `/\`)+1:]
		base, _, _ = strings.Cut(base, ".")
		name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(base), "-"), "-")
		if name != "" && name != "cd" && name != "env" && name != "test" {
			return name[:min(len(name), 40)]
		}
	}
	return "job"
}

// Manifest is the job that would take the place of a found one on this host, as YAML. It is for the eyes of
// whoever sits at the machine: nothing is taken out of it.
func Manifest(f scheduler.Foreign, namespace, name, hostname string, annotations map[string]string) ([]byte, error) {
	spec := map[string]any{"schedule": f.Schedule, "command": f.Command, "shell": true, "selector": map[string]any{"hostname": hostname}}
	if f.Timezone != "" {
		spec["timezone"] = f.Timezone
	}
	if f.User != "" {
		spec["user"] = f.User
	}
	env := map[string]any{}
	for key, v := range f.Env {
		// What steers the scheduler itself is no business of the command's.
		if key != "MAILTO" && key != "MAILFROM" && key != "CRON_TZ" && key != "SHELL" && key != "RANDOM_DELAY" {
			env[key] = v
		}
	}
	if len(env) > 0 {
		spec["env"] = env
	}
	document := map[string]any{"apiVersion": "crontopus/v1", "kind": "Job",
		"metadata": map[string]any{"name": name, "namespace": namespace, "annotations": annotations}, "spec": spec}
	data, err := yaml.Dump(document)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if _, err := manifest.Parse(namespace+"/"+name+".yaml", data); err != nil {
		return nil, fmt.Errorf("the job cannot be written as a manifest: %w", err)
	}
	return data, nil
}
