"""What is left of an article and its grade where abstracts are not kept.

The grade was made from the whole article and stays: design, levels, study details, and the quotes they
rest on. Only the places of quotes go with the text they pointed into. It cannot be made again from what
is left (`grading.grade_many` refuses); notices still reach it (`grading.warnings`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from grading.article import Article
from grading.details.values import Details
from grading.grades import Grade


def has_abstracts(article: Article) -> bool:
    return bool(article.abstract or article.other_abstracts or article.plain_language_summaries)


def abridged(article: Article, grade: Grade) -> tuple[Article, Grade]:
    """Both without the abstract, its sections, and abstracts in other words or languages.

    An article that has none of these is whole as it is, and comes back so.
    """
    if not has_abstracts(article):
        return article, grade
    left = msgspec.structs.replace(
        article,
        abstract="",
        sections=(),
        other_abstracts=(),
        plain_language_summaries=(),
        abridged=True,
    )
    return left, without_places(grade)


def without_places(grade: Grade) -> Grade:
    """The grade with its quotes of the abstract, which no longer say where they stood."""
    details = msgspec.structs.asdict(grade.details)
    for name, value in details.items():
        several = isinstance(value, tuple)
        details[name] = tuple(map(_without_place, value)) if several else _without_place(value)
    return msgspec.structs.replace(
        grade,
        reasons=tuple(map(_without_place, grade.reasons)),
        stated_level=grade.stated_level and _without_place(grade.stated_level),
        details=Details(**details),
    )


def _without_place(quoted: Any) -> Any:
    if quoted.field != "abstract":
        return quoted
    return msgspec.structs.replace(quoted, field=None, start=None, end=None)
