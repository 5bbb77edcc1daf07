"""`pubgrade run` as a real process."""

from __future__ import annotations

import json
import logging
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bulk_site import BulkSite, bulk_file, record
from loguru import logger

from storage import Store
from worker import logs

if TYPE_CHECKING:
    from conftest import Pubgrade

EMAIL = {"PUBGRADE_EMAIL": "a@example.org"}


def _topics(pubgrade: Pubgrade, *topics: str, every: str = "1h", more: str = "") -> None:
    entries = [
        f'[[topics]]\nname = "{topic.split()[0]}"\nquery = "{topic}"\nevery = "{every}"\n'
        "since = 2024-01-01\n"
        for topic in topics
    ]
    part = pubgrade.folder / "config.toml.part"
    part.write_text("\n".join([*entries, more]))
    part.replace(pubgrade.folder / "config.toml")


def _store(pubgrade: Pubgrade) -> Store:
    return Store.open(f"sqlite:///{pubgrade.folder / 'pubgrade.db'}")


def _log(pubgrade: Pubgrade) -> str:
    return (pubgrade.folder / "stderr.txt").read_text()


def _until(true: Callable[[], Any], pubgrade: Pubgrade, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, _log(pubgrade)
        time.sleep(0.1)


@contextmanager
def _running(pubgrade: Pubgrade, **environment: str) -> Iterator[subprocess.Popen[str]]:
    daemon = pubgrade.start("run", **EMAIL, **environment)
    try:
        _until(lambda: "pubgrade is running" in _log(pubgrade), pubgrade)
        yield daemon
    finally:
        daemon.kill()
        daemon.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_time_and_keeps_what_came(
    pubgrade: Pubgrade, number: signal.Signals
) -> None:
    _topics(pubgrade, "gout")
    pubgrade.server.latency = 0.3
    with _running(pubgrade) as daemon:
        _until(lambda: pubgrade.server.calls_of("efetch"), pubgrade)
        started = time.monotonic()
        daemon.send_signal(number)
        assert daemon.wait(timeout=20) == 0
        assert time.monotonic() - started < 10
    with _store(pubgrade) as store:
        assert all(run.state in ("done", "interrupted") for run in store.runs())
        heartbeat = store.heartbeat()
        assert heartbeat is None or heartbeat.state == "stopped"
    assert pubgrade("sync", **EMAIL).returncode == 0


def test_a_day_in_its_life(pubgrade: Pubgrade) -> None:
    """Beside it manual commands work and a second daemon does not; topics change; one fails."""
    _topics(pubgrade, "gout", "unknownword", more='[daemon]\nretry = "1s"\n')
    with _running(pubgrade):
        _until(lambda: "topic gout: " in _log(pubgrade), pubgrade)
        second = pubgrade("run", **EMAIL)
        assert second.returncode == 3
        assert "the daemon already runs on this store" in second.stderr
        assert pubgrade("fetch", "30000002", **EMAIL).returncode == 0
        state = json.loads(pubgrade("status", "--json").stdout)["daemon"]["state"]
        assert state.startswith("running")

        # the failing topic says why, is tried again, and its failures are counted once each
        _until(lambda: "unknownword failed (2 in a row)" in _log(pubgrade), pubgrade)
        with _store(pubgrade) as store:
            known = {topic.name: topic for topic in store.topics()}
        assert known["gout"].failures == 0
        assert known["gout"].next_run is not None
        assert 2 <= known["unknownword"].failures <= _log(pubgrade).count("unknownword failed") + 1
        assert "phrase not found" in (known["unknownword"].last_error or "")

        _topics(pubgrade, "lupus")  # a changed file is seen by itself
        _until(lambda: "topic lupus: " in _log(pubgrade), pubgrade)
        (pubgrade.folder / "config.toml").write_text("[[topics]]\nnme = 1\n")
        _until(lambda: "not reloaded, the old one stays" in _log(pubgrade), pubgrade)


def test_the_mirror_beside_the_topics(pubgrade: Pubgrade, site: BulkSite) -> None:
    """It keeps what the filter says from its first pass on, fails without stopping them, is tried
    again, and a changed file ends it."""
    settings = (
        f'[mirror]\nbase_url = "{site.url}"\nevery = "1s"\nfilter = "--mesh Gout"\n'
        '[daemon]\nretry = "1s"\nthreads = 1\n'
    )
    _topics(pubgrade, "gout", more=settings)
    site.put("baseline/pubmed26n0001.xml.gz", bulk_file([record(1, mesh=("Gout",)), record(2)]))
    with _running(pubgrade):
        _until(lambda: "mirror: pubmed26n0001.xml.gz: 1 new" in _log(pubgrade), pubgrade)
        site.files.clear()
        _until(lambda: "mirror failed (2 in a row)" in _log(pubgrade), pubgrade)
        _until(lambda: "topic gout: " in _log(pubgrade), pubgrade)
        state = json.loads(pubgrade("status", "--json").stdout)["mirror"]
        assert state["file"]["subject"] == "pubmed26n0001.xml.gz"
        assert state["schedule"] == "every 1s"
        site.put("baseline/pubmed26n0001.xml.gz", bulk_file([record(1)]))
        files = [record(3, mesh=("Gout",)), record(4), record(1, revision=1)]
        site.put("updatefiles/pubmed26n0002.xml.gz", bulk_file(files))
        _until(lambda: "mirror: pubmed26n0002.xml.gz: " in _log(pubgrade), pubgrade)
        assert "mirror: the store has all that the site has" in _log(pubgrade)
        status = pubgrade("status").stdout
        assert "Mirror" in status
        assert "pubmed26n0002.xml.gz loaded" in status
        with _store(pubgrade) as store:
            assert store.known(range(5)) == {1, 3}
            passes = store.runs(kind="mirror", subject="all files", limit=1000)
            assert {"failed", "done"} <= {each.state for each in passes}
            assert any("baseline/: not there" in (each.error or "") for each in passes)
        asked = len(site.asked)
        _until(lambda: len(site.asked) > asked, pubgrade)  # again and again
        _topics(pubgrade, "gout")
        _until(lambda: "configuration reloaded" in _log(pubgrade), pubgrade)
        time.sleep(0.5)  # a pass may have been under way
        asked = len(site.asked)
        time.sleep(2)
        assert len(site.asked) == asked


def test_a_signal_in_the_middle_of_a_mirror(pubgrade: Pubgrade, site: BulkSite) -> None:
    """Neither topics nor an e-mail address are needed for it."""
    site.put("baseline/pubmed26n0001.xml.gz", bulk_file(record(pmid) for pmid in range(1, 2000)))
    _topics(pubgrade, more=f'[mirror]\nbase_url = "{site.url}"\ncron = "* * * * *"\n')
    wrong = pubgrade("run", PUBGRADE_MIRROR__EVERY="1d")
    assert (wrong.returncode, "keep one of them" in wrong.stderr) == (2, True)
    _topics(pubgrade, more=f'[mirror]\nbase_url = "{site.url}"\nevery = "1d"\n')
    daemon = pubgrade.start("run")
    try:
        _until(lambda: site.downloads("baseline/pubmed26n0001.xml.gz"), pubgrade)
        started = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=20) == 0
        assert time.monotonic() - started < 10
    finally:
        daemon.kill()
        daemon.wait()
    assert pubgrade("mirror", "--workers", "1").returncode == 0
    with _store(pubgrade) as store:
        assert len(store.known(range(3000))) == 1999
        assert {run.state for run in store.runs()} <= {"done", "interrupted"}


