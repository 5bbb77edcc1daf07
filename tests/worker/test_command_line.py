"""The `pubgrade` command as people and scripts call it, against a loopback E-utilities server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-c", "from worker.command_line import main; main()"]


@pytest.fixture
def pubgrade(
    tmp_path: Path, eutils: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    server = eutils()
    root = str(Path(__file__).parents[2])
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PUBGRADE_EMAIL", "NCBI_"))
    }
    environment |= {
        "PYTHONPATH": root,
        "HOME": str(tmp_path),
        "PUBGRADE_ENTREZ__BASE_URL": server.base_url,
        "COLUMNS": "100",
    }

    def call(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env=environment | more,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    call.environment = environment  # type: ignore[attr-defined]
    call.folder = tmp_path  # type: ignore[attr-defined]
    return call


def test_fetch_show_query_export(pubgrade: Callable[..., Any]) -> None:
    fetched = pubgrade("fetch", "--email", "a@example.org", "30000001", "30000002", "--json")
    assert fetched.returncode == 0, fetched.stderr
    records = [json.loads(line) for line in fetched.stdout.splitlines()]
    assert [record["pmid"] for record in records] == [30000001, 30000002]
    for key in [
        "version",
        "title",
        "abstract",
        "sections",
        "journal",
        "published",
        "authors",
        "doi",
        "pmcid",
        "publication_types",
        "mesh",
        "registry_ids",
        "design",
        "design_label",
        "confidence",
        "question",
        "attributes",
        "flags",
        "levels",
        "stated_level",
        "reasons",
        "details",
        "grader_version",
        "graded_at",
        "topics",
    ]:
        assert key in records[0]
    shown = pubgrade("show", "30000001")
    assert "Meta-analysis" in shown.stdout
    assert "systematic review" in shown.stdout
    # global options count before and after the command
    assert pubgrade("--json", "query", "gout").stdout == pubgrade("query", "gout", "--json").stdout
    assert pubgrade("export", "all.csv").returncode == 0
    assert (pubgrade.folder / "all.csv").read_text().count("3000000") >= 2  # type: ignore[attr-defined]
    assert json.loads(pubgrade("status", "--json").stdout)["counts"]["articles"] == 2
    assert "→ " in pubgrade("explain", "30000001").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["fetch", "abc", "--email", "a@b.org"], 2, "not a PMID"),
        (["fetch", "--email", "a@b.org"], 2, "no PMIDs"),
        (["fetch", "30000001"], 2, "e-mail"),
        (["fetch", "99", "--email", "a@b.org"], 1, "not in PubMed"),
        (["load", "nowhere.xml"], 2, "no such file"),
        (["show", "1"], 3, "pubgrade"),
        (["query", "--design", "rct"], 2, "--design rct"),
        (["query", "--level", "9"], 2, "--level 9"),
        (["sync"], 2, "topics"),
        (["run"], 2, "e-mail"),
        (["fetch", "1", "--config", "missing.toml"], 2, "missing.toml"),
    ],
)
def test_bad_input(
    pubgrade: Callable[..., Any], arguments: list[str], status: int, says: str
) -> None:
    done = pubgrade(*arguments)
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_ncbi_down(pubgrade: Callable[..., Any]) -> None:
    done = pubgrade(
        "fetch",
        "1",
        "--email",
        "a@b.org",
        PUBGRADE_ENTREZ__BASE_URL="http://127.0.0.1:9/",
        PUBGRADE_ENTREZ__TIMEOUT="1",
    )
    assert done.returncode == 4


def test_load_and_grade_a_damaged_file(pubgrade: Callable[..., Any]) -> None:
    path = pubgrade.folder / "cut.jsonl"  # type: ignore[attr-defined]
    path.write_text('{"pmid": 5, "title": "Gout: a case report"}\n{broken\n')
    loaded = pubgrade("load", str(path))
    assert loaded.returncode == 1
    assert "1 new" in loaded.stdout
    assert "line 2" in loaded.stderr
    graded = pubgrade("grade", "-", stdin='{"pmid": 5, "title": "Gout: a case report"}\n')
    assert json.loads(graded.stdout)["design"] == "case_report"


def test_init_sync_and_daemon(pubgrade: Callable[..., Any]) -> None:
    assert pubgrade("init").returncode == 0
    config = pubgrade.folder / "config.toml"  # type: ignore[attr-defined]
    config.write_text(
        config.read_text()
        + '\n[[topics]]\nname = "all"\nquery = "gout"\nsince = 2024-01-01\nevery = "1h"\n'
    )
    synced = pubgrade("sync", "--email", "a@example.org")
    assert synced.returncode == 0, synced.stderr
    assert "new" in synced.stdout
    daemon = subprocess.Popen(
        [*COMMAND, "run"],
        cwd=pubgrade.folder,  # type: ignore[attr-defined]
        env=pubgrade.environment | {"PUBGRADE_EMAIL": "a@example.org"},  # type: ignore[attr-defined]
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(100):
            state = json.loads(pubgrade("status", "--json").stdout)["daemon"]["state"]
            if state.startswith("running"):
                break
            time.sleep(0.1)
        assert state.startswith("running")
        second = pubgrade("run", PUBGRADE_EMAIL="a@example.org")
        assert second.returncode == 3
        started = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=15) == 0
        assert time.monotonic() - started < 10
    finally:
        daemon.kill()
        daemon.communicate()
