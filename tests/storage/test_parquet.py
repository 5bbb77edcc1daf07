"""Parquet: every record once, the same bytes each time, and the queries of docs/parquet.md."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from grading import Article, Grade, grade
from grading.article import Correction
from storage import Store
from storage.parquet import RANGE, new_export, ranges, schema, write_range

pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")
polars = pytest.importorskip("polars")

DOCS = Path(__file__).parents[2] / "docs" / "parquet.md"


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*.parquet"))
    }


def write_parquet(records: list[tuple[Article, Grade]], folder: Path) -> int:
    """Records by ascending PMID."""
    by_pmid = {article.pmid: (article, given) for article, given in records}
    with new_export(folder) as new:
        return sum(write_range((by_pmid[p] for p in each), new) for each in ranges(by_pmid))


@pytest.fixture
def graded(make: Any, tmp_path: Path) -> Path:
    """An export of invented trials and a retracted one, over several years and ranges of PMIDs."""
    records = []
    for pmid in [1, 2, 3, RANGE - 1, RANGE, RANGE + 5, 3 * RANGE]:
        article = make.article(
            pmid,
            title="A randomised controlled trial of compression stockings after long flights",
            abstract="METHODS: We randomly assigned 120 patients to stockings or none. "
            "RESULTS: Fewer swollen ankles (odds ratio 0.50, 95% CI 0.30 to 0.80; p=0.01).",
            published=f"{2018 + pmid % 3}-05" if pmid != 3 else None,
            comments_corrections=(Correction(relation="RetractionIn", direction="in", pmid=9),)
            if pmid == 2
            else (),
        )
        records.append((article, grade(article)))
    folder = tmp_path / "graded"
    assert write_parquet(records, folder) == len(records)
    return folder


def test_every_record_stands_once_in_its_place(graded: Path) -> None:
    table = polars.scan_parquet(graded / "**/*.parquet", hive_partitioning=True).collect()
    assert sorted(table["pmid"]) == [1, 2, 3, RANGE - 1, RANGE, RANGE + 5, 3 * RANGE]
    for file in graded.rglob("*.parquet"):
        read = pa.parquet.read_table(file, partitioning=None)
        assert read.schema.names == schema().names
        pmids = read["pmid"].to_pylist()
        assert pmids == sorted(pmids)
        assert {f"{pmid // RANGE:05d}" for pmid in pmids} == {file.stem}
        for date in read["published"].to_pylist():
            assert file.parent.name == f"year={date[:4] if date else 0}"


def test_the_same_records_give_the_same_bytes(make: Any, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as one, Store.open(str(tmp_path / "b.db")) as other:
        one.save(make.entry(pmid) for pmid in range(1, 900))
        other.save(make.entry(pmid) for pmid in reversed(range(1, 900)))
        for name, store in (("a", one), ("b", other)):
            write_parquet(store.articles(limit=1000), tmp_path / name)
    assert digests(tmp_path / "a") == digests(tmp_path / "b") != {}


def test_an_export_replaces_only_an_export(graded: Path, make: Any, tmp_path: Path) -> None:
    write_parquet([(make.article(7), make.grade())], graded)
    assert len(digests(graded)) == 1
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        write_parquet([(make.article(7), make.grade())], tmp_path / "home")
    assert (tmp_path / "home" / "thesis.txt").exists()


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def test_the_duckdb_queries_of_the_docs(graded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(graded.parent)
    by_year, signals = (duckdb.sql(example).fetchall() for example in examples("sql"))
    assert sum(trials for _, trials, _ in by_year) == 6  # one is retracted
    assert {size for _, _, size in by_year} == {120}
    assert signals
    assert all(times > 0 for _, times in signals)


def test_the_polars_query_of_the_docs(graded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(graded.parent)
    names: dict[str, Any] = {}
    (example,) = examples("python")
    exec(example, names)  # noqa: S102 - our own documentation
    strong = names["strong"]
    assert strong["records"].sum() == 6
    assert set(strong["design"]) == {"randomized_controlled_trial"}
