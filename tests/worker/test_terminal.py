"""What a person at a terminal gets: progress on long jobs, and words completed by the shell."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from eutils_server import EutilsServer, Library

if TYPE_CHECKING:
    from conftest import Pubgrade


def _read(terminal: int) -> str:
    """Everything until the other side hangs up."""
    said = b""
    try:
        while part := os.read(terminal, 2**16):
            said += part
    except OSError:  # so Linux says that the last process has closed the terminal
        pass
    return said.decode()


def test_progress_is_for_people_who_watch(
    pubgrade: Pubgrade, eutils: Callable[..., EutilsServer], tmp_path: Path
) -> None:
    """Two seconds into a job, at a terminal, a bar with rate and time left; into a pipe, nothing."""
    server = eutils(Library.generate(600), latency=1.1)
    pmids = tmp_path / "pmids.txt"
    pmids.write_text("\n".join(map(str, server.library.pmids)))
    environment = pubgrade.environment | {
        "PUBGRADE_ENTREZ__BASE_URL": server.base_url,
        "PUBGRADE_EMAIL": "a@example.org",
        "TERM": "xterm",
    }
    terminal, side = pty.openpty()

    def start(name: str, stderr: int, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*pubgrade.command, "fetch", "--store", f"sqlite:///{name}.db", "--json", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
        )

    watched = start("watched", side, "--file", str(pmids))
    piped = start("piped", subprocess.PIPE, "--file", str(pmids))
    os.close(side)
    seen = _read(terminal)
    os.close(terminal)
    assert piped.communicate(timeout=60)[1] == ""
    assert watched.wait(timeout=60) == piped.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert re.search(r"Fetching .* 400/600 \d+/s 0:00:0\d left", plain)

    terminal, side = pty.openpty()
    short = start("watched", side, str(server.library.pmids[0]))
    os.close(side)
    assert _read(terminal) == ""
    os.close(terminal)
    assert short.wait(timeout=60) == 0
    # biopython #4268: it kept DTDs in a folder of the home directory, made when imported
    assert not (tmp_path / ".config").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_the_shell_completes_commands_and_their_words(pubgrade: Pubgrade, tmp_path: Path) -> None:
    command = tmp_path / "bin" / "pubgrade"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from worker.command_line import main; main()" "$@"\n'
    )
    command.chmod(0o755)
    script = """
    eval "$(pubgrade --show-completion bash)"
    complete -p pubgrade
    for line in "pubgrade qu" "pubgrade query --design meta"; do
        COMP_WORDS=($line) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
        _pubgrade_completion pubgrade
        echo "${COMPREPLY[@]}"
    done
    """
    done = subprocess.run(
        ["bash", "-c", script],
        env=pubgrade.environment | {"PATH": f"{command.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    registered, *completed = done.stdout.splitlines()
    assert "_pubgrade_completion" in registered
    assert completed == ["query", "meta_analysis"]
