"""The signal tables: what the grader looks for, as data that a clinician can read and extend.

Each ``*.toml`` file of this folder is a list of ``[[signal]]`` rows:

``id``         unique, "<topic>.<name>"
``pattern``    RE2 syntax, any case, on word boundaries, over folded text (see
               `grading.patterns`; fast where every alternative holds a word or two in full: see
               `grading.literals`); or, for metadata, exactly one of
               ``publication_type``, ``mesh``, ``qualifier`` (name or NLM unique identifier, or a
               list of them), ``journal`` (RE2 pattern)
``words``      false: the pattern sets its own word boundaries, as one must that begins or ends on
               no letter or digit ("retracted:", "31 %"), where no boundary is
``where``      fields ("title", "abstract") or roles of `grading.text.ROLES`; absent = everywhere
``speaks_for`` target id = weight in log-odds points; a negative weight speaks against. The target
               "declared:<group>" adds to the odds of a group of designs once all else is weighed
``unless``     contexts that silence a hit (see `grading.contexts`); absent = all of them
``source``     where the rule comes from, or "ours"
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from grading.contexts import CONTEXTS, Contexts, contexts
from grading.patterns import Pattern, PatternError, PatternSet
from grading.text import ROLES

METADATA_KINDS = ("publication_type", "mesh", "qualifier", "journal")
_KEYS = {"id", "pattern", "words", "where", "speaks_for", "unless", "source", *METADATA_KINDS}
# An alternative that begins or ends on an escaped sign: on word boundaries it would never be found.
_SIGN_AT_EDGE = re.compile(r"(?:\\[^\w\s]|%)\)*(?:\||\Z)|(?:\A|\|)\(?(?:\\[^\w\s]|%)")


class SignalError(ValueError):
    """A row of a signal table that cannot be used; says which row of which table and why."""


@dataclass(frozen=True, slots=True)
class Signal:
    id: str
    kind: str  # "text" or one of METADATA_KINDS
    patterns: tuple[str, ...]  # one RE2 pattern, or names and identifiers in lower case
    where: frozenset[str]  # fields and roles; empty = everywhere
    speaks_for: tuple[tuple[str, float], ...]
    unless: frozenset[str]
    source: str
    words: bool = True  # a text pattern stands on word boundaries

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that hold all the places of `where`."""
        if not self.where:
            return ("title", "abstract")
        titled = ("title",) if "title" in self.where else ()
        return (*titled, "abstract") if self.where - {"title"} else titled


@dataclass(frozen=True)
class Signals:
    """All tables, compiled. `text[i]` belongs to pattern `i` of `expressions`."""

    text: tuple[Signal, ...]
    expressions: PatternSet
    fields: tuple[tuple[str, ...], ...]  # `Signal.fields` of `text[i]`
    contexts: tuple[Contexts | None, ...]  # what silences `text[i]`
    metadata: dict[tuple[str, str], tuple[Signal, ...]]  # (kind, name or UI in lower case)
    journals: tuple[tuple[Pattern, Signal], ...]

    @property
    def all(self) -> tuple[Signal, ...]:
        rows = {s.id: s for found in self.metadata.values() for s in found}
        return (*self.text, *rows.values(), *(signal for _, signal in self.journals))


def read_signal(row: dict[str, Any], table: str) -> Signal:
    """One row of a table. Raises `SignalError`."""
    where = f"signal {row.get('id', '(no id)')} in {table}"
    if unknown := row.keys() - _KEYS:
        raise SignalError(f"{where}: unknown key {', '.join(sorted(unknown))}")
    kinds = [kind for kind in ("pattern", *METADATA_KINDS) if kind in row]
    if len(kinds) != 1:
        raise SignalError(f"{where}: needs exactly one of pattern, {', '.join(METADATA_KINDS)}")
    if not row.get("id") or not row.get("speaks_for") or not row.get("source"):
        raise SignalError(f"{where}: needs id, speaks_for and source")
    value = row[kinds[0]]
    patterns = tuple(value) if isinstance(value, list) else (value,)
    words = row.get("words", True)
    if kinds[0] == "pattern" and words and (sign := _SIGN_AT_EDGE.search(value)):
        raise SignalError(
            f"{where}: begins or ends on no word at {sign.group()!r}: set words = false, and \\b "
            "where a word begins or ends"
        )
    regions = frozenset(row.get("where", ()))
    if bad := regions - {"title", "abstract", *ROLES}:
        raise SignalError(f"{where}: unknown place {', '.join(sorted(bad))}")
    unless = frozenset(row.get("unless", CONTEXTS))
    if bad := unless - set(CONTEXTS):
        raise SignalError(f"{where}: unknown context {', '.join(sorted(bad))}")
    return Signal(
        id=row["id"],
        kind="text" if kinds[0] == "pattern" else kinds[0],
        patterns=tuple(pattern.lower() for pattern in patterns)
        if kinds[0] in ("publication_type", "mesh", "qualifier")
        else patterns,
        where=regions,
        speaks_for=tuple((target, float(weight)) for target, weight in row["speaks_for"].items()),
        unless=unless,
        source=row["source"],
        words=words,
    )


def compile_signals(signals: list[Signal]) -> Signals:
    """Raises `SignalError` for a pattern that RE2 does not take and for an id used twice."""
    seen: set[str] = set()
    for signal in signals:
        if signal.id in seen:
            raise SignalError(f"signal {signal.id} stands twice")
        seen.add(signal.id)
    text = tuple(signal for signal in signals if signal.kind == "text")
    for signal in text:
        try:
            Pattern(signal.patterns[0])
        except PatternError as error:
            raise SignalError(f"signal {signal.id}: {error}") from None
    metadata: dict[tuple[str, str], list[Signal]] = defaultdict(list)
    journals = []
    for signal in signals:
        if signal.kind == "journal":
            journals.append((Pattern(signal.patterns[0]), signal))
        elif signal.kind != "text":
            for name in signal.patterns:
                metadata[signal.kind, name].append(signal)
    return Signals(
        text=text,
        fields=tuple(signal.fields for signal in text),
        contexts=tuple(contexts(signal.unless, signal.patterns[0]) for signal in text),
        expressions=PatternSet(
            [signal.patterns[0] for signal in text],
            whole_words={number for number, signal in enumerate(text) if signal.words},
            in_head={number for number, signal in enumerate(text) if signal.fields == ("title",)},
        ),
        metadata={key: tuple(found) for key, found in metadata.items()},
        journals=tuple(journals),
    )


@cache
def signals() -> Signals:
    """Every table of this folder."""
    rows = []
    tables = sorted(files(__name__).iterdir(), key=lambda entry: entry.name)
    for table in tables:
        if table.name.endswith(".toml"):
            content = tomllib.loads(table.read_text(encoding="utf-8"))
            rows += [read_signal(row, table.name) for row in content.get("signal", [])]
    return compile_signals(rows)
