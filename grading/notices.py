"""What a notice says about other articles, told from their side.

A retraction notice names the paper it retracts (`RetractionOf`); the paper's own record often says
so (`RetractionIn`) only weeks later. Until then the notice is the only witness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grading.article import Article, Correction

# NLM's RefType pairs: https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html#commentscorrections
COUNTERPARTS: dict[str, str] = {
    "RetractionOf": "RetractionIn",
    "ExpressionOfConcernFor": "ExpressionOfConcernIn",
    "ErratumFor": "ErratumIn",
    "CorrectedandRepublishedFrom": "CorrectedandRepublishedIn",
    "RetractedandRepublishedFrom": "RetractedandRepublishedIn",
    "UpdateOf": "UpdateIn",
}


def notices_in(article: Article) -> Iterator[tuple[int, Correction]]:
    """Each (PMID, correction) that `article` makes known about another article.

    The correction has direction "in" and the PMID of `article`, as the other record would have it.
    """
    for correction in article.comments_corrections:
        counterpart = COUNTERPARTS.get(correction.relation)
        if counterpart is None or correction.pmid is None or correction.pmid == article.pmid:
            continue
        yield (
            correction.pmid,
            Correction(
                relation=counterpart, direction="in", pmid=article.pmid, source=citation(article)
            ),
        )


def in_order(notices: Iterable[Correction]) -> tuple[Correction, ...]:
    """Each once, by PMID and relation: a grade does not depend on which came first."""
    return tuple(sorted(dict.fromkeys(notices), key=lambda each: (each.pmid or 0, each.relation)))


def citation(article: Article) -> str | None:
    """Where `article` was published, in one line, or None where the record does not say."""
    parts = [article.journal_abbreviation or article.journal, article.published_text]
    parts[1] = parts[1] or article.published
    return ". ".join(part for part in parts if part) or None
