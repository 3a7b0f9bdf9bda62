package manifest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

const full = `apiVersion: v1
kind: Job
metadata:
  name: nightly-backup
  namespace: production
  id: 5f0c1d2e-0000-4000-8000-000000000001
  labels: {team: platform}
  annotations: {runbook: "https://example.com/x"}
spec:
  schedule: ["0 2 * * *", "every 15m"]
  timezone: Europe/London
  command: /opt/backup.sh
  args: ["--database=prod", ""]
  workingDir: /opt
  env: {TARGET: s3://b}
  user: backup
  selector: {matchLabels: {role: db}, hostname: "db-*"}
  timeout: 1h30m
  grace: 10m
  retry: {attempts: 3, backoff: exponential, delay: 30s}
  concurrency: forbid
  jitter: 2m
  output: {capture: tail, maxBytes: 64Ki, redact: ["(?i)password=\\S+"]}
  alerts: {failureThreshold: 1, recoveryThreshold: 1, repeatEvery: 4h, severity: critical}
  enabled: true
  paused: false
`

func TestFullManifest(t *testing.T) {
	j, err := Parse("production/nightly-backup.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if j.Address() != "production/nightly-backup" || len(j.Schedules) != 2 || j.Timeout != 90*time.Minute || j.Output.MaxBytes != 65536 ||
		j.Retry != (Retry{3, "exponential", 30 * time.Second}) || j.Concurrency != "forbid" || j.Args[1] != "" || !j.Enabled || j.Paused ||
		j.JobID(uuid.New()).String() != "5f0c1d2e-0000-4000-8000-000000000001" {
		t.Errorf("%+v", j)
	}
}

const head = "apiVersion: crontopus/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  schedule: '@daily'\n"

func TestDefaults(t *testing.T) {
	j, err := Parse("default/a.yaml", []byte(head))
	if err != nil {
		t.Fatal(err)
	}
	if j.AgentMode() || !j.Enabled || j.Timezone != "UTC" || j.Concurrency != "allow" || j.Output.MaxBytes != 65536 || j.Retry.Attempts != 1 {
		t.Errorf("%+v", j)
	}
	tenant := uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	if got, want := j.JobID(tenant), uuid.NewSHA1(tenant, []byte("default/a")); got != want {
		t.Errorf("id %s, want %s", got, want)
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, extra, want string }{
		{"unknown key", "  comand: x\n", "default/a.yaml:6:3: spec.comand: unknown key"},
		{"duplicate key", "  paused: true\n  paused: false\n", "default/a.yaml:7:3: spec.paused: duplicate key, first on line 6"},
		{"wrong type", "  enabled: yes\n", "default/a.yaml:6:12: spec.enabled: must be true or false, is text"},
		{"date is text, not a duration", "  grace: 2001-01-01\n", "default/a.yaml:6:10: spec.grace: must be a duration"},
		{"bare number", "  grace: 600\n", "default/a.yaml:6:10: spec.grace: must be text, is a whole number"},
		{"null", "  command:\n", "default/a.yaml:6:11: spec.command: must be text, is empty"},
		{"unquoted arg", "  command: x\n  args: [5]\n", "default/a.yaml:7:10: spec.args[0]: must be text"},
		{"alias", "  command: &c x\n", "default/a.yaml:6:12: spec.command: anchors"},
		{"tag", "  command: !!str 5\n", "tags are not allowed"},
		{"merge key", "  <<: {paused: true}\n", "default/a.yaml:6:3: spec: keys must be text"},
		{"syntax", "  command: [\n", "default/a.yaml:"},
		{"second document", "---\nkind: Job\n", "a second one"},
		{"zone", "  timezone: Mars/Olympus\n", "default/a.yaml:6:13: spec.timezone: \"Mars/Olympus\" is not an IANA"},
		{"NUL", "  command: \"a\\0b\"\n", "NUL"},
		{"spaces", "  command: echo hi\n", "contains a space"},
		{"shell with args", "  command: x\n  shell: true\n  args: [a]\n", "default/a.yaml:8:3: spec.args: cannot be used"},
		{"selector without command", "  selector: {hostname: a}\n", "needs `command`"},
		{"empty selector", "  command: x\n  selector: {}\n", "selects nothing"},
		{"env", "  command: x\n  env: {A B: c}\n", "default/a.yaml:7:9: spec.env.A B: \"A B\" is not a valid name"},
		{"reserved env", "  command: x\n  env: {CRONTOPUS_X: c}\n", "not a valid name"},
		{"relative dir", "  command: x\n  workingDir: opt\n", "an absolute path"},
		{"size", "  output: {maxBytes: 2Mi}\n", "larger than 1Mi"},
		{"regex", "  output: {redact: ['(']}\n", "not a regular expression"},
		{"regex of nothing", "  output: {redact: ['x*']}\n", "redact everywhere"},
		{"attempts", "  command: x\n  retry: {attempts: 11}\n", "from 1 to 10"},
		{"concurrency", "  concurrency: never\n", "must be one of allow, forbid, replace"},
		{"jitter", "  command: x\n  grace: 1m\n  jitter: 2m\n", "longer than grace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("default/a.yaml", []byte(head+c.extra))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			var list Errors
			if !errors.As(err, &list) || len(list) != 1 {
				t.Errorf("want one error, got %v", err)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"default/a.yaml", "", "the file is empty"},
		{"default/a.yaml", "[]", "must be a mapping, is a list"},
		{"default/a.yaml", "kind: Job\nmetadata: {name: a}\nspec: {schedule: '@daily'}\n", "apiVersion: is missing"},
		{"default/a.yaml", strings.Replace(head, "Job", "Policy", 1), "must be one of Job"},
		{"default/b.yaml", head, "is not the file's name \"b\""},
		{"other/a.yaml", strings.Replace(head, "name: a", "name: a, namespace: default", 1), "is not the folder \"other\""},
		{"default/a.yml", head, "ends in .yaml"},
		{"Default/a.yaml", head, "not a valid namespace"},
		{"default/start.yaml", strings.Replace(head, "name: a", "name: start", 1), "ping URL"},
		{"default/200.yaml", strings.Replace(head, "name: a", "name: \"200\"", 1), "ping URL"},
		{"default/a.yaml", strings.Replace(head, "name: a", "name: a, id: nope", 1), "is not a UUID"},
		{"default/a.yaml", strings.Replace(head, "'@daily'", "'0 2 30 2 *'", 1), "never comes"},
		{"default/a.yaml", strings.Replace(head, "'@daily'", "['@daily', '@daily']", 1), "listed twice"},
		{"default/a.yaml", head + strings.Repeat("#", MaxBytes), "larger than"},
	} {
		if _, err := Parse(c.path, []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %s", c.path, c.text[:min(len(c.text), 60)], err, c.want)
		}
	}
}

func TestSelector(t *testing.T) {
	db := map[string]string{"role": "db", "zone": "a"}
	for _, c := range []struct {
		s    Selector
		want bool
	}{
		{Selector{}, false},
		{Selector{MatchLabels: map[string]string{"role": "db"}}, true},
		{Selector{MatchLabels: map[string]string{"role": "web"}}, false},
		{Selector{MatchLabels: map[string]string{"gone": ""}}, false},
		{Selector{Hostname: "DB-1"}, true},
		{Selector{Hostname: "db-*"}, true},
		{Selector{Hostname: "*-1"}, true},
		{Selector{Hostname: "*"}, true},
		{Selector{Hostname: "d*-*1"}, true},
		{Selector{Hostname: "db-1*1"}, false},
		{Selector{Hostname: "db"}, false},
		{Selector{Hostname: "web-*", MatchLabels: map[string]string{"role": "db"}}, false},
	} {
		if got := c.s.Matches(db, "db-1"); got != c.want {
			t.Errorf("%+v: %v", c.s, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(head))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("\xff\xfe: - -"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := Parse("production/nightly-backup.yaml", data)
		var list Errors
		if err != nil && (!errors.As(err, &list) || len(list) == 0 || list[0].Line < 1 || list[0].Column < 1) {
			t.Fatalf("error without a place: %v", err)
		}
		if err == nil && (j.Name != "nightly-backup" || len(j.Schedules) == 0 || strings.ContainsRune(j.Command, 0)) {
			t.Fatalf("accepted: %+v", j)
		}
		Guess("production/nightly-backup.yaml", data)
	})
}
