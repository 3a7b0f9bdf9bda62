package manifest

import (
	"encoding/json"
	"errors"
	"runtime"
	"slices"
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
	if j.AgentMode() || !j.Enabled || j.Timezone != "UTC" || j.Concurrency != "allow" || j.Output.MaxBytes != 65536 || j.Retry.Attempts != 0 {
		t.Errorf("%+v", j)
	}
	tenant := uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	if got, want := j.JobID(tenant), uuid.NewSHA1(tenant, []byte("default/a")); got != want {
		t.Errorf("id %s, want %s", got, want)
	}
}

// The vectors hold codes and places; these are about the words.
func TestErrorsHelp(t *testing.T) {
	for _, c := range []struct{ name, extra, want string }{
		{"typing error", "  timezon: UTC\n", "default/a.yaml:6:3: unknown key `timezon` (did you mean `timezone`?)"},
		{"other case", "  TimeZone: UTC\n", "did you mean `timezone`?"},
		{"underscore", "  working_dir: /\n", "did you mean `workingDir`?"},
		{"swapped letters", "  comamnd: x\n", "did you mean `command`?"},
		{"nothing near", "  frobnicate: x\n", "known keys: schedule, timezone"},
		{"value", "  concurrency: Forbid\n", "default/a.yaml:6:16: `spec.concurrency` cannot be `Forbid` (did you mean `forbid`?)"},
		{"wrong type", "  command: 5\n", "default/a.yaml:6:12: `spec.command` must be text, not a whole number (quote it: \"5\")"},
		{"quoted boolean", "  enabled: 'true'\n", "write `true` without quotes"},
		{"null", "  command:\n", "default/a.yaml:6:11: `spec.command` is empty"},
		{"zone", "  timezone: london\n", "did you mean `Europe/London`?"},
		{"duration", "  grace: '600'\n", "add a unit: `600s`, `600m` or `600h`"},
		{"spaces", "  command: echo hi\n", "put arguments into `args` or set `shell: true`"},
		{"empty selector", "  command: x\n  selector: {}\n", "every endpoint is `hostname: \"*\"`"},
		{"jitter", "  command: x\n  grace: 1m\n  jitter: 2m\n", "jitter (2m0s) is longer than grace (1m0s)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("default/a.yaml", []byte(head+c.extra))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			var list Errors
			var one *Error
			if !errors.As(err, &list) || len(list) != 1 || !errors.As(err, &one) {
				t.Errorf("want one error, got %v", err)
			}
		})
	}
}

