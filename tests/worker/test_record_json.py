"""A record in JSON is the same whichever command gives it: every field, its type, and true quotes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from eutils_server import invented

from grading.vocabulary import ATTRIBUTES, DESIGNS, FLAGS, QUESTIONS

if TYPE_CHECKING:
    from conftest import Pubgrade

TRIAL, BARE = 40000001, 40000002
KINDS = {
    "publication_type", "mesh", "qualifier", "registry", "journal", "keyword", "status",
    "correction", "book", "text", "model", "rule",
}  # fmt: skip
LEVELS: dict[str, tuple[object, ...]] = {
    "ocebm_2011": (1, 2, 3, 4, 5),
    "ocebm_2009": ("1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b", "4", "5"),
    "grade_start": ("high", "moderate", "low", "very low"),
    "sort": ("1", "2", "3"),
    "nhmrc": ("I", "II", "III-1", "III-2", "III-3", "IV"),
    "jbjs": ("I", "II", "III", "IV", "V"),
}
DETAIL = {"reported", "value", "unit", "text", "field", "start", "end"}
SEVERAL = (
    "arms", "interventions", "comparators", "countries", "primary_outcomes", "secondary_outcomes",
    "effects", "databases", "registry_ids",
)  # fmt: skip
TEXTS = ("title", "abstract")


@pytest.fixture
def filled(pubgrade: Pubgrade) -> Pubgrade:
    """A store with a trial that has much to say, a record without an abstract, and some others."""
    trial = replace(
        invented(TRIAL, date(2024, 3, 1)),
        title="Velotril for café-au-lait migraine (10⁹/L): a randomised controlled trial.",
        abstract=(
            ("METHODS", "In this double-blind trial, 240 patients were randomly assigned to velotril (n = 120) or placebo (n = 120) & followed up for 12 months."),
            ("RESULTS", "Relapse was less common with velotril (hazard ratio 0.71, 95% CI 0.52 to 0.94; p < 0.01). Three patients died."),
            ("LEVEL OF EVIDENCE", "Level I, therapeutic study."),
            ("TRIAL REGISTRATION", "ClinicalTrials.gov NCT01234567."),
        ),
        types=(("D016428", "Journal Article"), ("D016449", "Randomized Controlled Trial")),
    )  # fmt: skip
    bare = replace(invented(BARE, date(2024, 3, 1)), abstract=(), mesh=())
    pubgrade.server.library.add(trial, bare)
    fetched = pubgrade(
        "fetch", "--email", "a@example.org", "-q", str(TRIAL), str(BARE),
        *map(str, range(30000001, 30000013)),
    )  # fmt: skip
    assert fetched.returncode == 0, fetched.stderr
    return pubgrade


def lines(pubgrade: Pubgrade, *arguments: str, **more: str) -> list[dict[str, Any]]:
    done = pubgrade(*arguments, **more)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_command_gives_the_same_whole_record(filled: Pubgrade) -> None:
    (shown,) = lines(filled, "show", str(TRIAL), "--json")
    (fetched,) = lines(filled, "fetch", str(TRIAL), "--json", PUBGRADE_EMAIL="a@example.org")
    found = {record["pmid"]: record for record in lines(filled, "query", "--json", "--limit", "50")}
    assert len(found) == 14
    graded = lines(filled, "grade", "-", stdin="\n".join(map(json.dumps, found.values())))
    for record in (shown, fetched, *found.values(), *graded):
        check(record)

    assert [change["what"] for change in shown.pop("history")] == ["added"]
    assert shown == found[TRIAL]
    assert {**fetched, "updated_at": None} == {**shown, "updated_at": None}
    stored_only = {"added_at", "updated_at", "deleted_at", "graded_at"}
    for record in graded:
        stored = found[record["pmid"]]
        assert stored.keys() - record.keys() == stored_only - {"graded_at"}
        assert all(record[key] == stored[key] for key in record.keys() - stored_only)

    # the trial says all that there is to check
    assert shown["design"] == "randomized_controlled_trial"
    assert shown["levels"]["ocebm_2011"] == 2
    assert shown["stated_level"]["level"] == "I"
    assert shown["details"]["sample_size"]["value"] == 240
    assert shown["details"]["registry_ids"][0]["value"] == "NCT01234567"
    (effect,) = shown["details"]["effects"]
    assert [effect[key] for key in ("measure", "value", "ci_low", "ci_high", "ci_level")] == [
        "HR", 0.71, 0.52, 0.94, 95,
    ]  # fmt: skip
    assert {"publication_type", "text"} <= {reason["kind"] for reason in shown["reasons"]}
    assert found[BARE]["abstract"] == ""
    assert found[BARE]["stated_level"] is None


def check(record: dict[str, Any]) -> None:
    """Every field of the contract stands there with its type, and every quote where it says."""
    typed(record, {
        "pmid": int, "version": int, "title": str, "abstract": str, "sections": list,
        "authors": list, "publication_types": list, "mesh": list, "registry_ids": list,
        "design": str, "design_label": str, "confidence": float, "design_confidence": float,
        "question": str,
        "attributes": list, "flags": list, "levels": dict, "reasons": list, "details": dict,
        "grader_version": str, "graded_at": str, "topics": list,
    })  # fmt: skip
    typed(
        record,
        {"journal": str, "published": str, "doi": str, "pmcid": str, "stated_level": dict},
        or_null=True,
    )
    assert re.fullmatch(r"\d{4}(-\d\d){0,2}", record["published"] or "2024")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["graded_at"])
    for section in record["sections"]:
        typed(section, {"text": str, "start": int, "end": int})
        label = f"{section['label']}: " if section["label"] else ""
        line = record["abstract"][section["start"] : section["end"]]
        assert line == label + section["text"]
    assert record["abstract"] == "\n".join(
        record["abstract"][section["start"] : section["end"]] for section in record["sections"]
    )
    for author in record["authors"]:
        typed(author, {"name": str, "affiliations": list, "collective": bool})
    for named in (*record["publication_types"], *record["mesh"]):
        typed(named, {"name": str})
    for registered in record["registry_ids"]:
        typed(registered, {"registry": str, "id": str})

    assert record["design"] in DESIGNS
    assert record["design_label"] == DESIGNS[record["design"]].label
    assert 0 <= record["design_confidence"] <= record["confidence"] <= 1
    assert record["question"] in QUESTIONS
    for name, known in (("attributes", ATTRIBUTES), ("flags", FLAGS)):
        assert record[name] == sorted(set(record[name]) & set(known))
    assert record["levels"].keys() == LEVELS.keys()
    for scheme, level in record["levels"].items():
        assert level is None or level in LEVELS[scheme], (scheme, level)
    if (stated := record["stated_level"]) is not None:
        typed(stated, {"text": str, "level": str})
        typed(stated, {"scheme": str}, or_null=True)
        quoted(record, stated, stated["text"])

    assert record["reasons"]
    for reason in record["reasons"]:
        typed(reason, {"kind": str, "value": str, "speaks_for": str, "weight": float})
        typed(reason, {"field": str, "start": int, "end": int}, or_null=True)
        assert reason["kind"] in KINDS
        if reason["kind"] == "text":
            quoted(record, reason, reason["value"])
        elif reason["field"] is None:
            assert reason["start"] is reason["end"] is None

    for name, value in record["details"].items():
        assert isinstance(value, list) is (name in SEVERAL), name
        for detail in value if name in SEVERAL else [value]:
            typed(detail, {"reported": bool})
            assert detail["reported"] or name not in SEVERAL
            assert detail.keys() >= DETAIL
            if not detail["reported"]:
                assert all(detail[key] is None for key in DETAIL - {"reported"})
            elif detail["field"] in TEXTS:
                quoted(record, detail, detail["text"])
            if name in ("sample_size", "enrolled", "randomised", "analysed", "arms"):
                assert detail["value"] is None or type(detail["value"]) is int
            if name == "effects":
                typed(detail, {"measure": str})
                typed(detail, {"p": str}, or_null=True)
                for key in ("value", "ci_low", "ci_high", "ci_level"):
                    assert detail[key] is None or isinstance(detail[key], int | float)


def typed(value: dict[str, Any], fields: dict[str, type], *, or_null: bool = False) -> None:
    for name, kind in fields.items():
        assert name in value, name
        found = value[name]
        if kind is float:
            assert isinstance(found, int | float) and not isinstance(found, bool), (name, found)
        else:
            assert (or_null and found is None) or type(found) is kind, (name, found)


def quoted(record: dict[str, Any], where: dict[str, Any], quote: str) -> None:
    assert where["field"] in TEXTS
    assert record[where["field"]][where["start"] : where["end"]] == quote != ""
