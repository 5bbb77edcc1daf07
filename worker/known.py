"""Records that the store holds just as they stand in a source: they need not be read again.

A store that was filled from the same bytes by the same parser and grader would be given what it has.
Telling so takes the digest of the bytes and one look for a block of records.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from grading import GRADER_VERSION
from storage.documents import source_digest
from worker.parsed import PARSER_VERSION

if TYPE_CHECKING:
    from storage import Store


class Known(Protocol):
    """Digests of sources by PMID to those PMIDs that the store was filled from just so
    (`Store.unchanged`)."""

    def __call__(self, digests: Mapping[int, int], *, abridging: bool = False) -> set[int]: ...


def known_to(store: Store) -> Known:
    """What `store` knows, as this parser and this grader would give it again."""
    return partial(store.unchanged, grader_version=GRADER_VERSION)


def digest_of(raw: bytes) -> int:
    """What the store knows the bytes of a record by."""
    return source_digest(raw, PARSER_VERSION)
