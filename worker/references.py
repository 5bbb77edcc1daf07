"""Lists of references, read from the bytes of a record without making elements of them.

They are nearly half of a record of today, and two things of them are kept: how many papers are
cited, and the PMIDs of those.
"""

from __future__ import annotations

import re
from typing import Any, Final

_START: Final = b"<ReferenceList>"
_END: Final = b"</ReferenceList>"
_BEHIND: Final = re.compile(rb"\s*</PubmedData>\s*</PubmedArticle>\s*")
_PMID: Final = re.compile(
    rb"""<ArticleId\s+IdType\s*=\s*["']pubmed["']\s*>\s*0*([0-9]{1,9})\s*</ArticleId\s*>"""
)


def cut_references(xml: bytes) -> tuple[bytes, bytes]:
    """A record without its list of references, and the list.

    The list is empty where there is none, and where only a parser can tell what it is: with lists
    within it or more than one, with comments or CDATA, elsewhere than at the end of a
    PubmedArticle, or with another record in it, whose beginning this one has lost.
    """
    start = xml.find(_START)
    if start < 0:
        return xml, b""
    end = xml.find(_END, start) + len(_END)
    found = xml[start:end]
    if (
        not _BEHIND.fullmatch(xml, end)
        or b"!" in found
        or found.find(_START, 1) >= 0
        or b"<MedlineCitation" in found
    ):
        return xml, b""
    return xml[:start] + xml[end:], found


def read_cut_references(found: bytes, fields: dict[str, Any]) -> None:
    """Of what `cut_references` found the same as `pubmed_elements.read_references` of a list."""
    fields["references"] += map(int, _PMID.findall(found))
    fields["listed"] += found.count(b"<Reference>")
