"""Citations as CSL-JSON (schema 1.0.2 of citationstyles.org), for pandoc, citeproc and Zotero."""

from __future__ import annotations

from typing import Any, Final

from storage.citations import Citation, Name

_TYPES: Final = {
    "article": "article-journal", "preprint": "article", "chapter": "chapter", "book": "book",
}  # fmt: skip
_SEASONS: Final = {"Spring": 1, "Summer": 2, "Autumn": 3, "Winter": 4}
_STATUSES: Final = {"RETRACTED": "retracted", "WITHDRAWN": "withdrawn"}


def csl_item(cited: Citation) -> dict[str, Any]:
    """One item, without the keys of which the record tells nothing."""
    preprint = cited.kind == "preprint"
    pages = filter(None, (cited.first_page, cited.last_page))
    statuses = [_STATUSES[warning] for warning in cited.warnings if warning in _STATUSES]
    item = {
        "id": cited.key,
        "type": _TYPES[cited.kind],
        "title": cited.title,
        "author": list(map(_name, cited.authors)),
        "editor": list(map(_name, cited.editors)),
        "issued": _date(cited),
        "container-title": "" if preprint else cited.container,
        "container-title-short": cited.abbreviation,
        "collection-title": cited.series,
        "volume": cited.volume,
        "issue": cited.issue,
        "page": "-".join(pages),
        "edition": cited.edition,
        "publisher": cited.container if preprint else cited.publisher,
        "publisher-place": cited.place,
        "genre": "Preprint" if preprint else "",
        "status": ", ".join(statuses),
        "ISSN": cited.issn,
        "ISBN": " ".join(cited.isbn),
        "DOI": cited.doi,
        "PMID": cited.pmid,
        "PMCID": cited.pmcid,
        "URL": cited.url,
        "source": "PubMed",
        "language": cited.languages[0] if cited.languages else "",
        "keyword": "; ".join(cited.keywords),
        "abstract": cited.abstract,
        "note": "\n".join([*cited.warnings, cited.grade]),
    }
    return {key: value for key, value in item.items() if value}


def _name(name: Name) -> dict[str, str]:
    return {key: value for key, value in name._asdict().items() if value}


def _date(cited: Citation) -> dict[str, Any]:
    if not cited.year:
        return {}
    parts = [part for part in (cited.year, cited.month, cited.day) if part]
    season = {"season": _SEASONS[cited.season]} if cited.season else {}
    return {"date-parts": [parts], **season}