func TestMisplaced(t *testing.T) {
	for file, want := range map[string]string{
		"default/a.yml": "rename it to `default/a.yaml`", "Default/a.yaml": "not a valid namespace", "a.yaml": "`default/a.yaml`",
		"a/b/c.yaml": "move it to `a/c.yaml`", "a/B.yaml": "not a valid job name", "a/b.YAML": "rename it",
	} {
		if e := Misplaced(file); e == nil || e.Code != MisplacedFile || !strings.Contains(e.Error(), want) {
			t.Errorf("%s: %v", file, e)
		}
		if _, err := Parse(file, []byte(head)); err == nil {
			t.Errorf("%s was read", file)
		}
	}
	for _, file := range []string{"default/a.yaml", ".crontopus/policies/a.yaml", "default/.a.yaml", "README.md", "default/a", ".hidden/x.yml"} {
		if e := Misplaced(file); e != nil {
			t.Errorf("%s: %v", file, e)
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

// bombs are small texts that unfold, or large ones that are slow to read.
var bombs = map[string]string{
	"billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n",
	"merges":         "a: &a {x: 1}\n" + strings.Repeat("b: {<<: [*a,*a,*a]}\n", 1000),
	"brackets":       strings.Repeat("[", 200_000),
	"braces":         strings.Repeat("{a: ", 60_000),
	"dashes":         strings.Repeat("- ", 100_000),
	"question marks": strings.Repeat("? ", 100_000),
	"values":         "[" + strings.Repeat("1,", 120_000) + "]",
	"keys":           "{" + strings.Repeat("a,", 120_000) + "}",
	"bare dashes":    strings.Repeat("-\n", 120_000),
	"one long word":  "a: " + strings.Repeat("x", 250_000),
	"one long key":   strings.Repeat("x", 250_000) + ": a",
	"a huge number":  "a: " + strings.Repeat("9", 250_000),
	"escapes":        `"` + strings.Repeat(`\u00fc`, 40_000) + `"`,
	"comments":       strings.Repeat("#\n", 130_000),
	"anchors":        strings.Repeat("- &a x\n", 30_000),
	"long path":      "? " + strings.Repeat("a", 200_000) + "\n: [" + strings.Repeat("~,", 1_900) + "]",
	"errors":         strings.Replace(head, "spec:", "  labels: {"+strings.Repeat("-: -, ", 1_900)+"}\nspec:", 1),
	"too large":      strings.Repeat("x", 50_000_000),
}

func TestBombsAreRefusedAtOnce(t *testing.T) {
	for name, text := range bombs {
		data := []byte(text)
		limit := slowness * time.Second // far above what any takes, far below what an unbounded one would
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err := ParseDocument("x/y/z.yaml", data)
		spent := time.Since(began)
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; err == nil || spent > limit || used > 400 { // the library has made all its nodes before they can be counted
			t.Errorf("%s: %s, %d MiB, %.60v", name, spent, used, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full), uint8(0))
	for _, c := range loadVectors(f) {
		f.Add(c.text(f), uint8(slices.Index(fuzzPaths, c.Path)+1))
	}
	f.Fuzz(func(t *testing.T, data []byte, path uint8) {
		file := fuzzPaths[int(path)%len(fuzzPaths)]
		m, err := ParseDocument(file, data)
		var list Errors
		if err != nil && (!errors.As(err, &list) || len(list) == 0) {
			t.Fatalf("not a list of errors: %v", err)
		}
		for _, e := range list {
			if e.Line < 1 || e.Column < 1 || e.Code == "" || e.Message == "" || e.File != file || len(e.Error()) > 8_000 {
				t.Fatalf("error without a place or a code: %+v", e)
			}
		}
		if err == nil {
			if _, err := json.Marshal(m.Canonical()); err != nil {
				t.Fatal(err)
			}
			if j, ok := m.(*Job); ok && (len(j.Schedules) == 0 || strings.ContainsRune(j.Command, 0)) {
				t.Fatalf("accepted: %+v", j)
			}
		}
		Guess(file, data)
	})
}

var fuzzPaths = []string{"production/nightly-backup.yaml", "default/hello.yaml", "x/y/z.yaml", ".crontopus/policies/rules.yaml",
	".crontopus/routes/ops.yaml", ".crontopus/windows/upgrade.yaml"}

func TestCoreSchema(t *testing.T) {
	for kind, words := range map[nodeKind]string{
		nullNode:    "~ null Null NULL",
		booleanNode: "true True TRUE false False FALSE",
		integerNode: "0 -1 +1 007 0o17 0x1F 12345678901234567890123",
		floatNode:   "1.5 -1.5 +.5 1. 1e3 1.5E-3 .5e+3 .inf -.Inf +.INF .nan .NaN 0e0",
		textNode:    "nULL tRUE yes no on 1_000 1:30 2026-01-01 0b1 0o8 0o 0xg 0x -0x1 +0o7 - + . .. 1.2.3 e3 .e3 1e 1e+ 1e3.5 -.nan .inF +-1 ++1 1a -e1 1.5x",
	} {
		for _, word := range strings.Fields(words) {
			if got := resolve(word); got != kind {
				t.Errorf("%s is %s, want %s", word, kindNames[got], kindNames[kind])
			}
		}
	}
	if resolve("") != nullNode {
		t.Error("nothing is not null")
	}
}
