"""PMIDs as people type and list them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from worker.errors import ConfigError, SourceError


def read_pmids(words: Iterable[str], file: str | None) -> tuple[list[int], list[str]]:
    """PMIDs in the order given, without repeats; and what is none, with where it stands."""
    given = [(word, "") for word in words]
    if file is not None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SourceError(f"{file}: cannot be read: {reason}.") from None
        name = "standard input" if file == "-" else file
        given += [
            (word, f" ({name}, line {number})")
            for number, line in enumerate(text.splitlines(), 1)
            for word in re.split(r"[\s,;]+", line.partition("#")[0])
            if word
        ]
    good: dict[int, None] = {}
    bad: list[str] = []
    for word, where in given:
        plain = re.sub(r"^PMID:?\s*", "", word, flags=re.IGNORECASE)
        if plain.isascii() and plain.isdigit() and 0 < int(plain) < 10**9:
            good[int(plain)] = None
        else:
            bad.append(f"{word!r}{where}")
    return list(good), bad


def one_pmid(text: str) -> int:
    good, bad = read_pmids([text], None)
    if bad:
        raise ConfigError(f"not a PMID: {bad[0]}. A PMID is a number such as 33301246.")
    return good[0]
