"""Files that a query is written to."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from grading.article import Author
from storage import Store
from storage.exports import COLUMNS, FORMATS
from storage.records import Query


@pytest.fixture
def filled(store: Store, make: Any) -> Store:
    store.save(
        [
            make.entry(1, title='=HYPERLINK("x")', abstract="Line one\nline, two"),
            make.entry(
                2,
                title="Ωmega “quoted”",
                authors=(Author(name="Ann O'Neil", last_name="O'Neil", initials="A"),),
                grade=make.grade(level=None, flags=("preprint", "retracted")),
            ),
        ],
        topic="flights",
        at=make.now,
    )
    return store


def written(store: Store, name: str) -> str:
    stream = io.StringIO(newline="")
    assert FORMATS[name].write(store.records(Query(limit=0)), stream) == 2
    return stream.getvalue()


def test_json_lines_hold_all(filled: Store) -> None:
    lines = written(filled, "jsonl").splitlines()
    records = {record["pmid"]: record for record in map(json.loads, lines)}
    for pmid, record in records.items():
        stored = filled.get(pmid)
        assert stored is not None
        assert record == json.loads(json.dumps(stored.to_json()))
    assert records[2]["title"] == "Ωmega “quoted”"
    assert records[2]["flags"] == ["preprint", "retracted"]


def test_csv_has_one_line_a_record(filled: Store) -> None:
    text = written(filled, "csv")
    assert len(text.splitlines()) == 3
    rows = {row["pmid"]: row for row in csv.DictReader(io.StringIO(text))}
    assert list(rows["1"]) == list(COLUMNS)
    assert rows["1"]["title"] == '\'=HYPERLINK("x")'
    assert rows["1"]["abstract"] == "Line one line, two"
    assert rows["1"]["authors"] == "Müller Z; Flight Oedema Group"
    assert rows["1"]["sample_size"] == "120"
    assert rows["1"]["added_at"] == "2026-11-24T12:00:00Z"
    assert rows["2"]["warning"] == "RETRACTED"
    assert rows["2"]["ocebm_2011"] == ""
    assert rows["2"]["topics"] == "flights"


def test_columns_of_the_csv_file_are_stable() -> None:
    assert ",".join(COLUMNS) == (
        "pmid,warning,title,authors,journal,published,doi,pmcid,design,design_label,confidence,"
        "question,ocebm_2011,ocebm_2009,grade_start,sort,nhmrc,stated_level,flags,attributes,"
        "sample_size,registry_ids,publication_types,mesh,keywords,abstract,topics,version,revised,"
        "grader_version,graded_at,added_at,updated_at,deleted_at,abridged,"
        "design_confidence"
    )
