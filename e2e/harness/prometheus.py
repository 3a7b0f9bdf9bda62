"""A real Prometheus with the configuration of infra/prometheus, at addresses of this machine."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import yaml

from harness import processes
from harness.paths import ROOT
from harness.ports import free_port
from harness.waiting import eventually

CONFIGURATIONS = ROOT / "infra" / "prometheus"


class Prometheus:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir()
        self._port = free_port()
        self._log = directory / "prometheus.log"
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, targets: dict[str, str], secrets: dict[str, str]) -> None:
        """`targets`: host and port of each job of prometheus.yml and tenant.yml; `secrets`: by file name."""
        merged: dict[str, Any] = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}
        for name in ("prometheus.yml", "tenant.yml"):
            found = yaml.safe_load((CONFIGURATIONS / name).read_text())
            for rules in found["rule_files"]:
                (self._directory / rules).write_text((CONFIGURATIONS / rules).read_text())
                merged.setdefault("rule_files", []).append(rules)
            for job in found["scrape_configs"]:
                job |= {"scheme": "http", "static_configs": [{"targets": [targets[job["job_name"]]]}]}
                merged.setdefault("scrape_configs", []).append(job)
        for name, secret in secrets.items():
            (self._directory / name).write_text(secret)
        (self._directory / "merged.yml").write_text(yaml.safe_dump(merged))

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._directory / 'merged.yml'}",
                    f"--storage.tsdb.path={self._directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._ready, "Prometheus is ready", within=30)

    def stop(self) -> None:
        if self._process is not None:
            processes.end(self._process)

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def _ready(self) -> bool:
        try:
            return self._get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """[{"metric": labels, "value": [time, text]}, …]"""
        answer = self._get("/api/v1/query", query=expression)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["result"]

    def rules(self) -> list[dict[str, Any]]:
        groups = self._get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _get(self, path: str, **query: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self._port}{path}", params=query, trust_env=False, timeout=10)
