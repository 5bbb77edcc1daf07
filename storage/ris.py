"""Citations as RIS, which Zotero, EndNote, Mendeley, Rayyan and Covidence import.

Tags are those of EndNote's export, which others read too; lines end in CR LF, as the format asks.
A name without parts ends in a comma: without it EndNote takes "Flight Oedema Group" for a person
whose family name is Group. For the same reason commas within it are left out.
"""

from __future__ import annotations

from typing import Final

from storage.citations import Citation, Name

_TYPES: Final = {"article": "JOUR", "preprint": "UNPB", "chapter": "CHAP", "book": "BOOK"}


def ris_entry(cited: Citation) -> str:
    """All lines of one record, with the empty one that parts it from the next."""
    book = cited.kind == "book"
    lines = [
        ("TY", _TYPES[cited.kind]),
        ("ID", cited.key),
        ("TI", cited.title),
        *[("AU", _name(author)) for author in cited.authors],
        *[("A3" if book else "A2", _name(editor)) for editor in cited.editors],
        ("T2", cited.container),
        ("J2", cited.abbreviation),
        ("T3", cited.series),
        ("PY", f"{cited.year:04}" if cited.year else ""),
        ("DA", _date(cited)),
        ("VL", cited.volume),
        ("IS", cited.issue),
        ("SP", cited.first_page),
        ("EP", cited.last_page),
        ("ET", cited.edition),
        ("PB", cited.publisher),
        ("CY", cited.place),
        *[("SN", number) for number in cited.isbn or [cited.issn]],
        ("DO", cited.doi),
        ("AN", cited.pmid),
        ("DB", "PubMed"),
        # of a chapter, Zotero would take it for an author of the book
        ("C2", cited.pmcid if cited.kind == "article" else ""),
        ("M3", "Preprint" if cited.kind == "preprint" else ""),
        ("LA", "; ".join(cited.languages)),
        ("LB", "; ".join(cited.warnings)),
        ("N1", ". ".join([*cited.warnings, cited.grade])),
        ("AB", cited.abstract.replace("\n", " ")),
        *[("KW", keyword) for keyword in cited.keywords],
        ("UR", cited.url),
    ]
    return "".join([f"{tag}  - {value}\r\n" for tag, value in lines if value]) + "ER  - \r\n\r\n"


def _name(name: Name) -> str:
    if name.literal or not name.given:
        return f"{_without_commas(name.literal or f'{name.family} {name.suffix}').strip()},"
    parts = [name.family, name.given, name.suffix]
    return ", ".join([_without_commas(part) for part in parts if part])


def _without_commas(text: str) -> str:
    return " ".join(text.replace(",", " ").split()) if "," in text else text


def _date(cited: Citation) -> str:
    """ "2020/12/14/", with its slashes also where a part is missing; PY alone tells a bare year."""
    if not (cited.month or cited.season):
        return ""
    month = f"{cited.month:02}" if cited.month else ""
    day = f"{cited.day:02}" if cited.day else ""
    return f"{cited.year:04}/{month}/{day}/{cited.season}"
