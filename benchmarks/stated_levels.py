"""Our levels beside the levels that authors and journals state in their abstracts.

    python -m benchmarks.stated_levels [--show]

Reads `labels/stated_levels.jsonl.gz` and the records it names from the development data. The
statement is taken out of the text before grading. A level stated in a scheme that the program knows
is compared in that scheme; all others with the JBJS reading of OCEBM 2009. Compared is the number
1 to 5 (III-2 and 3b are 3). `--show` lists every disagreement by PMID, for developing.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.labelled import blank, data_folder, find_articles, plain, read_lines
from benchmarks.scores import kappa
from grading import Article, Grade
from grading.grader import grade_many
from grading.levels import SCHEMES
from grading.stated_level import stated_level
from grading.text import Text
from grading.text_model import Predictor

_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5}
# How the text of a statement goes on after the level: "Level III, retrospective comparative study."
_REST = re.compile(r"[^.\n]*\.?")
_ARABIC_OR_ROMAN = re.compile(r"(?i)[1-5]|IV|V|I{1,3}")


def number(level: str | int | None) -> int | None:
    """1–5 of "III", "2b", "III-2", "1++"; None where there is none."""
    found = _ARABIC_OR_ROMAN.match(str(level).strip()) if level is not None else None
    if found is None:
        return None
    return _ROMAN.get(found[0].upper()) or int(found[0])


@dataclass(frozen=True, slots=True)
class Stated:
    """One record and its level, as the label has it; `scheme` where the label names one."""

    article: Article
    written: str
    scheme: str | None = None


def load(folder: Path | None = None) -> list[Stated]:
    """The labelled records, in the order of the labels."""
    folder = folder or data_folder()
    rows = list(read_lines(folder / "labels" / "stated_levels.jsonl.gz"))
    files = sorted({row["file"] for row in rows if row["title"] is None})
    wanted = {int(row["pmid"]) for row in rows if row["title"] is None}
    found = find_articles((folder / "records" / name for name in files), wanted)
    return [
        Stated(
            found[int(row["pmid"])] if row["title"] is None else plain(row), row["level_as_written"]
        )
        for row in rows
        if row["title"] is not None or int(row["pmid"]) in found
    ]


def without_statement(article: Article) -> Article:
    """The article with every statement of its own level, and the sentence around it, blanked."""
    for _ in range(4):
        said = stated_level(Text(article))
        if said is None:
            break
        rest = _REST.match(article.abstract, said.end)
        article = blank(article, said.start, rest.end() if rest else said.end)
    return article


def compared(given: Grade, scheme: str | None, level: str) -> int | None:
    """Our number in the named scheme, else in the JBJS reading."""
    if scheme in SCHEMES:
        return number(getattr(given.levels, scheme))
    if scheme == "OCEBM":
        return number(given.levels.ocebm_2009)
    if scheme == "NHMRC" or re.fullmatch(r"III-\d", level.strip()):
        return number(given.levels.nhmrc)
    if scheme == "SORT":
        return number(given.levels.sort)
    return number(given.levels.jbjs)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What became of the labelled records."""

    read_exactly: int  # statements read as the label has them
    read_otherwise: tuple[tuple[int, str, str | None], ...]  # PMID, label, ours
    pairs: tuple[tuple[int, int], ...]  # stated, ours
    without_level: tuple[int, ...]  # PMIDs that state a level and get none from us
    rows: tuple[tuple[Stated, int, Grade, int | None], ...]


def compare(records: list[Stated], *, model: Predictor | None = None) -> Agreement:
    """Statements read, and our levels beside them. `model`: as in `grade_many`."""
    exact, otherwise, pairs, none, rows = 0, [], [], [], []
    grades = grade_many([without_statement(record.article) for record in records], model=model)
    for record, given in zip(records, grades, strict=True):
        said = stated_level(Text(record.article))
        level = said.level if said else None
        if _same(level, record.written):
            exact += 1
        else:
            otherwise.append((record.article.pmid, record.written, level))
        truth = number(record.written)
        if truth is None:
            continue
        ours = compared(given, record.scheme or (said.scheme if said else None), record.written)
        rows.append((record, truth, given, ours))
        if ours is None:
            none.append(record.article.pmid)
        else:
            pairs.append((truth, ours))
    return Agreement(exact, tuple(otherwise), tuple(pairs), tuple(none), tuple(rows))


def _same(ours: str | None, written: str) -> bool:
    """As written, but for case; a label without a level ("N/A") is met by reading none."""
    if number(written) is None:
        return ours is None
    return ours is not None and ours.strip().upper() == written.strip().upper()


def report(agreement: Agreement) -> None:
    labels = agreement.read_exactly + len(agreement.read_otherwise)
    print(f"statements read as the label has them: {agreement.read_exactly} of {labels}")
    for pmid, label, ours in agreement.read_otherwise:
        print(f"  PMID {pmid}: label {label!r}, read {ours!r}")
    pairs, lost = agreement.pairs, len(agreement.without_level)
    graded = len(pairs)
    if not graded:
        return
    exact = sum(a == b for a, b in pairs)
    near = sum(abs(a - b) <= 1 for a, b in pairs)
    print(f"levels: {graded} compared, {lost} more get no level from us")
    print(f"quadratic-weighted kappa {kappa(pairs):.3f}")
    print(f"exact {exact / graded:.3f}, within one {near / graded:.3f}")
    share = (exact / (graded + lost), near / (graded + lost))
    print(f"counting no level as wrong: exact {share[0]:.3f}, within one {share[1]:.3f}")
    print("stated → ours: records")
    for (truth, ours), count in sorted(Counter(pairs).items()):
        print(f"  {truth} → {ours}: {count}{'' if truth == ours else '  *'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--show", action="store_true", help="list every disagreement")
    options = parser.parse_args()
    agreement = compare(load())
    report(agreement)
    if options.show:
        for record, truth, given, ours in agreement.rows:
            if truth != ours:
                steps = [s.rule for s in given.level_steps if s.scheme == "ocebm_2009"]
                print(
                    f"PMID {record.article.pmid}: {record.written} {truth} → {ours}; {given.design} "
                    f"{given.confidence:.2f}, {given.question}, {', '.join(steps)}; "
                    f"{', '.join(given.attributes)}"
                )


if __name__ == "__main__":
    main()
