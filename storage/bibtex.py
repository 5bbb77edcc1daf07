r"""Citations as BibTeX, in UTF-8, for LaTeX, JabRef, Zotero and pandoc.

Characters that mean something to TeX are escaped, but for `doi` and `url`, which packages and
programs take word for word. Words of a title that have a capital beyond the one of a sentence stand
in braces, since many styles write titles in small letters; so names and abbreviations keep theirs
while the style has its way with the rest.

`note`, which styles print, tells only what no reader must miss; the grade is in `annote`, which they
do not.
"""

from __future__ import annotations

import re
from typing import Final

from storage.citations import Citation, Name

_TYPES: Final = {
    "article": "article", "preprint": "misc", "chapter": "incollection", "book": "book",
}  # fmt: skip
_MONTHS: Final = (
    "", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_BRACE: Final = re.compile(r"[{}]")
_SPECIAL: Final = re.compile(r"[&%#_${}\\~^]")
_ESCAPES: Final = {
    **{sign: f"\\{sign}" for sign in "&%#_${}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
# BibTeX counts braces, escaped or not: these two stand where a text has one without the other.
_LONE_BRACES: Final = {**_ESCAPES, "{": r"\textbraceleft{}", "}": r"\textbraceright{}"}
_VERBATIM: Final = str.maketrans({"{": "%7B", "}": "%7D", "\\": "%5C"})
_CONTAINERS: Final = {
    "article": "journal", "preprint": "howpublished", "chapter": "booktitle", "book": "booktitle",
}  # fmt: skip


def bibtex_entry(cited: Citation) -> str:
    """One entry, with the empty line that parts it from the next."""
    fields = {
        "author": _names(cited.authors, complete=cited.authors_complete),
        "editor": _names(cited.editors),
        "title": _title(cited.title),
        _CONTAINERS[cited.kind]: _escaped(cited.container),
        "shortjournal": _escaped(cited.abbreviation),
        "series": _escaped(cited.series),
        "year": f"{cited.year:04}" if cited.year else "",
        "month": cited.season or _MONTHS[cited.month],
        "day": str(cited.day) if cited.day else "",
        "volume": _escaped(cited.volume),
        "number": _escaped(cited.issue),
        "pages": "--".join(filter(None, map(_escaped, (cited.first_page, cited.last_page)))),
        "edition": _escaped(cited.edition),
        "publisher": _escaped(cited.publisher),
        "address": _escaped(cited.place),
        "issn": _escaped(cited.issn),
        "isbn": _escaped(" ".join(cited.isbn)),
        "doi": cited.doi.translate(_VERBATIM),
        "pmid": cited.pmid,
        "pmcid": _escaped(cited.pmcid),
        "url": cited.url,
        "language": _escaped(cited.languages[0]) if cited.languages else "",
        "note": "; ".join(cited.warnings),
        "annote": _escaped(cited.grade),
        "keywords": ", ".join(map(_keyword, cited.keywords)),
        "abstract": _escaped(cited.abstract.replace("\n", " ")),
    }
    lines = "".join([_line(field, value) for field, value in fields.items() if value])
    return f"@{_TYPES[cited.kind]}{{{cited.key},\n{lines}}}\n\n"


def _line(field: str, value: str) -> str:
    if field == "month" and value in _MONTHS:  # a macro, which each style prints in its own way
        return f"  {field} = {value},\n"
    return f"  {field} = {{{value}}},\n"


def _escaped(text: str) -> str:
    lone = ("{" in text or "}" in text) and not _balanced(text)
    escapes = _LONE_BRACES if lone else _ESCAPES
    return _SPECIAL.sub(lambda found: escapes[found[0]], text)


def _balanced(text: str) -> bool:
    depth = 0
    for brace in _BRACE.findall(text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def _title(text: str) -> str:
    words = _escaped(text).split(" ")
    begins = True
    for place, word in enumerate(words):
        beyond = word[1:] if begins and word[:1].isupper() else word
        if beyond != beyond.lower():
            # {\… is a special character to BibTeX, whose case it changes
            words[place] = f"{{{{{word}}}}}" if word.startswith("\\") else f"{{{word}}}"
        begins = word.endswith(":")
    return " ".join(words)


def _names(names: tuple[Name, ...], *, complete: bool = True) -> str:
    written = list(map(_name, names))
    return " and ".join(written if complete or not written else [*written, "others"])


def _name(name: Name) -> str:
    if name.literal:
        return f"{{{_escaped(name.literal)}}}"
    if not name.given:
        return f"{{{_escaped(f'{name.family} {name.suffix}'.strip())}}}"
    return ", ".join([_part(part) for part in (name.family, name.suffix, name.given) if part])


def _part(text: str) -> str:
    escaped = _escaped(text)
    return f"{{{escaped}}}" if "," in text or " and " in text.lower() else escaped


def _keyword(text: str) -> str:
    """Keywords are parted by commas, and many a MeSH heading has one."""
    return f"{{{_escaped(text)}}}" if "," in text else _escaped(text)
