"""Runs that a test kills: forks of a process that has read its modules and tables once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).parents[2]

_FORKS = """
import os, sys

for _ in sys.stdin:
    child = os.fork()
    if not child:
        run()
        os._exit(0)
    print("pid", child, flush=True)
    sys.stdin.readline()  # until then the number of an ended process is not given to another
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


class KilledRuns:
    """`code` defines `run()`; whatever it has done before is there for each run."""

    def __init__(self, code: str, *arguments: object) -> None:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-c", code + _FORKS, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        with self._process:
            self._pipe(self._process.stdin).close()

    def start(self) -> int:
        """Begin a run; the number of its process, which is its own until `end`."""
        word, pid = self._say().readline().split()
        assert word == "pid"
        return int(pid)

    def end(self) -> list[str]:
        """Wait for the run; the lines that it printed."""
        return list(iter(self._say().readline, "ended\n"))

    def _say(self) -> IO[str]:
        """Let the process go on to its next answer."""
        said = self._pipe(self._process.stdin)
        said.write("\n")
        said.flush()
        return self._pipe(self._process.stdout)

    @staticmethod
    def _pipe(end: IO[str] | None) -> IO[str]:
        assert end is not None
        return end
