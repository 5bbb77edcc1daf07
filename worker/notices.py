"""What notices say about articles, as it will stand once a batch is saved.

A grade depends on the article and on what notices say about it (grading.notices): those in the batch
and those in the store. Whoever saves a batch grades the articles that it or any of them changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from grading import Article
from grading.article import Correction
from grading.notices import in_order, notices_in
from storage.records import revision_order


class NoticeBoard(Protocol):
    """A store, or a load in hand."""

    def notices_about(self, pmids: Iterable[int]) -> dict[int, tuple[Correction, ...]]:
        """What stored articles say about these."""

    def noticed_by(self, pmids: Iterable[int]) -> set[int]:
        """What these stored articles give notice of."""

    def outdated(self, articles: Iterable[Article]) -> set[int]:
        """Those that are older than what is stored."""


def notices_with(
    articles: Iterable[Article], board: NoticeBoard
) -> Mapping[int, tuple[Correction, ...]]:
    """Of each article that is in the batch or that a notice in it names or named: what all notices
    will say about it. Those of the batch that nothing is said of, and never was, are left out.

    Only the last revision of an article speaks, and only where it is not older than the stored one.
    """
    last: dict[int, Article] = {}
    for article in articles:
        before = last.get(article.pmid)
        if before is None or revision_order(before) <= revision_order(article):
            last[article.pmid] = article
    noticed = board.noticed_by(last)
    telling = {article.pmid for article in last.values() if any(notices_in(article))}
    named = {target for pmid in telling for target, _ in notices_in(last[pmid])}
    stored = board.notices_about(last.keys() | noticed | named)
    senders = {notice.pmid for said in stored.values() for notice in said}
    silent = board.outdated(last[pmid] for pmid in last.keys() & (telling | senders))
    said: dict[int, list[Correction]] = {pmid: [] for pmid in noticed}
    for pmid in telling - silent:
        for target, notice in notices_in(last[pmid]):
            said.setdefault(target, []).append(notice)
    for target, notices in stored.items():
        for notice in notices:
            if notice.pmid not in last or notice.pmid in silent:
                said.setdefault(target, []).append(notice)
    return {pmid: in_order(notices) for pmid, notices in said.items()}
