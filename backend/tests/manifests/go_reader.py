"""Asks the agent's own reader, built from this tree, what it makes of a manifest."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from crontopus_api.manifests import ManifestInvalid, parse_document

from .contract import ROOT, plain

AGENT = ROOT / "agent"
_BUILD_SECONDS = 300


def build(target: Path) -> Path:
    """`agent/tools/readmanifest` as a program. A machine without Go fails the test: scripts/bootstrap brings it."""
    # scripts/lib.sh looks in the same two places, in this order.
    path = f"{os.environ.get('PATH', '')}:{ROOT / '.tools/go/go/bin'}"
    go = shutil.which("go", path=path)
    if go is None:
        pytest.fail("there is no Go toolchain; scripts/bootstrap agent fetches one")
    binary = target / "readmanifest"
    built = subprocess.run(
        [go, "build", "-o", str(binary), "./tools/readmanifest"],
        cwd=AGENT,
        env={**os.environ, "PATH": path, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if built.returncode:
        pytest.fail(f"readmanifest does not build:\n{built.stderr}")
    return binary


class GoReader:
    """One running reader; a line in, a line out."""

    def __init__(self, binary: Path) -> None:
        self._process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, path: str, data: bytes) -> dict[str, Any]:
        """`{"manifest": …}` or `{"errors": …}`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = json.dumps({"path": path, "content_base64": base64.b64encode(data).decode()})
        self._process.stdin.write(question.encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the reader died of {path}: {data!r}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process; it must have nothing to complain about."""
        self._process.communicate(timeout=10)
        assert self._process.returncode == 0


def python_reads(path: str, data: bytes) -> dict[str, Any]:
    """The server's answer in the same shape."""
    try:
        manifest = parse_document(path, data)
    except ManifestInvalid as invalid:
        return {
            "errors": [
                {
                    "code": error.code,
                    "line": error.line,
                    "column": error.column,
                    "path": error.path,
                    "message": error.message,
                }
                for error in invalid.errors
            ]
        }
    return {"manifest": plain(manifest.model_dump(by_alias=True))}


def codes(answer: dict[str, Any]) -> list[str]:
    """Those of the errors."""
    return [error["code"] for error in answer.get("errors", ())]


def comparable(answer: dict[str, Any], placeless: Collection[str] = ("yaml_syntax",)) -> Any:
    """What both languages must agree on: the manifest, or the errors' codes and places in any order.

    The places of the codes in `placeless` are left out.
    """
    if "manifest" in answer:
        return answer["manifest"]
    return sorted(_essence(error, placeless) for error in answer["errors"])


def _essence(error: dict[str, Any], placeless: Collection[str]) -> tuple[str, int, int, str]:
    if error["code"] in placeless:
        return error["code"], 0, 0, error["path"]
    return error["code"], error["line"], error["column"], error["path"]
