"""What changed between two grades or two revisions of an article, in one line for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from grading import Article, Grade
from grading.abridgement import without_places
from grading.vocabulary import FLAGS

_SHOWN_VALUES: Final = 3  # of a list that changed, each way

# Fields of Article that are told by what came and went, with their names for people.
_LISTS: Final = {
    "publication_types": "publication types",
    "mesh": "MeSH",
    "keywords": "keywords",
    "comments_corrections": "comments and corrections",
    "registry_ids": "registry numbers",
}
_TEXTS: Final = {
    "title": "title",
    "abstract": "abstract",
    "authors": "authors",
    "journal": "journal",
    "coi_statement": "conflict-of-interest statement",
}
_VALUES: Final = {
    "version": "version",
    "status": "status",
    "indexing_method": "indexing",
    "published": "published",
    "doi": "DOI",
    "pmcid": "PMCID",
    "revised": "revised",
}
# Told by others, or no news by themselves.
_SILENT: Final = {"pmid", "sections", "published_text", "published_precision", "dates", "abridged"}
_ABSTRACTS: Final = {"abstract", "other_abstracts", "plain_language_summaries"}


def summary(
    before: Article, after: Article, grade_before: Grade | None, grade_after: Grade | None
) -> str:
    """Such as "publication types: + Randomized Controlled Trial; level none → 2; now RETRACTED"."""
    if before.abridged != after.abridged:  # quotes lost or found their places: no news of the grade
        grade_before = grade_before and without_places(grade_before)
        grade_after = grade_after and without_places(grade_after)
    parts = list(_warnings(grade_before, grade_after))
    parts += _article_changes(before, after)
    parts += _grade_changes(grade_before, grade_after)
    return "; ".join(parts) or "details"


def _warnings(before: Grade | None, after: Grade | None) -> Iterator[str]:
    if before is None or after is None:
        return
    for flag in ("retracted", "expression_of_concern", "withdrawn"):
        if flag in after.flags and flag not in before.flags:
            yield f"now {FLAGS[flag].label}"
        elif flag in before.flags and flag not in after.flags:
            yield f"no longer {FLAGS[flag].label}"


def _article_changes(before: Article, after: Article) -> Iterator[str]:
    if before == after:
        return
    other = []
    silent = _SILENT
    if before.abridged != after.abridged:
        yield "abstract no longer kept" if after.abridged else "abstract kept from now on"
        silent = _SILENT | _ABSTRACTS
    for name in Article.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old == new or name in silent:
            continue
        if name in _LISTS:
            yield f"{_LISTS[name]}: {_came_and_went(_names(old), _names(new))}"
        elif name in _VALUES:
            yield f"{_VALUES[name]} {_shown(old)} → {_shown(new)}"
        elif name in _TEXTS:
            yield f"{_TEXTS[name]} {'added' if not old else 'removed' if not new else 'changed'}"
        else:
            other.append(name.replace("_", " "))
    if other:
        yield f"also {', '.join(other)}"


def _names(values: Iterable[object]) -> list[str]:
    names = []
    for value in values:
        if isinstance(value, str):
            names.append(value)
        elif hasattr(value, "relation"):
            other = getattr(value, "pmid", None) or getattr(value, "source", None) or ""
            names.append(f"{value.relation} {other}".strip())
        else:
            names.append(str(getattr(value, "name", None) or getattr(value, "id", value)))
    return names


def _came_and_went(old: list[str], new: list[str]) -> str:
    came = [f"+ {name}" for name in new if name not in old]
    went = [f"− {name}" for name in old if name not in new]
    shown = [*_some(came), *_some(went)]
    return ", ".join(shown) or "changed"


def _some(names: list[str]) -> list[str]:
    more = len(names) - _SHOWN_VALUES
    return names if more <= 0 else [*names[:_SHOWN_VALUES], f"{more} more"]


def _grade_changes(before: Grade | None, after: Grade | None) -> Iterator[str]:
    if before is None or after is None or before == after:
        return
    if before.design != after.design:
        yield f"design {before.design} → {after.design}"
    if before.question != after.question:
        yield f"question {before.question} → {after.question}"
    for scheme in type(before.levels).__struct_fields__:
        old, new = getattr(before.levels, scheme), getattr(after.levels, scheme)
        if old != new:
            name = "level" if scheme == "ocebm_2011" else scheme
            yield f"{name} {_shown(old)} → {_shown(new)}"
    for name in ("flags", "attributes"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{name}: {_came_and_went(list(old), list(new))}"
    if round(before.confidence, 2) != round(after.confidence, 2):
        yield f"confidence {before.confidence:.2f} → {after.confidence:.2f}"
    if before.details != after.details:
        changed = [
            name.replace("_", " ")
            for name in type(before.details).__struct_fields__
            if getattr(before.details, name) != getattr(after.details, name)
        ]
        yield f"study details: {', '.join(_some(changed))}"


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
