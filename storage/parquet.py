"""Records as Parquet for analysis: one folder a year, sorted by PMID, Zstandard.

    year=2020/00121.parquet

holds the records published in 2020 with PMIDs from 121 × `RANGE` on. Years that no record tells are
`year=0`. The columns are `schema()`: stable, new ones come at the end. Nothing in a file depends on
the time or the machine: the same records give the same bytes (with the same version of pyarrow).

Needs pyarrow, the extra `parquet`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import msgspec

from grading import Article, Grade
from grading.article import Correction
from grading.details.values import Detail, Details
from grading.grades import Levels, Reason
from grading.warnings import warned
from storage.levels import SCHEMES

if TYPE_CHECKING:
    import pyarrow as pa

RANGE: Final = 250_000  # PMIDs of one file: what is held in memory, as compact columns
_BLOCK: Final = 2_000  # records turned into columns together
_COMPRESSION_LEVEL: Final = 9
_ROW_GROUP: Final = 65_536  # rows


@cache
def schema() -> pa.Schema:
    """The columns, without `year`, which is the name of the folder."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    few = pa.dictionary(pa.int16(), pa.string())  # names that repeat
    effect = pa.struct(
        [
            ("measure", text),
            ("value", pa.float64()),
            ("ci_low", pa.float64()),
            ("ci_high", pa.float64()),
            ("ci_level", pa.float32()),
            ("p", text),
            ("primary", pa.bool_()),
        ]
    )
    reason = pa.struct(
        [
            ("kind", text),
            ("value", text),
            ("field", text),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("speaks_for", text),
            ("weight", pa.float32()),
            ("signal", text),
        ]
    )
    return pa.schema(
        [
            pa.field("pmid", pa.int32(), nullable=False),
            ("version", pa.int16()),
            ("revised", text),
            ("title", text),
            ("journal", text),
            ("published", text),
            ("doi", text),
            ("pmcid", text),
            ("languages", texts),
            ("publication_types", texts),
            ("mesh", texts),
            ("status", few),
            ("indexing_method", few),
            ("design", few),
            ("confidence", pa.float32()),
            ("question", few),
            ("attributes", texts),
            ("flags", texts),
            ("ocebm_2011", pa.int8()),
            ("ocebm_2009", few),
            ("grade_start", few),
            ("sort", few),
            ("nhmrc", few),
            ("stated_level", text),
            ("stated_scheme", text),
            ("sample_size", pa.int64()),
            ("randomised", pa.int64()),
            ("analysed", pa.int64()),
            ("number_of_arms", pa.int64()),
            ("included_studies", pa.int64()),
            ("included_participants", pa.int64()),
            ("heterogeneity", pa.float64()),
            ("allocation", text),
            ("masking", text),
            ("phase", text),
            ("follow_up", text),
            ("registry_ids", texts),
            ("effects", pa.list_(effect)),
            ("reasons", pa.list_(reason)),
            ("grader_version", few),
        ]
    )


@cache
def row_schema() -> pa.Schema:
    """The same, names that repeat as plain text, and `year` at the end: what files are made of."""
    import pyarrow as pa

    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in schema()
    ]
    return pa.schema([*fields, pa.field("year", pa.int16(), nullable=False)])


