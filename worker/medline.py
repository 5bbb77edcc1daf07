"""MEDLINE text (PubMed's "PubMed" and nbib formats) to `Article`.

Tags: https://pubmed.ncbi.nlm.nih.gov/help/#pubmed-format. Older exports pad tags differently, print
publication types in capitals and put prose before the first record; all of that is read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import BinaryIO

from grading import Article
from grading.article import (
    Accession,
    Author,
    Book,
    Correction,
    DatedEvent,
    Grant,
    MeshHeading,
    OtherAbstract,
    PublicationType,
    Qualifier,
    RegistryId,
    Section,
)
from worker.dates import date_of_text
from worker.errors import SourceError
from worker.parsed import MalformedRecord, Parsed, ParsedArticle, number_in
from worker.registries import REGISTRIES

_TAG = re.compile(r"^([A-Z][A-Z0-9]{1,3}) {0,2}- ?(.*)$")
_RELATIONS = {
    "CIN": "CommentIn",
    "CON": "CommentOn",
    "EIN": "ErratumIn",
    "EFR": "ErratumFor",
    "RIN": "RetractionIn",
    "ROF": "RetractionOf",
    "ECI": "ExpressionOfConcernIn",
    "ECF": "ExpressionOfConcernFor",
    "UIN": "UpdateIn",
    "UOF": "UpdateOf",
    "CRI": "CorrectedandRepublishedIn",
    "CRF": "CorrectedandRepublishedFrom",
    "RRI": "RetractedandRepublishedIn",
    "RRF": "RetractedandRepublishedFrom",
    "RPI": "RepublishedIn",
    "RPF": "RepublishedFrom",
    "SPIN": "SummaryForPatientsIn",
    "ORI": "OriginalReportIn",
}
_EVENTS = {"DCOM": "completed", "LR": "revised", "DA": "created", "DEP": "electronic"}
_HISTORY = {"CRDT": "entrez", "EDAT": "pubmed", "MHDA": "medline"}
_LABEL = re.compile(
    r"(?:^|(?<=[.?!)] ))((?:[A-Z][A-Z/&,() -]{2,60}|Background|Objectives?|Methods?|Results?|Conclusions?"
    r"|Purpose|Aims?|Introduction|Design|Setting|Participants|Interventions?|Findings)): "
)


def read_medline(stream: BinaryIO, *, name: str = "") -> Iterator[Parsed]:
    """Every record of `stream`, in order. Raises `SourceError` when it holds none at all."""
    lines: list[str] = []
    found = False
    for raw in stream:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("PMID") and _TAG.match(line):
            if lines:
                yield _read(lines)
            lines, found = [line], True
        elif lines:
            if line or len(lines) == 1:
                lines.append(line)
            else:
                yield _read(lines)
                lines = []
    if lines:
        yield _read(lines)
    if not found:
        where = f"{name}: " if name else ""
        raise SourceError(f"{where}holds no MEDLINE record: none of its lines begins with PMID-.")


def _read(lines: list[str]) -> Parsed:
    raw = "\n".join(lines).encode()
    try:
        return ParsedArticle(_article(lines), raw, "medline")
    except ValueError as error:
        number = re.match(r"PMID *- *(\d+)", lines[0])
        return MalformedRecord(raw, str(error), int(number[1]) if number else None)


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for line in lines:
        found = _TAG.match(line)
        if found:
            fields.append((found[1], found[2].strip()))
        elif fields:
            tag, text = fields[-1]
            fields[-1] = (tag, f"{text} {line.strip()}".strip())
    return fields


def _article(lines: list[str]) -> Article:
    fields = _fields(lines)
    by: dict[str, list[str]] = defaultdict(list)
    for tag, text in fields:
        by[tag].append(text)

    def first(tag: str) -> str | None:
        return by[tag][0] if by[tag] and by[tag][0] else None

    pmid = number_in(first("PMID") or "")
    if not pmid:
        raise ValueError(f"no PMID (found {(first('PMID') or '')[:40]!r})")
    abstract, sections = _abstract(first("AB") or "")
    published = date_of_text(first("DP") or "")
    events: list[DatedEvent] = []
    dated: dict[str, str] = {}
    for tags in (_EVENTS, _HISTORY):
        for tag, event in tags.items():
            for text in by[tag]:
                moment = _compact_date(text)
                if moment:
                    events.append(DatedEvent(event=event, date=moment, precision="day"))
                    dated.setdefault(tag, moment)
    for text in by["PHST"]:
        moment = _compact_date(text)
        named = re.search(r"\[(\w+)\]", text)
        if moment and named:
            events.append(DatedEvent(event=named[1].lower(), date=moment, precision="day"))
    ids, registry, accessions = _identifiers(by)
    status = first("STAT")
    issn = re.match(r"\d{4}-\d{3}[\dX]", first("IS") or "")
    plain: list[OtherAbstract] = []
    other: list[OtherAbstract] = []
    for text in by["OAB"]:
        item = OtherAbstract(type="Publisher", text=text)
        (plain if "plain language" in text[:60].lower() else other).append(item)
    return Article(
        pmid=pmid,
        title=first("TI") or first("BTI") or "",
        vernacular_title=first("TT"),
        abstract=abstract,
        sections=sections,
        other_abstracts=tuple(other),
        plain_language_summaries=tuple(plain),
        languages=tuple(by["LA"]),
        journal=first("JT") or first("TA"),
        journal_abbreviation=first("TA"),
        issn=issn[0] if issn else None,
        nlm_id=first("JID"),
        country=first("PL"),
        volume=first("VI"),
        issue=first("IP"),
        pages=first("PG"),
        book=Book(title=first("BTI"), publisher=first("PB"), isbn=tuple(by["ISBN"]))
        if by["BTI"]
        else None,
        published=published.date if published else None,
        published_precision=published.precision if published else None,
        published_text=first("DP"),
        entered=dated.get("EDAT") or dated.get("CRDT") or dated.get("DA"),
        completed=dated.get("DCOM"),
        revised=dated.get("LR"),
        dates=tuple(events),
        publication_status=first("PST"),
        authors=tuple(_authors(fields)),
        personal_name_subjects=tuple(_person(text) for text in by["FPS"] or by["PS"]),
        investigators=tuple(_person(text) for text in by["FIR"] or by["IR"]),
        doi=ids.get("doi"),
        pmcid=(first("PMC") or "").split()[0] if first("PMC") else None,
        other_ids=tuple(Accession(bank=k, id=v) for k, v in ids.items() if k != "doi"),
        registry_ids=registry,
        accessions=accessions,
        publication_types=tuple(publication_type(text) for text in by["PT"] if text),
        mesh=tuple(heading(text) for text in by["MH"] if text),
        keywords=tuple(text.lstrip("*") for text in by["OT"]),
        grants=tuple(_grant(text) for text in by["GR"]),
        gene_symbols=tuple(by["GS"]),
        comments_corrections=tuple(
            _correction(relation, text) for tag, relation in _RELATIONS.items() for text in by[tag]
        ),
        reference_count=number_in(first("RF") or ""),
        subsets=tuple(by["SB"]),
        notes=tuple(by["GN"]),
        coi_statement=first("COIS"),
        copyright=first("CI"),
        status=_STATUS.get(status.lower(), status) if status else None,
        owner=first("OWN"),
    )


_STATUS = {
    "medline": "MEDLINE",
    "publisher": "Publisher",
    "in-process": "In-Process",
    "in-data-review": "In-Data-Review",
    "pubmed-not-medline": "PubMed-not-MEDLINE",
    "oldmedline": "OLDMEDLINE",
}


def _compact_date(text: str) -> str | None:
    found = re.search(r"(\d{4})[/-]?(\d{2})[/-]?(\d{2})", text)
    return f"{found[1]}-{found[2]}-{found[3]}" if found else None


def _abstract(text: str) -> tuple[str, tuple[Section, ...]]:
    """Labels stand in the text; where at least two do, its lines are taken apart again."""
    labels = list(_LABEL.finditer(text))
    if len(labels) < 2 or labels[0].start() > 0:
        return text, (Section(text=text, start=0, end=len(text)),) if text else ()
    lines, sections, position = [], [], 0
    for number, label in enumerate(labels):
        stop = labels[number + 1].start() if number + 1 < len(labels) else len(text)
        content = text[label.end() : stop].strip()
        line = f"{label[1]}: {content}"
        sections.append(
            Section(label=label[1], text=content, start=position, end=position + len(line))
        )
        lines.append(line)
        position += len(line) + 1
    return "\n".join(lines), tuple(sections)


def _person(text: str) -> Author:
    last, _, fore = text.partition(", ")
    return Author(name=f"{fore} {last}".strip(), last_name=last or None, fore_name=fore or None)


def _authors(fields: list[tuple[str, str]]) -> Iterator[Author]:
    full = any(tag == "FAU" for tag, _ in fields)
    pending: dict[str, object] | None = None
    affiliations: list[str] = []

    def close() -> Iterator[Author]:
        if pending is not None:
            yield Author(**pending, affiliations=tuple(affiliations))  # type: ignore[arg-type]

    for tag, text in fields:
        if tag == ("FAU" if full else "AU") and text:
            yield from close()
            affiliations = []
            last, _, fore = text.partition(", ")
            if full:
                pending = {
                    "name": f"{fore} {last}".strip(),
                    "last_name": last,
                    "fore_name": fore or None,
                }
            else:
                last, _, initials = text.rpartition(" ")
                pending = {
                    "name": text,
                    "last_name": last or text,
                    "initials": initials if last else None,
                }
        elif tag == "AU" and pending is not None:
            pending["initials"] = text.rpartition(" ")[2] or None
        elif tag == "CN" and text:
            yield from close()
            affiliations = []
            pending = {"name": text, "collective": True}
        elif tag == "AD" and pending is not None:
            affiliations.append(text)
        elif tag == "AUID" and pending is not None:
            found = re.search(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dX])", text)
            if found:
                pending["orcid"] = "-".join(found.groups())
    yield from close()


def publication_type(text: str) -> PublicationType:
    """Of "Randomized Controlled Trial", or of "JOURNAL ARTICLE"."""
    return PublicationType(name=text.title() if text.isupper() else text)


def heading(text: str) -> MeshHeading:
    """Of "*Gout/diagnosis/*drug therapy": an asterisk marks a major topic."""
    name, *qualifiers = text.split("/")
    return MeshHeading(
        name=name.lstrip("*"),
        major=name.startswith("*"),
        qualifiers=tuple(
            Qualifier(name=q.lstrip("*"), major=q.startswith("*")) for q in qualifiers
        ),
    )


def _grant(text: str) -> Grant:
    parts = text.split("/")
    return Grant(
        number=parts[0] or None,
        acronym=parts[1] if len(parts) > 3 else None,
        agency=parts[-2] if len(parts) > 2 else parts[-1] if len(parts) > 1 else None,
        country=parts[-1] if len(parts) > 2 else None,
    )


def _correction(relation: str, text: str) -> Correction:
    pmid = re.search(r"PMID: *(\d+)", text)
    return Correction(
        relation=relation,
        direction="in" if relation.endswith("In") else "out",
        pmid=number_in(pmid[1]) if pmid else None,
        source=re.sub(r"\s*PMID: *\d+.*", "", text) or None,
    )


def _identifiers(
    by: dict[str, list[str]],
) -> tuple[dict[str, str], tuple[RegistryId, ...], tuple[Accession, ...]]:
    ids: dict[str, str] = {}
    for text in (*by["LID"], *by["AID"]):
        found = re.match(r"(\S.*?)\s*\[(\w+)\]$", text)
        if found:
            ids.setdefault(found[2], found[1])
    registry, accessions = [], []
    for text in by["SI"]:
        bank, _, number = text.partition("/")
        if bank in REGISTRIES:
            registry.append(RegistryId(registry=bank, id=number))
        else:
            accessions.append(Accession(bank=bank, id=number))
    return ids, tuple(registry), tuple(accessions)
