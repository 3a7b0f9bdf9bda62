"""A real Redis that can be killed and started again on the same port."""

import shutil
import socket
import subprocess
from pathlib import Path


class Redis:
    def __init__(self, directory: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._directory = directory
        self.url = f"redis://127.0.0.1:{self._port}/3"
        self.start()

    def start(self) -> None:
        binary = shutil.which("redis-server")
        assert binary is not None, "apt-get install redis-server"
        arguments = [
            "--port",
            str(self._port),
            "--dir",
            str(self._directory),
            "--save",
            "",
            "--bind",
            "127.0.0.1",
        ]
        self.process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        while "Ready to accept connections" not in self.process.stdout.readline():
            assert self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