def test_one_that_was_killed_is_told_at_once(pubgrade: Pubgrade) -> None:
    _topics(pubgrade, "unknownword")
    with _running(pubgrade) as daemon:
        _until(lambda: "unknownword failed" in _log(pubgrade), pubgrade)
        daemon.kill()
        daemon.wait()
        page = pubgrade("status", COLUMNS="80").stdout
    assert "gone without stopping (process" in page
    lines = page.splitlines()
    assert any(line.startswith(" unknownword 0 never") for line in _single_spaced(lines))
    assert any(line.startswith("unknownword: PubMed finds nothing") for line in lines)
    assert max(map(len, lines)) <= 80
    assert "…" not in page


def _single_spaced(lines: list[str]) -> list[str]:
    return [re.sub("  +", " ", line) for line in lines]


def test_topics_that_have_not_come_yet_are_planned(pubgrade: Pubgrade) -> None:
    entry = '[[topics]]\nname = "{}"\nquery = "gout"\ncron = "0 5 1 1 *"\n'
    config = pubgrade.folder / "config.toml"
    config.write_text(entry.format("yearly"))

    def planned() -> dict[str, str]:
        topics = json.loads(pubgrade("status", "--json").stdout or '{"topics": []}')["topics"]
        return {topic["name"]: topic["next_run"][5:10] for topic in topics if topic["next_run"]}

    with _running(pubgrade):
        _until(lambda: "yearly" in planned(), pubgrade)
        config.write_text(entry.format("yearly") + entry.format("other"))
        _until(lambda: len(planned()) == 2, pubgrade)
        assert set(planned().values()) <= {"01-01", "12-31", "01-02"}
        assert pubgrade("status").stdout.count("-01-01 05:00") == 2
    assert "-01-01 05:00" not in pubgrade("status").stdout


def test_a_hangup_reloads_the_topics(pubgrade: Pubgrade) -> None:
    _topics(pubgrade, "gout")
    with _running(pubgrade) as daemon:
        daemon.send_signal(signal.SIGHUP)
        _until(lambda: "configuration reloaded: 1 topics" in _log(pubgrade), pubgrade)
        assert daemon.poll() is None


