//go:build !windows

package schtasks

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/caltest"
)

const taskSchema = "../../../../contract/native/task.xsd"

// validate returns what xmllint has against each file, by its name.
func validate(t *testing.T, files map[string][]byte) map[string]string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--noout", "--nonet", "--schema", taskSchema}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	// Its exit code is that of the worst file; what counts is what it says of each.
	out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput()
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, _, _ := strings.Cut(strings.TrimPrefix(line, dir+"/"), ".xml")
		said[path+".xml"] += line
	}
	for name := range files {
		if said[name] == "" {
			t.Fatalf("xmllint (Debian: libxml2-utils) said nothing of %s: %v\n%s", name, err, out)
		}
		if said[name] == filepath.Join(dir, name)+" validates\n" {
			said[name] = ""
		}
	}
	return said
}

// TestTasksMatchTheSchema holds the files as they are given to schtasks to what Microsoft publishes of the format.
func TestTasksMatchTheSchema(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	files := map[string][]byte{}
	for i := range 200 {
		machine := caltest.Zones[rng.IntN(len(caltest.Zones))]
		s := renderer(t, caltest.Zone(t, machine))
		job := scheduler.Job{ID: jobID, User: []string{"", "backup", "SYSTEM"}[rng.IntN(3)], Schedules: caltest.Parse(t, caltest.Random(rng)...),
			Zone: caltest.Zone(t, caltest.Zones[rng.IntN(len(caltest.Zones))])}
		s.o.Interactive = rng.IntN(2) == 0
		e, err := s.Render(job)
		if err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("%d.xml", i)] = encode(declaration + e.Body)
	}
	for name, problem := range validate(t, files) {
		if problem != "" {
			t.Errorf("%s\n%s", problem, files[name])
		}
	}
}

func TestTheSchemaRefuses(t *testing.T) {
	s := renderer(t, caltest.Zone(t, "UTC"))
	e, err := s.Render(scheduler.Job{ID: jobID, Schedules: caltest.Parse(t, "*/10 9-17 * * 1-5"), Zone: caltest.Zone(t, "UTC")})
	if err != nil {
		t.Fatal(err)
	}
	trigger := between(e.Body, "<CalendarTrigger>", "</CalendarTrigger>")
	changes := map[string][2]string{
		"order.xml":     {"<Enabled>true</Enabled>\n      <StartBoundary>", "<StartBoundary>"},
		"interval.xml":  {"PT10M", "PT30S"},
		"boundary.xml":  {"T09:00:00", "T9:00"},
		"day.xml":       {"<Monday />", "<Mon />"},
		"context.xml":   {`Context="Author"`, `Context="Nobody"`},
		"password.xml":  {"S4U", "Password"},
		"account.xml":   {"S-1-5-21-1-2-3-1001", `HOST\me`},
		"relative.xml":  {`C:\Program Files\Crontopus\crontopus-run.exe`, "crontopus-run.exe"},
		"second.xml":    {"</Exec>", "</Exec><Exec><Command>C:\\x</Command><Arguments>y</Arguments></Exec>"},
		"namespace.xml": {"mit/task", "mit/other"},
		"triggers.xml":  {"</Triggers>", strings.Repeat("<CalendarTrigger>"+trigger+"</CalendarTrigger>", 40) + "</Triggers>"},
		"setting.xml":   {"Parallel", "Sometimes"},
	}
	files := map[string][]byte{"good.xml": encode(declaration + e.Body)}
	for name, c := range changes {
		text := strings.ReplaceAll(e.Body, c[0], c[1])
		if name == "order.xml" {
			text = strings.ReplaceAll(text, "</StartBoundary>", "</StartBoundary><Enabled>true</Enabled>")
		}
		if text == e.Body {
			t.Fatalf("%s: nothing to change", name)
		}
		files[name] = encode(declaration + text)
	}
	for name, problem := range validate(t, files) {
		if (problem == "") != (name == "good.xml") {
			t.Errorf("%s: %q", name, problem)
		}
	}
}

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	inner, _, _ := strings.Cut(rest, to)
	return inner
}
