"""Records of our own invention, and stores to put them into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from grading import Article, Grade
from grading.article import Author, MeshHeading
from grading.details.values import Detail, Details
from grading.grades import Levels
from grading.vocabulary import DESIGNS
from storage import Store, schema
from storage.records import Entry

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def make_article(pmid: int, **fields: Any) -> Article:
    fields = {
        "title": f"Compression stockings after long flights, part {pmid}",
        "abstract": "METHODS: We asked 120 travellers.\nRESULTS: Fewer swollen ankles.",
        "published": "2021-05-04",
        "journal": "Journal of Invented Medicine",
        "journal_abbreviation": "J Invent Med",
        "issn": "1234-567X",
        "nlm_id": "9912345",
        "authors": (
            Author(name="Zoë Müller", last_name="Müller", fore_name="Zoë", initials="Z"),
            Author(name="Flight Oedema Group", collective=True),
        ),
        "mesh": (MeshHeading(name="Stockings, Compression", ui="D053828", major=True),),
        "keywords": ("air travel",),
        "revised": "2021-06-01",
    } | fields
    return Article(pmid=pmid, **fields)


def make_grade(
    design: str = "cohort_study",
    level: int | None = 3,
    *,
    n: int | None = 120,
    levels: Levels | None = None,
    **fields: Any,
) -> Grade:
    size = Detail() if n is None else Detail(reported=True, value=n, unit="participants")
    fields = {
        "confidence": 0.8,
        "question": "therapy",
        "grader_version": "1",
        "details": Details(sample_size=size),
    } | fields
    return Grade(
        design=design,
        design_label=DESIGNS[design].label,
        levels=levels or Levels(ocebm_2011=level),
        **fields,
    )


def make_entry(pmid: int, *, grade: Grade | None = None, **fields: Any) -> Entry:
    return Entry(make_article(pmid, **fields), grade or make_grade())


class Make:
    """Builders of test values, as a fixture (test folders are no packages)."""

    now = NOW
    article = staticmethod(make_article)
    grade = staticmethod(make_grade)
    entry = staticmethod(make_entry)


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def migrate_in_vain(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Opens an empty database in which the migration fails at its very end."""

    def fail(address: str) -> None:
        real = schema.upgrade

        def breaks(connection: sa.Connection) -> None:
            real(connection)
            raise RuntimeError("power cut")

        monkeypatch.setattr(schema, "upgrade", breaks)
        with pytest.raises(RuntimeError):
            Store.open(address)
        monkeypatch.undo()

    return fail


@pytest.fixture
def new_store(new_address: Callable[[], str]) -> Iterator[Callable[[], Store]]:
    """As many empty stores as a test asks for."""
    opened: list[Store] = []

    def make_one() -> Store:
        opened.append(Store.open(new_address()))
        return opened[-1]

    yield make_one
    for each in opened:
        each.close()