def test_what_it_logs(pubgrade: Pubgrade) -> None:
    """JSON lines, in a file that is begun anew; no secret, not even from a variable (loguru's
    `diagnose=True` would print it)."""
    secret = "s3cr3t" * 4
    _topics(
        pubgrade,
        "gout",
        more='[log]\njson = true\nlevel = "DEBUG"\nfile = "pubgrade.log"\nrotate_mb = 0.0002\n',
    )
    pubgrade.server.always = "html"
    with _running(pubgrade, NCBI_API_KEY=secret) as daemon:
        _until(lambda: "trying again" in _log(pubgrade), pubgrade)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(timeout=20)
    lines = [json.loads(line) for line in _log(pubgrade).splitlines()]
    assert {"time", "level", "module", "message"} <= lines[0].keys()
    files = sorted(pubgrade.folder.glob("pubgrade*.log"))
    assert len(files) > 1
    assert secret not in _log(pubgrade) + "".join(file.read_text() for file in files)


@pytest.mark.parametrize("json_lines", [False, True])
def test_a_failing_job_tells_no_variable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], json_lines: bool
) -> None:
    """With its `diagnose` on, loguru would print the values of a failing job's variables."""
    told = "-".join(["s3cr3t", "of", "a", "variable"])

    def job() -> None:
        held = told
        raise RuntimeError(f"it failed {len(held) // 20} time")

    file = tmp_path / "job.log"
    logs.set_up("DEBUG", json_lines=json_lines, file=file)
    try:
        job()
    except RuntimeError:
        logging.getLogger("apscheduler.executors").exception("as APScheduler tells it")
        logger.exception("as pubgrade tells it")
    logger.remove()
    for said in (capsys.readouterr().err, file.read_text()):
        assert said.count("RuntimeError: it failed 1 time") == 2
        assert said.count("Traceback") == 2
        assert told not in said
        if json_lines:
            assert all("message" in json.loads(line) for line in said.splitlines())


def test_no_two_runs_of_a_topic_at_a_time(pubgrade: Pubgrade) -> None:
    """A pass that takes longer than its topic's interval: turns are left out, never doubled."""
    _topics(pubgrade, "gout", every="1s", more="[daemon]\nthreads = 4\n")
    pubgrade.server.latency = 0.7
    with _running(pubgrade):
        _until(lambda: _log(pubgrade).count("topic gout: ") >= 2, pubgrade)
    calls = pubgrade.server.calls
    gaps = [after.at - before.at for before, after in pairwise(calls)]
    assert len(calls) >= 5
    assert min(gaps) >= 0.7  # each call waits for the answer to the one before
    assert "maximum number of running instances reached" in _log(pubgrade)
    with _store(pubgrade) as store:
        runs = [run for run in store.runs(subject="gout")[::-1] if run.finished_at]
    assert len(runs) >= 4
    assert all(before.finished_at <= after.started_at for before, after in pairwise(runs))


def test_many_missed_turns_become_one(pubgrade: Pubgrade) -> None:
    """A machine that slept for four turns runs the topic once, and not four times, for them."""
    _topics(pubgrade, "gout", every="1s")
    # with a key ten calls a second are allowed, so that the limit does not part the runs
    with _running(pubgrade, NCBI_API_KEY="akeyfortests") as daemon:
        _until(lambda: "topic gout: " in _log(pubgrade), pubgrade)
        daemon.send_signal(signal.SIGSTOP)
        time.sleep(4.5)
        before = _log(pubgrade).count("topic gout: ")
        daemon.send_signal(signal.SIGCONT)
        _until(lambda: _log(pubgrade).count("topic gout: ") > before, pubgrade)
        time.sleep(0.9)
        assert _log(pubgrade).count("topic gout: ") - before <= 3  # one late, two in their turn
        assert "was missed" not in _log(pubgrade)


@pytest.mark.parametrize(("grace", "runs_late"), [("1h", True), ("2s", False)])
def test_a_late_run_starts_within_its_grace(
    pubgrade: Pubgrade, grace: str, runs_late: bool
) -> None:
    """One thread for two topics: the second is late by the time that the first takes."""
    _topics(pubgrade, "gout", "lupus", more=f'[daemon]\nthreads = 1\nmisfire_grace = "{grace}"\n')
    pubgrade.server.latency = 1.0
    with _running(pubgrade):
        _until(
            lambda: "topic lupus: " in _log(pubgrade) or "was missed" in _log(pubgrade), pubgrade
        )
    assert "topic gout: " in _log(pubgrade)
    assert ("topic lupus: " in _log(pubgrade)) is runs_late
    assert ('job "topic:lupus' in _log(pubgrade)) is not runs_late


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_systemd_unit(tmp_path: Path) -> None:
    unit = Path(__file__).parents[2] / "docs" / "pubgrade.service"
    copy = tmp_path / "pubgrade.service"
    copy.write_text(unit.read_text().replace("/opt/pubgrade/.venv/bin/pubgrade", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "pubgrade.service" not in done.stderr
