"""The `pubgrade` command as people and scripts call it, against a loopback E-utilities server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


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
    assert (pubgrade.folder / "all.csv").read_text().count("3000000") >= 2
    assert json.loads(pubgrade("status", "--json").stdout)["counts"]["articles"] == 2
    assert "starts at" in pubgrade("explain", "30000001").stdout
    explained = json.loads(pubgrade("explain", "30000001", "--scheme", "nhmrc", "--json").stdout)
    assert explained["design_label"] == "Meta-analysis"
    assert {"confidence", "question", "flags", "stated_level", "steps"} <= explained.keys()


def test_load_and_grade_a_damaged_file(pubgrade: Callable[..., Any]) -> None:
    path = pubgrade.folder / "cut.jsonl"
    path.write_text('{"pmid": 5, "title": "Gout: a case report"}\n{broken\n')
    loaded = pubgrade("load", str(path))
    assert loaded.returncode == 1
    assert "1 new" in loaded.stdout
    assert "line 2" in loaded.stderr
    graded = pubgrade("grade", "-", stdin='{"pmid": 5, "title": "Gout: a case report"}\n')
    assert json.loads(graded.stdout)["design"] == "case_report"


def test_init_and_sync(pubgrade: Callable[..., Any]) -> None:
    assert pubgrade("init").returncode == 0
    config = pubgrade.folder / "config.toml"
    config.write_text(
        config.read_text()
        + '\n[[topics]]\nname = "all"\nquery = "gout"\nsince = 2024-01-01\nevery = "1h"\n'
    )
    synced = pubgrade("sync", "--email", "a@example.org")
    assert synced.returncode == 0, synced.stderr
    assert "new" in synced.stdout


def test_a_sync_in_json_says_what_failed(pubgrade: Callable[..., Any]) -> None:
    (pubgrade.folder / "config.toml").write_text(
        '[[topics]]\nname = "good"\nquery = "trial OR zzyzx"\nsince = 2024-01-01\n'
        '[[topics]]\nname = "bad"\nquery = "zzyzx"\n'
    )
    synced = pubgrade("sync", "--json", "--email", "a@example.org")
    assert synced.returncode == 2
    good, bad = (json.loads(line) for line in synced.stdout.splitlines())
    assert (good["topic"], good["error"], good["failures"]) == ("good", None, [])
    assert good["warnings"] == ["phrase not found: zzyzx"]
    assert bad["topic"] == "bad"
    assert "phrase not found: zzyzx" in bad["error"]
    topics = {t["name"]: t for t in json.loads(pubgrade("status", "--json").stdout)["topics"]}
    assert topics["good"]["lag_days"] in (1, 2)  # PubMed's day may be another than ours
    assert topics["bad"]["lag_days"] is None
    assert topics["bad"]["failures"] == 1