@contextmanager
def new_export(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write ranges into. At the end it takes its place.

    Whoever is killed before leaves the earlier export as it was. Raises FileExistsError where
    `folder` holds anything but an earlier export; OSError.
    """
    if folder.exists() and any(not each.name.startswith("year=") for each in folder.iterdir()):
        raise FileExistsError(folder)
    part = folder.with_name(f"{folder.name}.part")
    old = folder.with_name(f"{folder.name}.old")
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        for left in part.rglob(".*.part"):
            left.unlink()  # of processes that were lost
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def range_of(pmid: int) -> int:
    return pmid // RANGE


def ranges(pmids: Iterable[int]) -> Iterator[list[int]]:
    """Ascending PMIDs, those of one range together."""
    for _, together in groupby(pmids, range_of):
        yield list(together)


def write_range(records: Iterable[tuple[Article, Grade]], folder: Path) -> int:
    """Write the records of one range, by ascending PMID, into the folders of their years. Answers
    how many. Another call for the same range puts the same files in their place."""
    written = 0
    present: _Range | None = None
    for article, grade in records:
        present = present or _Range(folder, range_of(article.pmid))
        present.add(article, grade)
        written += 1
    if present is not None:
        present.close()
    return written


class _Range:
    """The records of one range of PMIDs, as compact columns, on their way into files."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._block: list[tuple[Article, Grade]] = []
        self._tables: list[pa.Table] = []

    def add(self, article: Article, grade: Grade) -> None:
        self._block.append((article, grade))
        if len(self._block) == _BLOCK:
            self._pack()

    def _pack(self) -> None:
        self._tables.append(table_of(self._block))
        self._block = []

    def close(self) -> None:
        import pyarrow as pa

        self._pack()
        write_years(pa.concat_tables(self._tables), self._folder, self._number)


def table_of(records: Iterable[tuple[Article, Grade]]) -> pa.Table:
    """Records as columns of `row_schema()`."""
    import pyarrow as pa

    rows = [row_of(article, grade) for article, grade in records]
    return pa.Table.from_pylist(rows, schema=row_schema())


def write_years(table: pa.Table, folder: Path, number: int) -> dict[int, int]:
    """Write the columns of one range of PMIDs, sorted by them, into the folders of their years.
    Answers how many records each year has.

    What stands in a file depends on the records alone, not on how the columns were put together.
    """
    import pyarrow.compute as pc

    written: dict[int, int] = {}
    for year in sorted(table["year"].unique().to_pylist()):
        of_year = table.filter(pc.equal(table["year"], year))
        place = folder / f"year={year}"
        place.mkdir(parents=True, exist_ok=True)
        _write(of_year, place / file_name(number))
        written[year] = len(of_year)
    return written


def file_name(number: int) -> str:
    """Of the file that holds range `number`, in the folder of each year."""
    return f"{number:05d}.parquet"


def _write(table: pa.Table, path: Path) -> None:
    """One file, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [_column(table[field.name], field.type) for field in schema()]
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    pq.write_table(
        pa.Table.from_arrays(columns, schema=schema()),
        part,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        row_group_size=_ROW_GROUP,
    )
    part.replace(path)


def _column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    """In one piece, names that repeat in the order in which they first come."""
    import pyarrow as pa

    whole = column.combine_chunks()
    if not pa.types.is_dictionary(kind):
        return whole
    coded = whole.dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices.cast(kind.index_type), coded.dictionary)


def year_of(article: Article) -> int:
    """The year of publication, 0 where none is told."""
    year = (article.published or "")[:4]
    return int(year) if year.isdigit() else 0


def row_of(article: Article, grade: Grade) -> dict[str, Any]:
    """One record as `row_schema()` has it."""
    details, stated = grade.details, grade.stated_level
    return {
        "pmid": article.pmid,
        "version": article.version,
        "revised": article.revised,
        "title": article.title,
        "journal": article.journal or (article.book.title if article.book else None),
        "published": article.published,
        "doi": article.doi,
        "pmcid": article.pmcid,
        "languages": article.languages,
        "publication_types": [each.name for each in article.publication_types],
        "mesh": [each.name for each in article.mesh],
        "status": article.status,
        "indexing_method": article.indexing_method,
        "design": grade.design,
        "confidence": grade.confidence,
        "question": grade.question,
        "attributes": grade.attributes,
        "flags": grade.flags,
        **{scheme: getattr(grade.levels, scheme) for scheme in SCHEMES},
        "stated_level": stated.level if stated else None,
        "stated_scheme": stated.scheme if stated else None,
        "sample_size": _whole(details.sample_size),
        "randomised": _whole(details.randomised),
        "analysed": _whole(details.analysed),
        "number_of_arms": _whole(details.number_of_arms),
        "included_studies": _whole(details.included_studies),
        "included_participants": _whole(details.included_participants),
        "heterogeneity": _number(details.heterogeneity),
        "allocation": _text(details.allocation),
        "masking": _text(details.masking),
        "phase": _text(details.phase),
        "follow_up": details.follow_up.text,
        "registry_ids": list(
            dict.fromkeys(
                [each.id for each in article.registry_ids]
                + [each.value for each in details.registry_ids]
            )
        ),
        "effects": [
            {
                "measure": each.measure,
                "value": each.value,
                "ci_low": each.ci_low,
                "ci_high": each.ci_high,
                "ci_level": each.ci_level,
                "p": each.p,
                "primary": each.primary,
            }
            for each in details.effects
        ],
        "reasons": [msgspec.structs.asdict(each) for each in grade.reasons],
        "grader_version": grade.grader_version,
        "year": year_of(article),
    }


def warnings_of(
    row: Mapping[str, Any], own: Iterable[Correction], notices: tuple[Correction, ...]
) -> dict[str, Any]:
    """What changes in a row where notices speak about its article, as `grading.warnings.warned` has
    it. `own`: what the article's own record says of others that speak about it."""
    grade = Grade(
        design=row["design"],
        design_label="",
        confidence=row["confidence"],
        question=row["question"],
        flags=tuple(row["flags"]),
        levels=Levels(**{scheme: row[scheme] for scheme in SCHEMES}),
        reasons=tuple(Reason(**each) for each in row["reasons"]),
        details=Details(),
        grader_version=row["grader_version"],
    )
    after = warned(grade, Article(pmid=row["pmid"], comments_corrections=tuple(own)), notices)
    return {
        "flags": after.flags,
        "reasons": [msgspec.structs.asdict(each) for each in after.reasons],
        **{scheme: getattr(after.levels, scheme) for scheme in SCHEMES},
    }


def _whole(detail: Detail) -> int | None:
    return detail.value if isinstance(detail.value, int) else None


def _number(detail: Detail) -> float | None:
    return float(detail.value) if isinstance(detail.value, int | float) else None


def _text(detail: Detail) -> str | None:
    return None if detail.value is None else str(detail.value)
