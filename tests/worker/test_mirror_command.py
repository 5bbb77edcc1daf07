"""`pubgrade mirror` and `pubgrade verify` as people call them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from bulk_site import BulkSite, bulk_file, record
from eutils_server import Library

COMMAND = [sys.executable, "-c", "from worker.entry_point import main; main()"]


@pytest.fixture
def pubgrade(tmp_path: Path, site: BulkSite, eutils: Callable[..., Any]) -> Callable[..., Any]:
    server = eutils(Library.generate(20, last_day=date(2024, 1, 1)))
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "HOME": str(tmp_path),
        "PUBGRADE_ENTREZ__BASE_URL": server.base_url,
        "PUBGRADE_MIRROR__BASE_URL": site.url,
        "PUBGRADE_EMAIL": "tests@example.org",
    }

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


def test_dry_run_mirror_verify(
    pubgrade: Callable[..., Any], site: BulkSite, tmp_path: Path
) -> None:
    pmids = range(30_000_001, 30_000_021)  # as the E-utilities server has them
    site.put("baseline/pubmed26n0001.xml.gz", bulk_file(record(pmid) for pmid in pmids))
    site.put("updatefiles/pubmed26n0003.xml.gz", bulk_file([record(31_000_000)]))

    planned = pubgrade("mirror", "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    plan = json.loads(planned.stdout)
    assert (plan["files"], plan["bytes"]) == (1, len(site.files["baseline/pubmed26n0001.xml.gz"]))
    assert "pubmed26n0002.xml.gz is missing" in plan["gap"]

    done = pubgrade("mirror", "--workers", "1")
    assert done.returncode == 1
    assert done.stdout.startswith("pubmed26n0001.xml.gz: 20 new")
    assert "pubmed26n0002.xml.gz is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "pubmed").glob("*.gz*")) == []  # loaded, so not kept

    same = pubgrade("verify", "--sample", "20")
    assert (same.returncode, same.stdout) == (0, ""), same.stdout + same.stderr
    assert "20 records compared with PubMed, 0 differ" in same.stderr

    site.put(
        "updatefiles/pubmed26n0002.xml.gz",
        bulk_file([record(30_000_004, revision=5), record(29_000_000)]),
    )
    assert pubgrade("mirror", "--workers", "1", "-q").returncode == 0
    differ = pubgrade("verify", "--sample", "100", "--json")
    assert differ.returncode == 1
    found = {line["pmid"]: line["differs"] for line in map(json.loads, differ.stdout.splitlines())}
    assert found.keys() == {30_000_004, 29_000_000, 31_000_000}
    assert found[29_000_000] == ["not in PubMed"]
    assert "the store has a newer revision" in found[30_000_004][0]


def test_a_site_that_is_down(pubgrade: Callable[..., Any], site: BulkSite) -> None:
    assert pubgrade("mirror").returncode == 4  # no baseline there
    refused = pubgrade("mirror", "--cluster", "tcp://127.0.0.1:1")
    assert refused.returncode in (1, 4)
    assert "Traceback" not in refused.stderr
