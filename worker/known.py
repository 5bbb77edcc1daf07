"""Records that the store holds just as they stand in a source: they need not be read again.

A store that was filled from the same bytes by the same parser and grader would be given what it has.
Telling so takes the digest of the bytes and one look for a block of records.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

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


_FILES: dict[str, Any] = {"pmids": np.int32, "digests": np.int64, "abridged": np.bool_}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The same of one moment, for machines that have no way to the store: digests by PMID in a
    folder that they can see, 13 bytes an article."""

    folder: str

    @classmethod
    def of(cls, store: Store, folder: Path) -> Snapshot:
        found = store.sources(grader_version=GRADER_VERSION)
        with ExitStack() as opened:
            files = [opened.enter_context((folder / name).open("wb")) for name in _FILES]
            while some := list(islice(found, 100_000)):
                for file, column, kind in zip(
                    files, zip(*some, strict=True), _FILES.values(), strict=True
                ):
                    np.array(column, dtype=kind).tofile(file)
        return cls(str(folder))

    def __call__(self, digests: Mapping[int, int], *, abridging: bool = False) -> set[int]:
        pmids, known, abridged = (_read(self.folder, name) for name in _FILES)
        if not len(pmids):
            return set()
        wanted = np.fromiter(digests, dtype=np.int32, count=len(digests))
        places = np.minimum(np.searchsorted(pmids, wanted), len(pmids) - 1)
        there = pmids[places] == wanted
        if not abridging:
            there &= ~abridged[places]
        found = zip(wanted[there].tolist(), known[places[there]].tolist(), strict=True)
        return {pmid for pmid, digest in found if digest == digests[pmid]}


@lru_cache(maxsize=len(_FILES))
def _read(folder: str, name: str) -> npt.NDArray[Any]:
    path, kind = Path(folder, name), _FILES[name]
    return np.memmap(path, kind, mode="r") if path.stat().st_size else np.empty(0, kind)
