"""Elements that journal articles and books share: people, dates, abstracts, identifiers, grants.

Each reader walks its element once, in document order, and tells parts apart by tag: looking parts
up by path costs five times as much. It walks a slice, `element[:]`: a list of all children costs
half of what lxml's iterator does. Dates and types, which many records share, are made once and then
handed out again; all values are immutable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from lxml.etree import _Element as Element

from grading.article import (
    Accession,
    Author,
    DatedEvent,
    Grant,
    PublicationType,
    Section,
)
from worker.dates import PubMedDate, date_of, date_of_text
from worker.parsed import number_in
from worker.xml_text import clean_term, term_of, text_of

Fields = dict[str, Any]  # of an Article in the making
Reader = Callable[[Element, Fields], None]

_SHARED = 1 << 12  # values kept of each kind
_ORCID = re.compile(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])")


def read_children(element: Element, readers: dict[str, Reader], fields: Fields) -> None:
    """Each child by the reader of its tag; a child without one says nothing we keep."""
    for part in element[:]:
        if reader := readers.get(part.tag):
            reader(part, fields)


def immutable(fields: Fields) -> Fields:
    """What was gathered in lists, as the tuples of a value."""
    for field, value in fields.items():
        if type(value) is list:
            fields[field] = tuple(value)
    return fields


def text_reader(field: str) -> Reader:
    """Keeps the text of an element, or None where it is empty, as this field."""

    def read(element: Element, fields: Fields) -> None:
        fields[field] = text_of(element) or None

    return read


def list_reader(field: str) -> Reader:
    """Adds the text of an element, if any, to the list that is this field."""

    def read(element: Element, fields: Fields) -> None:
        if text := term_of(element):
            fields.setdefault(field, []).append(text)

    return read


def texts_by_tag(element: Element) -> dict[str, str]:
    """The text of each child that has some, the first where a tag repeats."""
    texts: dict[str, str] = {}
    for part in element[:]:
        if part.tag not in texts and (text := term_of(part)):
            texts[part.tag] = text
    return texts


def pmid_of(element: Element | None) -> tuple[int, int]:
    """PMID and version. Raises ValueError without a PMID."""
    if element is None:
        raise ValueError("no PMID")
    text = (element.text or "").strip()
    pmid = number_in(text)
    if not pmid:
        raise ValueError(f"no PMID (found {text[:40]!r})" if text else "no PMID")
    return pmid, number_in(element.get("Version") or "") or 1


# --- dates ---------------------------------------------------------------------------------------


def date_parts(element: Element) -> tuple[str, str, str, str]:
    """Year, month, day and season as they stand; hours and minutes after the day do not count."""
    year = month = day = season = ""
    for part in element[:]:
        tag = part.tag
        if tag == "Year":
            year = part.text or ""
        elif tag == "Month":
            month = part.text or ""
        elif tag == "Day":
            day = part.text or ""
            break
        elif tag == "Season":
            season = part.text or ""
    return year, month, day, season


_cached_date = lru_cache(_SHARED)(date_of)
_cached_date_of_text = lru_cache(_SHARED)(date_of_text)


def read_event(element: Element, event: str, fields: Fields) -> str | None:
    """Adds the date to the record's events; the ISO date, or None where there is none."""
    moment = _cached_date(*date_parts(element))
    if moment is None:
        return None
    date, precision = moment
    fields["dates"].append(DatedEvent(event=event, date=date, precision=precision))
    return date


def read_published(element: Element, fields: Fields) -> None:
    """A PubDate: what it says, and where that begins."""
    said: dict[str, str] = {}
    for part in element[:]:
        if text := clean_term(part.text or ""):
            said[part.tag] = text
    free = said.get("MedlineDate")
    moment: PubMedDate | None
    if free:
        moment = _cached_date_of_text(free)
        text = free
    else:
        parts = [said.get(tag, "") for tag in ("Year", "Month", "Day", "Season")]
        moment = _cached_date(*parts)
        text = clean_term(" ".join((parts[0], parts[3], parts[1], parts[2])))
    fields["published_text"] = text or None
    if moment:
        fields["published"], fields["published_precision"] = moment


# --- text ----------------------------------------------------------------------------------------


def labelled(label: str | None, text: str) -> str:
    """The line of a section as it stands in `Article.abstract`."""
    return f"{label}: {text}" if label else text


def read_abstract(element: Element, fields: Fields) -> None:
    """Sections with their places in the abstract; an AbstractText without text is none."""
    lines: list[str] = []
    sections: list[Section] = []
    position = 0
    for part in element[:]:
        if part.tag == "CopyrightInformation":
            fields["copyright"] = text_of(part) or None
        if part.tag != "AbstractText":
            continue
        text = text_of(part)
        if not text:
            continue
        label = clean_term(part.get("Label") or "") or None
        category = part.get("NlmCategory")
        line = labelled(label, text)
        end = position + len(line)
        sections.append(
            Section(
                label=label,
                category=None if category == "UNASSIGNED" else category,
                text=text,
                start=position,
                end=end,
            )
        )
        lines.append(line)
        position = end + 1
    fields["abstract"] = "\n".join(lines)
    fields["sections"] = tuple(sections)


