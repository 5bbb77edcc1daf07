"""Labels of a file of the caller's: designs or levels by PMID, in the forms that people keep them in.

A table (commas, semicolons or tabs; with a line of names, or PMID and design in this order), JSON
lines or one JSON list, each also gzipped. A design is an id or a label of the rubric, or one of the
eight kinds; capitals, blanks, hyphens and British spelling make no difference.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from grading.vocabulary import DESIGNS
from worker.errors import ConfigError, SourceError
from worker.tasks.pmids import one_pmid

_DESIGN = ("design", "label", "study_design", "study_type")


class Label(NamedTuple):
    pmid: int
    design: str | None
    level: str | None
    scheme: str | None


def read_labels(path: Path, kinds: Collection[str]) -> list[Label]:
    """Each label once, in the order of the file. `kinds`: the names of the eight.

    Raises SourceError for a file that cannot be used, and says in which line.
    """
    known = {_plain(name): name for name in (*DESIGNS, *kinds)}
    known |= {_plain(term.label): design for design, term in DESIGNS.items()}
    found: dict[int, tuple[Label, int]] = {}
    unknown: dict[str, int] = {}
    for line, row in _rows(path):
        try:
            pmid = one_pmid(str(row.get("pmid") or ""))
        except ConfigError as error:
            raise SourceError(f"{path}, line {line}: {error}") from None
        written = next((row[name] for name in _DESIGN if row.get(name)), None)
        design = None if written is None else known.get(_plain(written))
        label = Label(pmid, design, row.get("level"), row.get("scheme"))
        if written and not design:
            unknown.setdefault(written, line)
        elif not label.design and not label.level:
            raise SourceError(f"{path}, line {line}: no design and no level beside the PMID.")
        other, before = found.setdefault(pmid, (label, line))
        if other != label:
            raise SourceError(
                f"{path}: PMID {pmid} is labelled otherwise in lines {before} and {line}."
            )
    if unknown:
        told = ", ".join(f"{name} (line {line})" for name, line in list(unknown.items())[:5])
        raise SourceError(
            f"{path}: unknown design {told}{' and others' if len(unknown) > 5 else ''}. A label is an "
            f"id or label of the rubric or one of {', '.join(sorted(set(kinds)))}."
        )
    if not found:
        raise SourceError(f"{path}: holds no labels.")
    return [label for label, _ in found.values()]


def _plain(name: str) -> str:
    """One spelling of a name."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_").replace("randomis", "randomiz")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row, its names in one spelling, with the number of its line."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig") as stream:
            text = stream.read()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read ({error}).") from None
    begins = text.lstrip()[:1]
    for line, row in _objects(text, path) if begins in ("{", "[") else _table(text):
        told = ((_plain(name), str(value).strip()) for name, value in row if value is not None)
        yield line, {name: value for name, value in told if value}


def _objects(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    whole = text.lstrip().startswith("[")
    for line, part in [(1, text)] if whole else enumerate(text.splitlines(), 1):
        if not part.strip():
            continue
        try:
            read = json.loads(part)
        except json.JSONDecodeError as error:
            at = line + error.lineno - 1
            raise SourceError(f"{path}, line {at}: is no JSON ({error.msg}).") from None
        for number, row in enumerate(read if whole else [read], line):
            if not isinstance(row, dict):
                raise SourceError(f"{path}, line {number}: no object of pmid and design or level.")
            yield number, row.items()


def _table(text: str) -> Iterator[tuple[int, Any]]:
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    names: list[str] = []
    rows = csv.reader(lines, delimiter=next((mark for mark in "\t;," if mark in first), ","))
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if not names:
            headed = not re.search(r"\d", row[0])
            names = row if headed else ["pmid", "design"]
            if headed:
                continue
        yield rows.line_num, zip(names, row, strict=False)
