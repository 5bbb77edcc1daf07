"""Whole grades of plain records, each invented for the tests (`plain_cases.toml`, `plain_records.toml`,
`trap_records.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from grading import Article, Grade, grade
from grading.article import Correction, MeshHeading, PublicationType
from grading.details import own_details, read_details_many, unfit_details
from grading.text import Text
from grading.vocabulary import DESIGNS


def read_cases(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / name).read_text("utf-8"))[
        "case"
    ]
    return cases


CASES = read_cases("plain_cases.toml")
RECORDS = read_cases("plain_records.toml") + read_cases("trap_records.toml")


def record(case: dict[str, Any]) -> Article:
    return Article(
        pmid=1,
        title=case["title"],
        abstract=case["abstract"],
        languages=(case.get("language", "eng"),),
        publication_types=tuple(PublicationType(name=name) for name in case.get("tags", ())),
        mesh=tuple(MeshHeading(name=name) for name in case.get("mesh", ())),
        journal=case.get("journal"),
        status=case.get("status"),
        indexing_method=case.get("indexing"),
        comments_corrections=tuple(
            Correction(relation=relation, direction="in", pmid=9)
            for relation in case.get("relations", ())
        ),
    )


def seen(given: Grade, case: dict[str, Any]) -> dict[str, Any]:
    """Of the grade, what the case is about, in the case's own keys."""
    size, stated = given.details.sample_size.value, given.stated_level
    whole = {
        "design": given.design,
        "level": given.levels.ocebm_2011 or 0,
        "question": given.question,
        "has": [name for name in case.get("has", ()) if name in given.attributes],
        "hasnt": [name for name in case.get("hasnt", ()) if name not in given.attributes],
        "flags": [name for name in case.get("flags", ()) if name in given.flags],
        "noflags": [name for name in case.get("noflags", ()) if name not in given.flags],
        "levels": {name: getattr(given.levels, name) or "" for name in case.get("levels", ())},
        "n": size or 0,
        "stated": stated.level if stated else "",
    }
    return {key: value for key, value in whole.items() if key in case}


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: case["title"][:60])
def test_whole_grade(case: dict[str, Any]) -> None:
    article = record(case)
    given = grade(article)
    found = seen(given, case)
    assert found == {key: case[key] for key in found}
    for reason in given.reasons:
        if reason.kind == "text":
            assert getattr(article, str(reason.field))[reason.start : reason.end] == reason.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"][:60])
def test_design_and_level(case: dict[str, Any]) -> None:
    given = grade(
        Article(pmid=1, title=case["title"], abstract=case["abstract"], languages=("eng",))
    )
    assert given.design == case["design"]
    if "level" in case:
        assert (given.levels.ocebm_2011 or 0) == case["level"]


@pytest.mark.parametrize(
    ("title", "flag"),
    [
        ("RETRACTED: Curcumin in arthritis", "retracted"),
        ("Retracted Article: Curcumin in arthritis", "retracted"),
        ("[RETRACTED] Curcumin in arthritis", "retracted"),
        ("WITHDRAWN: Zinc for the common cold", "withdrawn"),
    ],
)
def test_a_title_that_says_so_warns(title: str, flag: str) -> None:
    given = grade(Article(pmid=1, title=title, abstract="Sixty patients received the drug."))
    assert flag in given.flags
    assert any(reason.speaks_for == f"flag:{flag}" for reason in given.reasons)
    if flag == "retracted":
        assert given.levels.ocebm_2011 is None


@pytest.mark.parametrize("design", DESIGNS)
def test_details_that_a_design_cannot_report_have_no_say_in_others(design: str) -> None:
    texts = [Text(record(case)) for case in (*CASES, *RECORDS)]
    for question in ("therapy", "none"):
        unfit = unfit_details(design, question)
        looked_for = read_details_many(texts, [frozenset()] * len(texts))
        left_out = read_details_many(texts, [unfit] * len(texts))
        for whole, part in zip(looked_for, left_out, strict=True):
            assert own_details(part, design, question) == own_details(whole, design, question)
