package discover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

// secret is what must never leave; assembled, so that no scanner takes the test for a leak.
const secret = "hunter2" + "Xy9"

func TestSecretsAreTakenOut(t *testing.T) {
	aws := "AKIA" + strings.Repeat("Q", 16)
	for _, text := range []string{
		"pg_dump postgres://app:" + secret + "@db/prod",
		"pg_dump 'postgresql://app:" + secret + "@db/prod?sslmode=require'",
		"git push https://" + secret + strings.Repeat("a", 10) + "@github.com/x",
		"backup --password=" + secret, "backup --password " + secret, "backup --db-password='" + secret + "'", `backup --passwd="` + secret + `"`,
		"java -Ddb.password=" + secret, "x --api-key " + secret, "x --apikey=" + secret, "x --client-secret=" + secret,
		"PGPASSWORD=" + secret + " pg_dump x", "export MY_TOKEN='" + secret + "'; x", `X_SECRET="` + secret + `" y`, "AWS_SECRET_ACCESS_KEY=" + secret + " aws s3 ls",
		"AZURE_STORAGE_CONNECTION_STRING='DefaultEndpointsProtocol=https;AccountKey=" + secret + ";x=y' az",
		"curl -H 'Authorization: Bearer " + secret + "' https://x", `curl -H "X-Api-Key: ` + secret + `" https://x`, "curl -H 'PRIVATE-TOKEN: " + secret + "' https://x",
		"curl -H 'Authorization: " + secret + "' https://x", "curl --header 'Cookie: sid=" + secret + "' https://x",
		"curl -u admin:" + secret + " https://x", "curl --user admin:" + secret + " https://x", "curl -uadmin:" + secret + " https://x",
		"curl 'https://x/?a=1&token=" + secret + "&b=2'", "curl https://x/?sig=" + secret, "curl 'https://x/?code=" + secret + "'",
		"mysqldump -uroot -p" + secret + " db", "sshpass -p " + secret + " ssh x", "sshpass -p" + secret + " ssh x", "redis-cli -h x -a " + secret + " save",
		"ldapsearch -D cn=x -w " + secret + " y", "smbclient //x/y -U u%" + secret,
		`curl -d '{"password": "` + secret + `"}' https://x`, `curl -d '{"api_key":"` + secret + `"}' https://x`,
		"curl https://hooks.slack.com/services/T0/B0/" + secret, "curl -fsS https://hc-ping.com/" + secret, "curl https://x.example/ping/" + secret + "/start",
		"curl https://api.telegram.org/bot" + secret + "/sendMessage", "x " + "ghp_" + strings.Repeat("a", 20) + secret, "x glpat-" + strings.Repeat("b", 16) + secret,
		"x eyJ" + strings.Repeat("a", 10) + "." + strings.Repeat("b", 10) + "." + secret,
		"x xoxb-1234567890-" + secret,
		"x ctp_ep_" + strings.Repeat("c", 16) + secret,
	} {
		got, found := Redact(text)
		if !found || strings.Contains(got, secret) || !strings.Contains(got, Redacted) {
			t.Errorf("%s\n became %s", strings.ReplaceAll(text, secret, "SECRET"), got)
		}
		if again, _ := Redact(got); again != got {
			t.Errorf("%q becomes %q when it is done again", got, again)
		}
	}
	if got, _ := Redact("echo " + aws); strings.Contains(got, aws) {
		t.Error(got)
	}
}

func TestOrdinaryCommandsStayAsTheyAre(t *testing.T) {
	for _, text := range []string{
		"/usr/lib/sysstat/sa1 1 1", "cd / && run-parts --report /etc/cron.hourly", "test -x /usr/sbin/anacron || { cd / && run-parts /etc/cron.daily; }",
		"find /tmp -name '*.tmp' -mtime +7 -delete", "rsync -a --delete /srv/ backup@nas:/srv/", "pg_dump -U backup -h db prod | gzip > /b/x.gz",
		"curl -fsS https://example.com/health", "/opt/tokenizer/run --input=a", "certbot renew --quiet --deploy-hook 'systemctl reload nginx'",
		"mysqldump --defaults-file=/etc/mysql/x.cnf db", "ssh -p 2222 host uptime", "php /var/www/artisan schedule:run >> /dev/null 2>&1", "keychain --agents ssh",
	} {
		if got, found := Redact(text); found {
			t.Errorf("%s\n became %s", text, got)
		}
	}
}

