"""What a person at a terminal gets: progress on long jobs, and words completed by the shell."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
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
        f'#!/bin/sh\nexec {sys.executable} -c "from worker.entry_point import main; main()" "$@"\n'
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


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
@pytest.mark.parametrize(
    ("command", "status", "says"),
    [
        ("query --json --limit 3 | true", "0", ""),
        ("show 30000001 | true", "0", ""),
        ("query --json --limit 3 >/dev/full", "2", "the output cannot be written: No space left"),
        ("show 30000001 >/dev/full", "2", "the output cannot be written: No space left"),
    ],
)
def test_output_that_nobody_takes(
    pubgrade: Pubgrade, tmp_path: Path, command: str, status: str, says: str
) -> None:
    email = {"PUBGRADE_EMAIL": "a@example.org"}
    assert pubgrade("fetch", "30000001", "30000002", "30000003", **email).returncode == 0
    words = f"{sys.executable} -c 'from worker.entry_point import main; main()'"
    done = subprocess.run(
        ["bash", "-c", f"({words} {command.replace(' |', '; echo $? >status) |', 1)}"]
        if "|" in command
        else ["bash", "-c", f"{words} {command}; echo $? >status"],
        cwd=tmp_path,
        env=pubgrade.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "status").read_text().strip() == status
    assert done.stderr.strip() == (f"pubgrade: {says} on device" if says else "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["fetch --file pmids.txt", "sync"])
def test_a_signal_interrupts_a_command(
    pubgrade: Pubgrade,
    eutils: Callable[..., EutilsServer],
    tmp_path: Path,
    number: int,
    command: str,
) -> None:
    """Exit status 130; what came before is kept, and the ledger says how the run ended."""
    server = eutils(Library.generate(600), rate=200, latency=0.3)
    (tmp_path / "pmids.txt").write_text("\n".join(map(str, server.library.pmids)))
    (tmp_path / "config.toml").write_text(
        '[[topics]]\nname = "all"\nquery = "trial OR cohort OR case"\n'
    )
    running = pubgrade.start(
        *command.split(), PUBGRADE_ENTREZ__BASE_URL=server.base_url, PUBGRADE_EMAIL="a@example.org"
    )
    deadline = time.monotonic() + 60
    while len(server.calls_of("efetch")) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(number)
    assert running.wait(timeout=60) == 130
    assert "the work so far is kept" in (tmp_path / "stderr.txt").read_text()
    done = pubgrade("status", "--json")
    said = json.loads(done.stdout)
    assert said["runs"][0]["state"] == "interrupted"
    assert said["counts"]["articles"] >= 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_modules_are_read(pubgrade: Pubgrade, number: int) -> None:
    """Reading them takes most of a short command's time; a script tells by 130 that it was stopped."""
    code = (
        "import builtins, os\n"
        "from worker.entry_point import main\n"
        "true_import = builtins.__import__\n"
        "def stopping(name, *rest):\n"
        "    if name == 'typer':\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "    return true_import(name, *rest)\n"
        "builtins.__import__ = stopping\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "status"],
        env=pubgrade.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "pubgrade: interrupted\n")


def test_times_are_local(
    pubgrade: Pubgrade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = {"PUBGRADE_EMAIL": "a@example.org"}
    assert pubgrade("fetch", "30000001", **email).returncode == 0
    started = json.loads(pubgrade("status", "--json").stdout)["runs"][0]["started_at"]
    utc = datetime.fromisoformat(started)
    try:
        monkeypatch.setenv("TZ", "XYZ-3")  # three hours before UTC, without summer time
        time.tzset()
        page = pubgrade("status", TZ="XYZ-3").stdout
    finally:
        monkeypatch.undo()
        time.tzset()
    assert f"{utc + timedelta(hours=3):%Y-%m-%d %H:%M}" in page
