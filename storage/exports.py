"""What a query finds, as files. Every writer streams: one record in memory at a time.

`FORMATS` names the formats; a writer takes records and a text stream, opened with newline="" and
UTF-8, and answers how many records it wrote. What reference managers read is made by `ris`,
`bibtex` and `csl_json` of what `citations` says of a record.

The columns of the CSV file are `COLUMNS`. They are stable: new ones come at the end. One record a
line; lists are joined with "; "; line breaks within a text become spaces. A text that a spreadsheet
would run as a formula (it begins with =, +, -, @ or a tab) has an apostrophe put before it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TextIO

import msgspec

from storage.bibtex import bibtex_entry
from storage.citations import Citation, citation, warnings
from storage.csl_json import csl_item
from storage.records import Record, iso
from storage.ris import ris_entry

Writer = Callable[[Iterable[Record], TextIO], int]


class Format(NamedTuple):
    """One way to write records to a text stream."""

    write: Writer
    suffix: str
    label: str


def write_jsonl(records: Iterable[Record], stream: TextIO) -> int:
    """One JSON object a line (`Record.to_json`): the form that `pubgrade load` reads back."""
    written = 0
    for record in records:
        stream.write(msgspec.json.encode(record.to_json()).decode())
        stream.write("\n")
        written += 1
    return written


def write_csv(records: Iterable[Record], stream: TextIO) -> int:
    """One line a record under a line of `COLUMNS`."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    written = 0
    for record in records:
        writer.writerow([_cell(read(record)) for read in COLUMNS.values()])
        written += 1
    return written


def write_csl_json(records: Iterable[Record], stream: TextIO) -> int:
    """One JSON array, an item a line."""
    written = 0
    for record in records:
        stream.write(",\n" if written else "[\n")
        stream.write(msgspec.json.encode(csl_item(citation(record))).decode())
        written += 1
    stream.write("\n]\n" if written else "[]\n")
    return written


def _entries(entry: Callable[[Citation], str]) -> Writer:
    """Of a format that is one entry after the other."""

    def write(records: Iterable[Record], stream: TextIO) -> int:
        written = 0
        for record in records:
            stream.write(entry(citation(record)))
            written += 1
        return written

    return write


COLUMNS: Final[dict[str, Callable[[Record], Any]]] = {
    "pmid": lambda r: r.article.pmid,
    "warning": warnings,
    "title": lambda r: r.article.title,
    "authors": lambda r: [
        author.name
        if author.collective or not author.last_name
        else f"{author.last_name} {author.initials or ''}".strip()
        for author in r.article.authors
    ],
    "journal": lambda r: r.article.journal or (r.article.book.title if r.article.book else None),
    "published": lambda r: r.article.published,
    "doi": lambda r: r.article.doi,
    "pmcid": lambda r: r.article.pmcid,
    "design": lambda r: r.grade.design,
    "design_label": lambda r: r.grade.design_label,
    "confidence": lambda r: round(r.grade.confidence, 3),
    "question": lambda r: r.grade.question,
    "ocebm_2011": lambda r: r.grade.levels.ocebm_2011,
    "ocebm_2009": lambda r: r.grade.levels.ocebm_2009,
    "grade_start": lambda r: r.grade.levels.grade_start,
    "sort": lambda r: r.grade.levels.sort,
    "nhmrc": lambda r: r.grade.levels.nhmrc,
    "stated_level": lambda r: r.grade.stated_level.level if r.grade.stated_level else None,
    "flags": lambda r: r.grade.flags,
    "attributes": lambda r: r.grade.attributes,
    "sample_size": lambda r: r.grade.details.sample_size.value,
    "registry_ids": lambda r: list(
        dict.fromkeys(
            [each.id for each in r.article.registry_ids]
            + [each.value for each in r.grade.details.registry_ids]
        )
    ),
    "publication_types": lambda r: [each.name for each in r.article.publication_types],
    "mesh": lambda r: [each.name for each in r.article.mesh],
    "keywords": lambda r: r.article.keywords,
    "abstract": lambda r: r.article.abstract,
    "topics": lambda r: r.topics,
    "version": lambda r: r.article.version,
    "revised": lambda r: r.article.revised,
    "grader_version": lambda r: r.grade.grader_version,
    "graded_at": lambda r: iso(r.graded_at),
    "added_at": lambda r: iso(r.added_at),
    "updated_at": lambda r: iso(r.updated_at),
    "deleted_at": lambda r: iso(r.deleted_at) if r.deleted_at else None,
    "abridged": lambda r: r.article.abridged,
    "design_confidence": lambda r: r.grade.design_confidence,  # new columns come last
}


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else "; ".join(str(item) for item in value)
    text = " ".join(text.replace("\0", "").splitlines())
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


FORMATS: Final[dict[str, Format]] = {
    "jsonl": Format(write_jsonl, ".jsonl", "JSON lines: everything the store knows"),
    "csv": Format(write_csv, ".csv", "CSV: one line a record, for spreadsheets"),
    "ris": Format(_entries(ris_entry), ".ris", "RIS: for EndNote, Zotero, Rayyan, Covidence"),
    "bibtex": Format(_entries(bibtex_entry), ".bib", "BibTeX: for LaTeX, JabRef, pandoc"),
    "csl-json": Format(write_csl_json, ".json", "CSL-JSON: for pandoc, citeproc, Zotero"),
}
