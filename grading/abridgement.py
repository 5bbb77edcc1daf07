"""What is left of an article and its grade where abstracts are not kept.

The grade was made from the whole article and stays: design, levels, study details, and the quotes they
rest on. Only the places of quotes go with the text they pointed into. It cannot be made again from what
is left (`grading.grade_many` refuses); notices still reach it (`grading.warnings`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from grading.article import Article
from grading.grades import Grade


def has_abstracts(article: Article) -> bool:
    return bool(article.abstract or article.other_abstracts or article.plain_language_summaries)


def abridged(article: Article, grade: Grade) -> tuple[Article, Grade]:
    """Both without the abstract, its sections, and abstracts in other words or languages.

    An article that has none of these is whole as it is, and comes back so.
    """
    if not has_abstracts(article):
        return article, grade
    return (
        msgspec.structs.replace(
            article,
            abstract="",
            sections=(),
            other_abstracts=(),
            plain_language_summaries=(),
            abridged=True,
        ),
        msgspec.structs.replace(
            grade,
            reasons=tuple(map(_placeless, grade.reasons)),
            stated_level=grade.stated_level and _placeless(grade.stated_level),
            details=msgspec.structs.replace(
                grade.details,
                **{
                    name: tuple(map(_placeless, value))
                    if isinstance(value, tuple)
                    else _placeless(value)
                    for name, value in msgspec.structs.asdict(grade.details).items()
                },
            ),
        ),
    )


def _placeless(quoted: Any) -> Any:
    """A quote that says no more where it stood, if that was in the abstract."""
    if quoted.field != "abstract":
        return quoted
    return msgspec.structs.replace(quoted, field=None, start=None, end=None)