def read_pages(element: Element, fields: Fields) -> None:
    said = texts_by_tag(element)
    first_and_last = [page for tag in ("StartPage", "EndPage") if (page := said.get(tag))]
    fields["pages"] = said.get("MedlinePgn") or "-".join(first_and_last) or None


# --- people --------------------------------------------------------------------------------------

_PERSONS = frozenset({"Author", "Investigator", "PersonalNameSubject"})


def people_of(element: Element) -> tuple[Author, ...]:
    """Everyone in an AuthorList, InvestigatorList or PersonalNameSubjectList."""
    return tuple([_person(part) for part in element[:] if part.tag in _PERSONS])


def _person(element: Element) -> Author:
    last = fore = initials = suffix = collective = orcid = None
    affiliations: tuple[str, ...] = ()
    for part in element[:]:
        tag = part.tag
        if tag == "LastName":
            last = text_of(part)
        elif tag == "ForeName":
            fore = text_of(part)
        elif tag == "Initials":
            initials = text_of(part)
        elif tag == "AffiliationInfo":
            for line in part[:]:
                if line.tag == "Affiliation":
                    affiliations += _said(line)
                elif line.tag == "Identifier":
                    orcid = _orcid_of(line) or orcid
        elif tag == "Identifier":
            orcid = _orcid_of(part) or orcid
        elif tag == "Suffix":
            suffix = text_of(part)
        elif tag == "CollectiveName":
            collective = text_of(part)
        elif tag == "Affiliation":  # where it stood before 2015
            affiliations += _said(part)
    return Author(
        name=collective or _full_name(fore or initials, last, suffix),
        last_name=last or None,
        fore_name=fore or None,
        initials=initials or None,
        suffix=suffix or None,
        collective=bool(collective),
        orcid=orcid,
        affiliations=affiliations,
        valid=element.get("ValidYN") != "N",
    )


def _said(element: Element) -> tuple[str, ...]:
    text = text_of(element)
    return (text,) if text else ()


def _orcid_of(identifier: Element) -> str | None:
    if identifier.get("Source") != "ORCID":
        return None
    found = _ORCID.search(identifier.text or "")
    return "-".join(found.groups()).upper() if found else None


def _full_name(given: str | None, last: str | None, suffix: str | None) -> str:
    name = f"{given} {last}" if given and last else given or last or ""
    return f"{name} {suffix}".lstrip() if suffix else name


# --- identifiers, types, grants ------------------------------------------------------------------


def own_ids(element: Element) -> Iterator[tuple[str, str]]:
    """Kind and value of the ids that are direct children: deeper ones belong to cited papers."""
    for item in element[:]:
        if item.tag == "ArticleId" and (value := text_of(item)):
            yield item.get("IdType") or "pubmed", value


def add_id(bank: str, value: str, fields: Fields) -> None:
    fields["other_ids"].append(Accession(bank=bank, id=value))


@lru_cache(_SHARED)
def _publication_type(name: str, ui: str | None) -> PublicationType:
    return PublicationType(name=as_nlm_writes(name), ui=ui)


def as_nlm_writes(name: str) -> str:
    """A publication type in capitals ("JOURNAL ARTICLE") as NLM writes it today."""
    return name.title().replace("'S", "'s") if name.isupper() and len(name) > 4 else name


def publication_type_of(element: Element) -> PublicationType | None:
    name = term_of(element)
    return _publication_type(name, element.get("UI") or None) if name else None


def read_grants(element: Element, fields: Fields) -> None:
    grants: list[Grant] = []
    for grant in element[:]:
        said = texts_by_tag(grant)
        grants.append(
            Grant(
                number=said.get("GrantID"),
                acronym=said.get("Acronym"),
                agency=said.get("Agency"),
                country=said.get("Country"),
            )
        )
    fields["grants"] = tuple(grants)


def read_pubmed_data(element: Element, fields: Fields) -> None:
    """PubmedData or PubmedBookData: history, own ids, references."""
    read_children(element, _PUBMED_DATA, fields)


def _read_history(element: Element, fields: Fields) -> None:
    for item in element[:]:
        event = (item.get("PubStatus") or "unknown").lower()
        date = read_event(item, event, fields)
        if date and (event == "pubmed" or (event == "entrez" and "entered" not in fields)):
            fields["entered"] = date


def _read_ids(element: Element, fields: Fields) -> None:
    for kind, value in own_ids(element):
        if kind == "doi":
            fields["doi"] = value
        elif kind == "pmc":
            fields["pmcid"] = value
        elif kind != "pubmed":
            add_id(kind, value, fields)


def read_references(element: Element, fields: Fields) -> None:
    """PMIDs of cited papers, also where lists stand within lists, and how many papers there are."""
    cited: list[int] = fields["references"]
    for item in element.iter("ArticleId"):
        if item.get("IdType") == "pubmed":
            pmid = number_in((item.text or "").strip())
            if pmid is not None:
                cited.append(pmid)
    fields["listed"] += len(list(element.iter("Reference")))


def count_references(fields: Fields) -> None:
    """What NLM counted, else how many papers are listed: there may be several lists."""
    if listed := fields.pop("listed"):
        fields.setdefault("reference_count", listed)


_PUBMED_DATA: dict[str, Reader] = {
    "History": _read_history,
    "PublicationStatus": text_reader("publication_status"),
    "ArticleIdList": _read_ids,
    "ReferenceList": read_references,
}
