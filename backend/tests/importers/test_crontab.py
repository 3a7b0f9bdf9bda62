"""Crontabs as manifests: what cron does with a line is what the job does."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from crontopus_api.importers import Imported, ImportedJob, Kind, read
from crontopus_api.manifests import JobManifest, Selector, parse_job


def _read(text: str | bytes, kind: Kind = "crontab", **more: Any) -> Imported:
    data = text.encode() if isinstance(text, str) else text
    return read(kind, data, namespace="default", timezone="Europe/London", selector=None, **more)


def _one(text: str, kind: Kind = "crontab", **more: Any) -> tuple[ImportedJob, JobManifest]:
    result = _read(text, kind, **more)
    assert not result.problems
    (job,) = result.jobs
    return job, parse_job(job.path, job.yaml.encode())


def _spec(command: str, above: str = "") -> dict[str, Any]:
    _, job = _one(f"{above}0 2 * * * {command}\n")
    spec = job.spec
    values = {
        "command": spec.command,
        "args": list(spec.args) or None,
        "shell": spec.shell or None,
        "workingDir": spec.working_dir,
        "env": spec.env or None,
    }
    return {key: value for key, value in values.items() if value is not None}


def test_a_line_becomes_a_job() -> None:
    found, job = _one("# Backs up.\n# Every night.\n15 2 * * 1-5 /opt/backup.sh --fast\n")
    assert (found.name, found.path, found.line) == ("backup", "default/backup.yaml", 3)
    assert found.source == "15 2 * * 1-5 /opt/backup.sh --fast"
    assert found.yaml == (
        "apiVersion: crontopus/v1\nkind: Job\nmetadata:\n  name: backup\n  namespace: default\n"
        "  annotations:\n    description: |-\n      Backs up.\n      Every night.\n"
        "spec:\n  schedule: 15 2 * * 1-5\n  timezone: Europe/London\n  command: /opt/backup.sh\n"
        "  args:\n    - --fast\n"
    )
    assert (job.spec.user, job.spec.selector, found.warnings) == (None, None, [])


@pytest.mark.parametrize(
    ("command", "spec"),
    [
        ("/a/b", {"command": "/a/b"}),
        ("b -x", {"command": "b", "args": ["-x"]}),
        ("/a 'x y' \"z\"", {"command": "/a", "args": ["x y", "z"]}),
        ("/a pre'x y'post ''", {"command": "/a", "args": ["prex ypost", ""]}),
        ("'/my dir/a'", {"command": "/my dir/a"}),
        ("/a --date=+\\%F", {"command": "/a", "args": ["--date=+%F"]}),
        ("X=1 Y='a b' /a", {"command": "/a", "env": {"X": "1", "Y": "a b"}}),
        ("PATH=/x a", {"command": "PATH=/x a", "shell": True}),
        ("CRONTOPUS_X=1 /a", {"command": "CRONTOPUS_X=1 /a", "shell": True}),
        ("X=$HOME /a", {"command": "X=$HOME /a", "shell": True}),
        ("X=1", {"command": "X=1", "shell": True}),
        ("/a > /tmp/x 2>&1", {"command": "/a > /tmp/x 2>&1", "shell": True}),
        ("/a $X", {"command": "/a $X", "shell": True}),
        ("/a *.log", {"command": "/a *.log", "shell": True}),
        ("/a ~/x", {"command": "/a ~/x", "shell": True}),
        ("/a\\ b", {"command": "/a\\ b", "shell": True}),
        ('/a "$X"', {"command": '/a "$X"', "shell": True}),
        ("/a 'x", {"command": "/a 'x", "shell": True}),
        ("/a # why", {"command": "/a # why", "shell": True}),
        (". /etc/profile", {"command": ". /etc/profile", "shell": True}),
        ("exec /a", {"command": "exec /a", "shell": True}),
        ("cd /srv && /a", {"command": "/a", "workingDir": "/srv"}),
        ("cd '/my dir' && ./a -x", {"command": "./a", "args": ["-x"], "workingDir": "/my dir"}),
        ("cd /srv && a | b 2>&1", {"command": "a | b 2>&1", "shell": True, "workingDir": "/srv"}),
        ("cd /srv && a && b", {"command": "a && b", "shell": True, "workingDir": "/srv"}),
        ("cd /srv && a || b", {"command": "cd /srv && a || b", "shell": True}),
        ("cd /srv && a; b", {"command": "cd /srv && a; b", "shell": True}),
        ("cd /srv && a & b", {"command": "cd /srv && a & b", "shell": True}),
        ("cd /srv; a", {"command": "cd /srv; a", "shell": True}),
        ("cd srv && a", {"command": "cd srv && a", "shell": True}),
        ("cd ~ && a", {"command": "cd ~ && a", "shell": True}),
        ("cd $X && a", {"command": "cd $X && a", "shell": True}),
        ("cd /a/../b && a", {"command": "cd /a/../b && a", "shell": True}),
        ("cd /srv && echo ';'", {"command": "echo", "args": [";"], "workingDir": "/srv"}),
        ("cat%a%b", {"command": "cat <<'STDIN'\na\nb\nSTDIN\n", "shell": True}),
        ("cat%a\\%b%", {"command": "cat <<'STDIN'\na%b\nSTDIN\n", "shell": True}),
        ("cat%", {"command": "cat"}),
        ("cat%STDIN", {"command": "cat <<'STDIN_'\nSTDIN\nSTDIN_\n", "shell": True}),
        ("cat | wc%x", {"command": "{\ncat | wc\n} <<'STDIN'\nx\nSTDIN\n", "shell": True}),
        ("/a  ", {"command": "/a"}),
        ("/ä 'ö'", {"command": "/ä", "args": ["ö"]}),
    ],
)
def test_commands(command: str, spec: dict[str, Any]) -> None:
    assert _spec(command) == spec


@pytest.mark.parametrize(
    "line",
    [
        "printf '[%s]' 'a b' c\"d e\"f ''",
        "printf '%s,' a=b x:y @z +1 -- --q='r s'",
        "X='1 2' printenv X",
        "cd / && pwd",
        "cd /usr && printf x | cat",
        "cat%one%two\\%three",
        "tr a-z A-Z | cat%hello%world",
        "cat >&2 && echo done%in",
    ],
)
def test_a_real_shell_does_the_same_with_the_line(line: str) -> None:
    """What `sh -c` makes of the line as cron splits it, against what the manifest says to run."""
    line = line.replace("'[%s]'", "'[\\%s]'").replace("'%s,'", "'\\%s,'")
    command, *stdin = line.replace("\\%", "\0").split("%")
    fed = "\n".join(stdin).replace("\0", "%") + "\n" if stdin else ""
    expected = subprocess.run(
        ["/bin/sh", "-c", command.replace("\0", "%")], input=fed, capture_output=True, text=True, check=False
    )
    spec = _spec(line)
    argv = ["/bin/sh", "-c", spec["command"]] if "shell" in spec else [spec["command"], *spec.get("args", [])]
    found = subprocess.run(
        argv,
        cwd=spec.get("workingDir"),
        env={"PATH": "/usr/bin:/bin", **spec.get("env", {})},
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.stderr, found.returncode) == (
        expected.stdout,
        expected.stderr,
        expected.returncode,
    )


def test_settings_act_on_what_follows_them() -> None:
    result = _read(
        "0 1 * * * /a\nPATH = /usr/bin\nMAILTO=ops@example.com\n0 2 * * * /b\n"
        "CRON_TZ=Asia/Tokyo\n0 3 * * * /c\nMAILTO=\nCRON_TZ=\nX='x y'  \n0 4 * * * /d\n"
    )
    jobs = [parse_job(job.path, job.yaml.encode()) for job in result.jobs]
    path = {"PATH": "/usr/bin"}
    assert [job.spec.env for job in jobs] == [{}, path, path, {**path, "X": "x y"}]
    zone = "Europe/London"
    assert [job.spec.timezone for job in jobs] == [zone, zone, "Asia/Tokyo", zone]
    assert ["cron mailed" in " ".join(job.warnings) for job in result.jobs] == [False, True, True, False]
    assert [setting.line for setting in result.settings] == [2, 3, 5, 7, 8, 9]


@pytest.mark.parametrize("line", ["'MY VAR'=x", "A-B=1", "CRONTOPUS_JOB=x", "x" * 200 + "=1"])
def test_names_that_no_variable_can_have_are_a_problem_of_their_line(line: str) -> None:
    result = _read(f"{line}\n0 4 * * * /d\n")
    assert [problem.line for problem in result.problems] == [1]
    assert [job.line for job in result.jobs] == [2]


@pytest.mark.parametrize(
    ("line", "env"),
    [
        ("A=1", {"A": "1"}),
        ("  A\t=  1 2  ", {"A": "1 2"}),
        ("A=", {"A": ""}),
        ("A='x y '", {"A": "x y "}),
        ('"A"="x"', {"A": "x"}),
        ("A=$HOME/b", {"A": "$HOME/b"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=#no", {"A": "#no"}),
        ("LOGNAME=root", None),
        ("MAILFROM=x", None),
    ],
)
def test_settings_as_cron_reads_them(line: str, env: dict[str, str] | None) -> None:
    assert _spec("/a", f"{line}\n").get("env") == env
    (setting,) = _read(f"{line}\n").settings
    assert (setting.line, setting.source) == (1, line)
    assert setting.effect


def test_another_shell_runs_the_lines_that_need_one() -> None:
    env = {"SHELL": "/bin/bash"}
    assert _spec("a | b", "SHELL=/bin/bash\n") == {
        "command": "/bin/bash",
        "args": ["-c", "a | b"],
        "env": env,
    }
    assert _spec("/a b", "SHELL=/bin/bash\n") == {"command": "/a", "args": ["b"], "env": env}


def test_home_is_where_jobs_run() -> None:
    env = {"HOME": "/srv"}
    assert _spec("/a", "HOME=/srv\n") == {"command": "/a", "workingDir": "/srv", "env": env}
    assert _spec("cd /tmp && /a", "HOME=/srv\n") == {"command": "/a", "workingDir": "/tmp", "env": env}


def test_a_random_delay_is_jitter() -> None:
    _, job = _one("RANDOM_DELAY=20\n@daily /a\n")
    assert (job.spec.jitter.seconds, job.spec.grace.seconds) == (1200, 1200)


def test_a_bad_zone_is_a_problem_and_the_old_one_stays() -> None:
    result = _read("CRON_TZ=Europe/Londn\n0 2 * * * /a\n")
    (problem,) = result.problems
    assert (problem.line, problem.reason) == (1, "unknown timezone `Europe/Londn`")
    assert "did you mean `Europe/London`?" in (problem.hint or "")
    assert "timezone: Europe/London" in result.jobs[0].yaml


def test_system_crontabs_name_the_user() -> None:
    _, job = _one("17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n", "system-crontab")
    assert (job.spec.user, job.spec.working_dir, job.spec.command) == ("root", "/", "run-parts")
    assert job.metadata.name == "run-parts-cron-hourly"
    _, job = _one("@daily www-data\t/a\n", "system-crontab")
    assert (job.spec.user, job.spec.command) == ("www-data", "/a")
    _, job = _one("@daily /a\n", user="backup")
    assert job.spec.user == "backup"


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ("@reboot /a", "crontab", "`@reboot` has no time at which a run could be expected"),
        ("61 * * * * /a", "crontab", "bad minute field"),
        ("0 0 31 2 * /a", "crontab", "never fires"),
        ("@every_minute /a", "crontab", "unknown schedule alias"),
        ("* * * * *", "crontab", "not a line cron would run"),
        ("hello", "crontab", "not a line cron would run"),
        ("0 2 * * * %in", "crontab", "no command"),
        ("0 2 * * * root", "system-crontab", "no command"),
        ("0 2 * * * /opt/a.sh", "system-crontab", "is not a user name"),
        ("0 2 * * * /a " + "x" * 20_000, "crontab", "too long"),
        ("0 2 * * * '" + "x" * 9_000 + "'", "crontab", "more than 8192 characters"),
        ("0 2 * * * /a \0", "crontab", "NUL"),
        (
            f"0 2 * * * /usr/bin/crontopus-run x # crontopus:{'0' * 36}:",
            "crontab",
            "Crontopus wrote this line",
        ),
    ],
)
def test_what_cannot_become_a_job_is_a_problem(line: str, kind: Kind, reason: str) -> None:
    result = _read(f"\n{line}\n", kind)
    assert not result.jobs
    (problem,) = result.problems
    assert problem.line == 2
    assert reason in problem.reason
    assert line.startswith(problem.source.rstrip("…"))


def test_bytes_that_are_not_text_are_a_problem_of_their_line() -> None:
    result = _read(b"0 1 * * * /a\n0 2 * * * /caf\xe9\n0 3 * * * /c\r\n")
    assert [job.line for job in result.jobs] == [1, 3]
    assert [problem.line for problem in result.problems] == [2]
    assert "command: /c\n" in result.jobs[1].yaml


@pytest.mark.parametrize(
    ("above", "description"),
    [
        ("# Why", "Why"),
        ("# Why\n\n", None),
        ("# Why\nA=1\n", None),
        ("# Why\n0 1 * * * /other\n", None),
        ("# DO NOT EDIT THIS FILE - edit the master and reinstall.\n#\n# Why", "Why"),
        ("# Output is mailed\n#\n# m h  dom mon dow   command\n", None),
        ("# m h dom mon dow user command\n# Why", "Why"),
        ("#0 5 * * 1 tar -zcf /var/backups/home.tgz /home/", None),
        ("# Why\n#@reboot /old", "Why"),
        ("#-----------\n### Why ###\n#-----------", "Why ###"),
    ],
)
def test_comments_right_above_describe(above: str, description: str | None) -> None:
    jobs = _read(
        f"{above.rstrip(chr(10)) + chr(10) if not above.endswith(chr(10)) else above}5 2 * * * /a\n"
    ).jobs
    assert parse_job(jobs[-1].path, jobs[-1].yaml.encode()).description == description


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/opt/backup.sh --fast", "backup"),
        ("/usr/bin/python3 /opt/report_daily.py -v", "report-daily"),
        ("python3 -m app.tasks.clean", "app-tasks-clean"),
        ("cd /srv && php artisan schedule:run >> /dev/null", "artisan-schedule-run"),
        ("nice -n 19 ionice -c 3 /opt/x.sh", "x"),
        ("flock -n /tmp/lock /opt/y.sh", "y"),
        ("timeout 60 /opt/z", "z"),
        ("sudo -u www-data /opt/w.pl", "w"),
        ("A='x y' B=2 env /opt/v", "v"),
        ("[ -x /usr/bin/certbot ] && certbot -q renew", "certbot"),
        ("curl -fsS https://example.com/hooks/refresh", "curl-refresh"),
        ("bash -c 'echo hi'", "bash"),
        ("/opt/start.sh", "start-job"),
        ("200", "200-job"),
        ("!!", "job"),
    ],
)
def test_names_say_what_a_job_is_about(command: str, name: str) -> None:
    found, _ = _one(f"0 2 * * * {command}\n")
    assert found.name == name


def test_names_are_unique_and_stable() -> None:
    text = "0 1 * * * /a/x.sh\n0 2 * * * /b/x.sh\n0 3 * * * /c/x-2\n"
    result = _read(text)
    assert [job.name for job in result.jobs] == ["x", "x-2", "x-2-2"]
    assert _read(text) == result
    assert [job.name for job in _read(text, taken=["x", "x-3"]).jobs] == ["x-2", "x-4", "x-2-2"]


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("/a >/dev/null 2>&1", "throws output away"),
        (
            "/a && curl -fsS https://hc-ping.com/5f0c >/dev/null",
            "reports to https://hc-ping.com/5f0c by itself",
        ),
        ("curl https://example.com/ping/abc/start", "reports to https://example.com/ping/abc/start"),
        ("DB_PASSWORD=x /a", "secret"),
        ("/a --token=x", "secret"),
        ("root /a", "system crontab"),
        ("cat%x", "standard input"),
    ],
)
def test_what_is_worth_a_remark(line: str, warning: str) -> None:
    found, _ = _one(f"0 2 * * * {line}\n")
    assert any(warning in text for text in found.warnings)


def test_secrets_in_settings_are_noticed_too() -> None:
    found, _ = _one("API_KEY=x\n0 2 * * * /a\n")
    assert any("secret" in text for text in found.warnings)


def test_the_selector_is_written_into_every_job() -> None:
    selector = Selector(matchLabels={"role": "db"}, hostname="db-*")
    result = read("crontab", b"@daily /a\n", namespace="x", timezone="UTC", selector=selector)
    assert parse_job("x/a.yaml", result.jobs[0].yaml.encode()).spec.selector == selector


def test_a_namespace_that_is_none_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not a namespace"):
        read("crontab", b"@daily /a\n", namespace="../x", timezone="UTC", selector=None)


def test_limits() -> None:
    assert "the limit is" in _read(b"#" * (1024 * 1024 + 1)).problems[0].reason
    assert "the limit is" in _read("\n" * 10_001).problems[0].reason
    (problem,) = read("crontab", b"@daily /a", namespace="x", timezone="Europe/Londn", selector=None).problems
    assert (problem.line, problem.hint) == (1, "did you mean `Europe/London`?")
    many = _read("0 2 * * * /a\n" * 1_003)
    assert (len(many.jobs), len(many.problems)) == (1_000, 3)
