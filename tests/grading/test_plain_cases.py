"""Designs and levels of plain abstracts, each invented for the tests (`plain_cases.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from grading import Article, grade

CASES = tomllib.loads((Path(__file__).parent / "plain_cases.toml").read_text("utf-8"))["case"]


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