func TestPrepareIsBounded(t *testing.T) {
	var all []scheduler.Foreign
	for i := range Most + 7 {
		all = append(all, scheduler.Foreign{ID: fmt.Sprint(i), Command: strings.Repeat("x ", 9000/(i+1)) + "\xff\x00\x1b[2J", Schedule: "@reboot"})
	}
	found, more := Prepare(all)
	if len(found) != Most || more != 7 || len(found[0].Command) > maxCommand+3 || !found[0].Redacted || found[0].Schedule != "" {
		t.Errorf("%d and %d: %d bytes", len(found), more, len(found[0].Command))
	}
	if odd, n := Prepare([]scheduler.Foreign{{ID: "../x"}, {ID: ""}, {ID: "ok", Env: map[string]string{strings.Repeat("K", 999): "v"}}}); len(odd) != 1 || n != 2 || len(odd[0].Env) != 0 || !odd[0].Redacted {
		t.Errorf("%+v, %d", odd, n)
	}
	one, _ := Prepare([]scheduler.Foreign{{ID: "a", Command: "x\xff\x00\x1b[2J", Schedule: "0 2 * * *", Env: map[string]string{"DB_PASSWORD": secret, "PATH": "/bin"}}})
	if one[0].Command != "x\uFFFD[2J" || one[0].Env["DB_PASSWORD"] != Redacted || one[0].Env["PATH"] != "/bin" || !one[0].Redacted || one[0].Schedule == "" {
		t.Errorf("%+v", one[0])
	}
}

type place struct {
	found []scheduler.Foreign
	err   error
}

func (p place) Foreign(context.Context) ([]scheduler.Foreign, error) { return p.found, p.err }

func TestCollectTellsWhatItCan(t *testing.T) {
	broken := errors.New("not readable")
	got, err := Collect(t.Context(), []scheduler.Discoverer{place{found: []scheduler.Foreign{{ID: "b"}, {ID: "a"}}}, place{err: broken}, place{found: []scheduler.Foreign{{ID: "a"}}}})
	if !errors.Is(err, broken) || len(got) != 2 || got[0].ID != "a" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOnlyChangesAreReported(t *testing.T) {
	dir, err := statedir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	away := errors.New("away")
	var answer error
	sends := 0
	send := func(context.Context, []Found) error { sends++; return answer }
	report := func(found []Found, want int) {
		t.Helper()
		if _, err := Report(t.Context(), dir, found, send, now); !errors.Is(err, answer) {
			t.Fatal(err)
		}
		if sends != want {
			t.Errorf("%d sends, want %d", sends, want)
		}
	}
	one := []Found{{ID: "a"}}
	answer = away
	report(one, 1)
	answer = nil
	report(one, 2)
	report(one, 2)
	report([]Found{}, 3)
	now = now.Add(25 * time.Hour)
	report([]Found{}, 4)
	now = now.Add(-48 * time.Hour) // the clock was put back: telling once more harms nobody
	report([]Found{}, 5)
}

func TestManifestOfWhatWasFound(t *testing.T) {
	f := scheduler.Foreign{ID: "x", Schedule: "0 2 * * *", Command: "cd /opt && ./Backup_All.sh --now", User: "backup", Env: map[string]string{"MAILTO": "a@b", "X": "y"}}
	if got := Name(f.Command); got != "opt" && got != "backup-all" {
		t.Errorf("name %q", got)
	}
	data, err := Manifest(f, "default", "b", "db-1", map[string]string{"crontopus.dev/adopts": "x"})
	if err != nil {
		t.Fatal(err)
	}
	job, err := manifest.Parse("default/b.yaml", data)
	if err != nil || job.Command != f.Command || !job.Shell || job.User != "backup" || job.Env["X"] != "y" || len(job.Env) != 1 || job.Selector.Hostname != "db-1" {
		t.Errorf("%s%+v, %v", data, job, err)
	}
	if _, err := Manifest(scheduler.Foreign{Command: "x"}, "default", "b", "db-1", nil); err == nil {
		t.Error("no schedule, and a manifest of it")
	}
	for command, want := range map[string]string{"/usr/bin/php /x.php": "php", "FOO=1 /opt/Backup.sh": "backup", "": "job", "--": "job"} {
		if got := Name(command); got != want {
			t.Errorf("%q is %q, want %q", command, got, want)
		}
	}
}
