"""PMIDs as people type and list them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from worker.errors import ConfigError, SourceError
from worker.parsed import number_in


def read_pmids(words: Iterable[str], file: str | None) -> tuple[list[int], list[str]]:
    """PMIDs in the order given, without repeats; and what is none, with where it stands."""
    given = [(word, "") for text in words for word in _split(text) or [text]]
    if file is not None:
        try:
            raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
            text = raw.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SourceError(f"{file}: cannot be read: {reason}.") from None
        name = "standard input" if file == "-" else file
        given += [
            (word, f" ({name}, line {number})")
            for number, line in enumerate(text.splitlines(), 1)
            for word in _split(line.partition("#")[0])
        ]
    good: dict[int, None] = {}
    bad: list[str] = []
    for word, where in given:
        if pmid := number_in(word):
            good[pmid] = None
        else:
            bad.append(f"{word if len(word) <= 60 else word[:60] + '…'!r}{where}")
    return list(good), bad


def _split(text: str) -> list[str]:
    """The words of "33301246, 32865377", "PMID: 33301246" or "PMID33301246"."""
    text = re.sub(r"\bPMID(?:[:-]\s*|\s+)?(?=[0-9])", " ", text, flags=re.IGNORECASE)
    return [word for word in re.split(r"[\s,;]+", text) if word]


def one_pmid(text: str) -> int:
    good, bad = read_pmids([text], None)
    if bad:
        raise ConfigError(f"not a PMID: {bad[0]}. A PMID is a number such as 33301246.")
    return good[0]
