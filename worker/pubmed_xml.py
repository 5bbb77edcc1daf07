"""PubMed XML to `Article`, one record at a time.

The stream is cut at record boundaries and each record is parsed by itself, so that a malformed
record costs only itself and memory does not grow with the file. Element reference:
https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html and the PubMed DTD of 2025.
"""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec
from lxml import etree

from grading import Article
from grading.article import (
    Accession,
    Author,
    Book,
    Chemical,
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
from worker.dates import PubMedDate, date_of, date_of_text
from worker.errors import SourceError
from worker.parsed import DeletedCitations, MalformedRecord, Parsed, ParsedArticle

CHUNK = 1 << 18  # bytes read at a time
LONGEST_RECORD = 64 << 20  # bytes; a longer "record" is a file without record ends

_START = re.compile(
    rb"<(PubmedArticle|PubmedBookArticle|MedlineCitation|DeleteCitation|DeleteDocument)(?=[\s>/])"
)
_ROOT = re.compile(
    rb"<(PubmedArticleSet|PubmedBookArticleSet|MedlineCitationSet|PubmedArticleList)(?=[\s>/])"
)
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
_PMID = re.compile(rb"<PMID\b[^>]*>\s*(\d+)\s*</PMID>")
_ERROR = re.compile(rb"<ERROR>(.*?)</ERROR>", re.DOTALL | re.IGNORECASE)
_ESCAPED_TWICE = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")

_SCRIPT = "0123456789+-−=()"
_SUPERSCRIPT = str.maketrans(_SCRIPT, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾")
_SUBSCRIPT = str.maketrans(_SCRIPT, "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SCRIPT_SET = frozenset(_SCRIPT)

# DataBankName values that are trial registries (NLM's list of accession number sources).
REGISTRIES = frozenset(
    [
        "ClinicalTrials.gov",
        "ISRCTN",
        "EudraCT",
        "EUCTR",
        "CTIS",
        "ANZCTR",
        "CTRI",
        "ChiCTR",
        "DRKS",
        "IRCT",
        "JapicCTI",
        "JMACCT",
        "JPRN",
        "jRCT",
        "KCT",
        "CRiS",
        "NTR",
        "LTR",
        "NL-OMON",
        "PACTR",
        "RBR",
        "ReBec",
        "REBEC",
        "RPCEC",
        "SLCTR",
        "TCTR",
        "UMIN",
        "PER",
        "REPEC",
        "PHRR",
        "REFCTRI",
    ]
) | {"UMIN CTR", "JPRN-UMIN", "NTR (Dutch)", "UMIN-CTR"}

_ORCID = re.compile(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])")


# --- cutting the stream --------------------------------------------------------------------------


def read_pubmed_xml(stream: BinaryIO, *, name: str = "") -> Iterator[Parsed]:
    """Every record of `stream`, in order; a bad one as `MalformedRecord` with its bytes.

    Raises `SourceError` where the stream itself is at fault: empty, no PubMed XML, an error page,
    entity declarations, cut short. What came before has then been yielded.
    """
    where = f"{name}: " if name else ""
    reader = _utf8_reader(stream, where)
    buffer = next(reader, b"")
    if not buffer.strip():
        raise SourceError(f"{where}is empty: expected PubMed XML. Fetch or download it again.")
    head = buffer.lstrip()
    if not head.startswith(b"<"):
        raise SourceError(f"{where}is not PubMed XML: it begins with {_shown(head)}.")
    root: bytes | None = None
    records = 0
    done = False
    position = 0
    checked = 0  # gap text before this was looked at
    while True:
        start = _START.search(buffer, position)
        if start is None:
            gap = buffer[checked:]
            root = root or _root_of(gap, where)
            _refuse(gap, where)
            if done:
                break
            keep = max(checked, len(buffer) - 4096) if root else checked
            buffer, position, checked = buffer[keep:], 0, 0
            more = next(reader, None)
            if more is None:
                done = True
            else:
                buffer += more
            continue
        gap = buffer[checked : start.start()]
        root = root or _root_of(gap, where)
        _refuse(gap, where)
        end = _record_end(buffer, start)
        while end is None and not done:
            if len(buffer) - start.start() > LONGEST_RECORD:
                raise SourceError(f"{where}holds a record of more than 64 MB: not PubMed XML.")
            more = next(reader, None)
            if more is None:
                done = True
            else:
                resume = len(buffer) - 64
                buffer += more
                end = _record_end(buffer, start, resume)
        if end is None:
            raise SourceError(
                f"{where}is cut short inside record {records + 1}"
                f"{_of_pmid(buffer[start.start() :])}: download it again. "
                f"The {records} records before it were read."
            )
        yield from _read_record(buffer[start.start() : end], start[1])
        records += 1
        if end > CHUNK:
            buffer, end = buffer[end:], 0
        position = checked = end
    tail = buffer[checked:]
    closed = root is None or b"</" + root in tail or re.search(rb"<" + root + rb"[^>]*/>", tail)
    if root is None and records == 0:
        raise SourceError(f"{where}is not PubMed XML: it begins with {_shown(head)}.")
    if not closed:
        raise SourceError(
            f"{where}is cut short after {records} records (no </{root.decode() if root else ''}>): "
            "download it again."
        )


def _utf8_reader(stream: BinaryIO, where: str) -> Iterator[bytes]:
    """Chunks of the stream as UTF-8, without a byte order mark."""
    first = stream.read(CHUNK)
    declared = _ENCODING.match(first.removeprefix(b"\xef\xbb\xbf")[:400])
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    if encoding.replace("_", "-") in ("utf-8", "utf8", "us-ascii", "ascii"):
        yield first.removeprefix(b"\xef\xbb\xbf")
        while chunk := stream.read(CHUNK):
            yield chunk
        return
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        yield decoder.decode(first).encode()
        while chunk := stream.read(CHUNK):
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except (LookupError, UnicodeDecodeError) as error:
        raise SourceError(f"{where}cannot be read as {encoding}: {error}") from None


def _root_of(gap: bytes, where: str) -> bytes | None:
    found = _ROOT.search(gap)
    return found[1] if found else None


def _refuse(gap: bytes, where: str) -> None:
    """What stands outside records must be harmless."""
    if b"<!ENTITY" in gap or re.search(rb"<!DOCTYPE[^>\[]*\[", gap):
        raise SourceError(
            f"{where}declares XML entities, which PubMed never does: refused. "
            "Download it again from NLM."
        )
    if error := _ERROR.search(gap):
        said = " ".join(error[1].decode("utf-8", "replace").split())
        raise SourceError(f"{where}holds an error instead of records: {said[:300]}")
    if re.search(rb"<html\b|<!doctype html", gap[:2000], re.IGNORECASE):
        raise SourceError(f"{where}is a web page (HTML), not PubMed XML. Download it again.")


def _record_end(buffer: bytes, start: re.Match[bytes], resume: int = 0) -> int | None:
    """Where the record ends, or where the next one starts if this one was never closed."""
    tag = b"</" + start[1] + b">"
    position = max(start.end(), resume)
    while True:
        end = buffer.find(tag, position)
        if end < 0:
            break
        end += len(tag)
        record = buffer[start.start() : end]
        if _open_section(record):
            position = end
            continue
        lost = re.search(rb"<" + start[1] + rb"(?=[\s>])", record[len(tag) :])
        if lost and not _open_section(record[: len(tag) + lost.start()]):
            return start.start() + len(tag) + lost.start()
        return end
    return None


def _open_section(record: bytes) -> bool:
    """Whether the last byte stands inside CDATA or a comment."""
    return record.rfind(b"<![CDATA[") > record.rfind(b"]]>") or record.rfind(
        b"<!--"
    ) > record.rfind(b"-->")


def _read_record(raw: bytes, tag: bytes) -> Iterator[Parsed]:
    try:
        if tag in (b"DeleteCitation", b"DeleteDocument"):
            yield DeletedCitations(tuple(int(pmid) for pmid in _PMID.findall(raw)))
        else:
            yield ParsedArticle(parse_article(raw), raw, "xml")
    except (etree.XMLSyntaxError, ValueError) as error:
        found = _PMID.search(raw)
        yield MalformedRecord(raw, str(error), int(found[1]) if found else None)


def _of_pmid(raw: bytes) -> str:
    found = _PMID.search(raw)
    return f" (PMID {int(found[1])})" if found else ""


def _shown(head: bytes) -> str:
    return repr(head[:40].decode("utf-8", "replace"))


# --- text ----------------------------------------------------------------------------------------


def _clean(text: str) -> str:
    """Whitespace to single spaces, NFC, entities that were escaped twice read once more."""
    if "&" in text:
        text = _ESCAPED_TWICE.sub(lambda found: html.unescape(found[0]), text)
    text = " ".join(text.split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def text_of(element: etree._Element) -> str:
    """All text of an element, inline markup joined without adding spaces."""
    if len(element) == 0:
        return _clean(element.text or "")
    return _clean(_joined(element))


def _joined(element: etree._Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            name = child.tag.rpartition("}")[2].rpartition(":")[2]
            match name:
                case "sup":
                    parts.append(_script(_joined(child), _SUPERSCRIPT))
                case "sub":
                    parts.append(_script(_joined(child), _SUBSCRIPT))
                case "math":
                    parts.append(_math(child))
                case _:
                    parts.append(_joined(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _script(text: str, table: dict[int, int]) -> str:
    bare = text.strip()
    return (
        text.replace(bare, bare.translate(table)) if bare and _SCRIPT_SET.issuperset(bare) else text
    )


def _math(element: etree._Element) -> str:
    """MathML as one run of readable text: the line breaks of its source mean nothing."""
    name = element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""
    children = [child for child in element if isinstance(child.tag, str)]
    if name in ("msup", "msub") and len(children) == 2:
        table = _SUPERSCRIPT if name == "msup" else _SUBSCRIPT
        return _math(children[0]) + _script(_math(children[1]), table)
    if name == "msubsup" and len(children) == 3:
        base, low, high = (_math(child) for child in children)
        return base + _script(low, _SUBSCRIPT) + _script(high, _SUPERSCRIPT)
    if name == "mfrac" and len(children) == 2:
        return "/".join(_math(child) for child in children)
    return (element.text or "").strip() + "".join(_math(child) for child in children)


def _text_at(parent: etree._Element | None, path: str) -> str | None:
    found = parent.find(path) if parent is not None else None
    return (text_of(found) or None) if found is not None else None


# --- one record ----------------------------------------------------------------------------------


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def parse_article(xml: bytes) -> Article:
    """One PubmedArticle, PubmedBookArticle or MedlineCitation element.

    Raises ValueError (lxml's syntax error is one kind) where it is not such an element or has no
    PMID. Undeclared or declared entities are refused, never expanded.
    """
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise ValueError("declares XML entities, which a PubMed record never does: refused")
    try:
        root = etree.fromstring(xml, _parser())
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not well-formed XML: {error}") from None
    match root.tag:
        case "PubmedArticle":
            citation = root.find("MedlineCitation")
            if citation is None:
                raise ValueError("PubmedArticle without MedlineCitation")
            return _from_citation(citation, root.find("PubmedData"))
        case "MedlineCitation":
            return _from_citation(root, None)
        case "PubmedBookArticle":
            return _from_book(root)
    raise ValueError(f"element {root.tag} is no PubMed record")


def _pmid(element: etree._Element | None) -> tuple[int, int]:
    text = (element.text or "").strip() if element is not None else ""
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"no PMID (found {text!r})" if text else "no PMID")
    version = (element.get("Version") or "1") if element is not None else "1"
    return int(text), int(version) if version.isdigit() else 1


def _from_citation(citation: etree._Element, data: etree._Element | None) -> Article:
    pmid, version = _pmid(citation.find("PMID"))
    values: dict[str, object] = {"pmid": pmid, "version": version}
    values["status"] = citation.get("Status")
    values["indexing_method"] = citation.get("IndexingMethod")
    values["owner"] = citation.get("Owner")
    events: list[DatedEvent] = []
    other: list[OtherAbstract] = []
    plain: list[OtherAbstract] = []
    mesh: list[MeshHeading] = []
    chemicals: list[Chemical] = []
    supplementary: list[Chemical] = []
    keywords: list[str] = []
    subsets: list[str] = []
    notes: list[str] = []
    ids: list[Accession] = []
    corrections: list[Correction] = []
    for part in citation:
        match part.tag:
            case "DateCompleted" | "DateRevised" | "DateCreated":
                if moment := _date(part):
                    event = part.tag[4:].lower()
                    events.append(_event(event, moment))
                    if event != "created":
                        values[event] = moment.date
            case "Article":
                _read_article(part, values, events)
            case "MedlineJournalInfo":
                values["country"] = _text_at(part, "Country")
                values["nlm_id"] = _text_at(part, "NlmUniqueID")
                values.setdefault("journal_abbreviation", _text_at(part, "MedlineTA"))
                values.setdefault("issn", _text_at(part, "ISSNLinking"))
            case "ChemicalList":
                chemicals += [_chemical(c.find("NameOfSubstance"), c) for c in part]
            case "SupplMeshList":
                supplementary += [_chemical(name, None) for name in part]
            case "CitationSubset":
                subsets.append(text_of(part))
            case "CommentsCorrectionsList":
                corrections += [_correction(item) for item in part]
            case "GeneSymbolList":
                values["gene_symbols"] = tuple(text_of(symbol) for symbol in part)
            case "MeshHeadingList":
                mesh += [_heading(item) for item in part]
            case "NumberOfReferences":
                count = text_of(part)
                values["reference_count"] = int(count) if count.isdigit() else None
            case "PersonalNameSubjectList":
                values["personal_name_subjects"] = tuple(_author(person) for person in part)
            case "InvestigatorList":
                values["investigators"] = tuple(_author(person) for person in part)
            case "OtherID":
                ids.append(Accession(bank=part.get("Source") or "OtherID", id=text_of(part)))
            case "OtherAbstract":
                text = "\n".join(
                    line
                    for section in part.findall("AbstractText")
                    if (line := _labelled(section.get("Label"), text_of(section)))
                )
                kind = part.get("Type")
                item = OtherAbstract(language=part.get("Language"), type=kind, text=text)
                (plain if (kind or "").lower() == "plain-language-summary" else other).append(item)
            case "KeywordList":
                keywords += [word for keyword in part if (word := text_of(keyword))]
            case "CoiStatement":
                values["coi_statement"] = text_of(part) or None
            case "GeneralNote":
                notes.append(text_of(part))
    if data is not None:
        _read_pubmed_data(data, values, events, ids)
    values.setdefault("entered", next((e.date for e in events if e.event == "created"), None))
    values.update(
        other_abstracts=tuple(other),
        plain_language_summaries=tuple(plain),
        mesh=tuple(mesh),
        chemicals=tuple(chemicals),
        supplementary_concepts=tuple(supplementary),
        keywords=tuple(keywords),
        subsets=tuple(subsets),
        notes=tuple(notes),
        other_ids=tuple(ids),
        comments_corrections=tuple(corrections),
        dates=tuple(events),
    )
    return Article(**values)  # type: ignore[arg-type]


def _read_article(
    element: etree._Element, values: dict[str, object], events: list[DatedEvent]
) -> None:
    languages: list[str] = []
    for part in element:
        match part.tag:
            case "Journal":
                _read_journal(part, values)
            case "ArticleTitle":
                values["title"] = text_of(part)
            case "VernacularTitle":
                values["vernacular_title"] = text_of(part) or None
            case "Pagination":
                values["pages"] = _text_at(part, "MedlinePgn") or _pages(part)
            case "ELocationID":
                if part.get("EIdType") == "doi" and part.get("ValidYN", "Y") == "Y":
                    values.setdefault("doi", text_of(part) or None)
            case "Abstract":
                values.update(_abstract(part))
            case "AuthorList":
                authors = [_author(a) for a in part if a.tag == "Author"]
                values["authors_complete"] = part.get("CompleteYN", "Y") == "Y"
                # Before 2014 one affiliation stood after the list, for the first author.
                affiliation = _text_at(element, "Affiliation")
                if affiliation and authors and not authors[0].affiliations:
                    authors[0] = msgspec.structs.replace(authors[0], affiliations=(affiliation,))
                values["authors"] = tuple(authors)
            case "Language":
                languages.append(text_of(part))
            case "DataBankList":
                _read_data_banks(part, values)
            case "GrantList":
                values["grants"] = tuple(
                    Grant(
                        number=_text_at(grant, "GrantID"),
                        acronym=_text_at(grant, "Acronym"),
                        agency=_text_at(grant, "Agency"),
                        country=_text_at(grant, "Country"),
                    )
                    for grant in part
                )
            case "PublicationTypeList":
                values["publication_types"] = _publication_types(part)
            case "ArticleDate":
                if moment := _date(part):
                    events.append(_event((part.get("DateType") or "Electronic").lower(), moment))
    values["languages"] = tuple(languages)


def _read_journal(element: etree._Element, values: dict[str, object]) -> None:
    values["issn"] = _text_at(element, "ISSN")
    values["journal"] = _text_at(element, "Title")
    values["journal_abbreviation"] = _text_at(element, "ISOAbbreviation")
    if values["journal_abbreviation"] is None:
        del values["journal_abbreviation"]
    if values["issn"] is None:
        del values["issn"]
    issue = element.find("JournalIssue")
    if issue is not None:
        values["volume"] = _text_at(issue, "Volume")
        values["issue"] = _text_at(issue, "Issue")
        _read_published(issue.find("PubDate"), values)


def _read_published(element: etree._Element | None, values: dict[str, object]) -> None:
    if element is None:
        return
    free = _text_at(element, "MedlineDate")
    moment = date_of_text(free) if free else _date(element)
    values["published_text"] = free or (
        " ".join(
            text for name in ("Year", "Season", "Month", "Day") if (text := _text_at(element, name))
        )
        or None
    )
    if moment:
        values["published"], values["published_precision"] = moment


def _date(element: etree._Element) -> PubMedDate | None:
    part: Callable[[str], str] = lambda name: element.findtext(name) or ""  # noqa: E731
    return date_of(part("Year"), part("Month"), part("Day"), part("Season"))


def _event(event: str, moment: PubMedDate) -> DatedEvent:
    return DatedEvent(event=event, date=moment.date, precision=moment.precision)


def _pages(element: etree._Element) -> str | None:
    pages = [_text_at(element, "StartPage"), _text_at(element, "EndPage")]
    return "-".join(page for page in pages if page) or None


def _labelled(label: str | None, text: str) -> str:
    label = _clean(label) if label else ""
    return f"{label}: {text}".strip() if label else text


def _abstract(element: etree._Element) -> dict[str, object]:
    lines: list[str] = []
    sections: list[Section] = []
    position = 0
    for part in element.iterfind("AbstractText"):
        text = text_of(part)
        label = _clean(part.get("Label") or "") or None
        if not text:
            continue
        line = _labelled(label, text)
        category = part.get("NlmCategory")
        sections.append(
            Section(
                label=label,
                category=None if category in (None, "UNASSIGNED") else category,
                text=text,
                start=position,
                end=position + len(line),
            )
        )
        lines.append(line)
        position += len(line) + 1
    return {
        "abstract": "\n".join(lines),
        "sections": tuple(sections),
        "copyright": _text_at(element, "CopyrightInformation"),
    }


def _author(element: etree._Element) -> Author:
    orcid = None
    affiliations: list[str] = []
    names: dict[str, str] = {}
    for part in element:
        match part.tag:
            case "Identifier":
                found = _ORCID.search(part.text or "")
                if part.get("Source") == "ORCID" and found:
                    orcid = "-".join(found.groups()).upper()
            case "AffiliationInfo":
                affiliations += [text for a in part.iterfind("Affiliation") if (text := text_of(a))]
            case "Affiliation":
                affiliations.append(text_of(part))
            case _:
                names[part.tag] = text_of(part)
    collective = names.get("CollectiveName")
    person = " ".join(names[key] for key in ("ForeName", "LastName", "Suffix") if names.get(key))
    if "ForeName" not in names and names.get("Initials"):
        person = f"{names['Initials']} {person}"
    return Author(
        name=collective or person,
        last_name=names.get("LastName"),
        fore_name=names.get("ForeName"),
        initials=names.get("Initials"),
        suffix=names.get("Suffix"),
        collective=collective is not None,
        orcid=orcid,
        affiliations=tuple(affiliations),
        valid=element.get("ValidYN", "Y") == "Y",
    )


def _publication_types(element: etree._Element) -> tuple[PublicationType, ...]:
    return tuple(
        PublicationType(name=_title_case(text_of(kind)), ui=kind.get("UI") or None)
        for kind in element
        if kind.tag == "PublicationType" and text_of(kind)
    )


def _title_case(name: str) -> str:
    """ "JOURNAL ARTICLE" as NLM writes it today; anything else as it is."""
    return name.title().replace("'S", "'s") if name.isupper() and len(name) > 4 else name


def _chemical(name: etree._Element | None, element: etree._Element | None) -> Chemical:
    number = _text_at(element, "RegistryNumber")
    return Chemical(
        name=text_of(name) if name is not None else "",
        ui=name.get("UI") if name is not None else None,
        registry_number=None if number in (None, "0") else number,
    )


def _heading(element: etree._Element) -> MeshHeading:
    descriptor = element.find("DescriptorName")
    return MeshHeading(
        name=text_of(descriptor) if descriptor is not None else "",
        ui=descriptor.get("UI") if descriptor is not None else None,
        major=descriptor is not None and descriptor.get("MajorTopicYN") == "Y",
        qualifiers=tuple(
            Qualifier(
                name=text_of(qualifier),
                ui=qualifier.get("UI"),
                major=qualifier.get("MajorTopicYN") == "Y",
            )
            for qualifier in element.iterfind("QualifierName")
        ),
    )


def _correction(element: etree._Element) -> Correction:
    relation = element.get("RefType") or "Other"
    pmid = (element.findtext("PMID") or "").strip()
    return Correction(
        relation=relation,
        direction="in" if relation.endswith("In") else "out",
        pmid=int(pmid) if pmid.isdigit() else None,
        source=_text_at(element, "RefSource"),
        note=_text_at(element, "Note"),
    )


def _read_data_banks(element: etree._Element, values: dict[str, object]) -> None:
    registry: list[RegistryId] = []
    accessions: list[Accession] = []
    for bank in element.iterfind("DataBank"):
        name = _text_at(bank, "DataBankName") or ""
        for number in bank.iterfind("AccessionNumberList/AccessionNumber"):
            if name in REGISTRIES:
                registry.append(RegistryId(registry=name, id=text_of(number)))
            else:
                accessions.append(Accession(bank=name, id=text_of(number)))
    values["registry_ids"] = tuple(registry)
    values["accessions"] = tuple(accessions)


def _read_pubmed_data(
    data: etree._Element,
    values: dict[str, object],
    events: list[DatedEvent],
    ids: list[Accession],
) -> None:
    for part in data:
        match part.tag:
            case "History":
                for item in part:
                    if moment := _date(item):
                        event = (item.get("PubStatus") or "unknown").lower()
                        events.append(_event(event, moment))
                        if event == "pubmed" or (event == "entrez" and "entered" not in values):
                            values["entered"] = moment.date
            case "PublicationStatus":
                values["publication_status"] = text_of(part) or None
            case "ArticleIdList":  # direct children only: reference lists hold other papers' ids
                for item in part:
                    value, kind = text_of(item), item.get("IdType") or "pubmed"
                    if not value or kind == "pubmed":
                        continue
                    if kind == "doi":
                        values["doi"] = value
                    elif kind == "pmc":
                        values["pmcid"] = value
                    else:
                        ids.append(Accession(bank=kind, id=value))
            case "ReferenceList":
                references = list(part.iter("Reference"))
                if references and values.get("reference_count") is None:
                    values["reference_count"] = len(references)
                cited = [
                    int(number)
                    for item in part.iter("ArticleId")
                    if item.get("IdType") == "pubmed" and (number := text_of(item)).isdigit()
                ]
                values["references"] = (*values.get("references", ()), *cited)  # type: ignore[misc]


def _from_book(root: etree._Element) -> Article:
    document = root.find("BookDocument")
    if document is None:
        raise ValueError("PubmedBookArticle without BookDocument")
    pmid, version = _pmid(document.find("PMID"))
    values: dict[str, object] = {"pmid": pmid, "version": version}
    events: list[DatedEvent] = []
    ids: list[Accession] = []
    authors: list[Author] = []
    editors: list[Author] = []
    keywords: list[str] = []
    languages: list[str] = []
    book = document.find("Book")

    def people(element: etree._Element) -> None:
        found = [_author(person) for person in element.iterfind("Author")]
        (editors if element.get("Type") == "editors" else authors).extend(found)

    accession = None
    for part in document:
        match part.tag:
            case "ArticleIdList":
                for item in part:
                    kind = item.get("IdType")
                    if kind == "bookaccession":
                        accession = text_of(item)
                    elif kind == "doi":
                        values["doi"] = text_of(item)
                    elif kind not in (None, "pubmed"):
                        ids.append(Accession(bank=kind, id=text_of(item)))
            case "ArticleTitle":
                values["title"] = text_of(part)
            case "VernacularTitle":
                values["vernacular_title"] = text_of(part) or None
            case "Language":
                languages.append(text_of(part))
            case "AuthorList":
                people(part)
            case "PublicationType":
                published_as = PublicationType(name=text_of(part), ui=part.get("UI"))
                known_types = values.get("publication_types", ())
                values["publication_types"] = (*known_types, published_as)  # type: ignore[misc]
            case "Abstract":
                values.update(_abstract(part))
            case "KeywordList":
                keywords += [text_of(word) for word in part]
            case "ContributionDate" | "DateRevised":
                if moment := _date(part):
                    event = "revised" if part.tag == "DateRevised" else "contributed"
                    events.append(_event(event, moment))
                    if event == "revised":
                        values["revised"] = moment.date
            case "Pagination":
                values["pages"] = _text_at(part, "MedlinePgn") or _pages(part)
            case "GrantList":
                values["grants"] = tuple(
                    Grant(number=_text_at(g, "GrantID"), agency=_text_at(g, "Agency")) for g in part
                )
    sections = tuple(
        title
        for section in document.iterfind("Sections/Section")
        if (title := _text_at(section, "SectionTitle"))
    )
    if book is not None:
        for element in book.iterfind("AuthorList"):
            people(element)
        _read_published(book.find("PubDate"), values)
        values.setdefault("title", _text_at(book, "BookTitle") or "")
        values["book"] = Book(
            title=_text_at(book, "BookTitle"),
            id=accession,
            publisher=_text_at(book, "Publisher/PublisherName"),
            place=_text_at(book, "Publisher/PublisherLocation"),
            editors=tuple(editors),
            edition=_text_at(book, "Edition"),
            isbn=tuple(text_of(isbn) for isbn in book.iterfind("Isbn")),
            collection=_text_at(book, "CollectionTitle"),
            medium=_text_at(book, "Medium"),
            section_titles=sections,
        )
        values["journal"] = _text_at(book, "BookTitle")
        values["volume"] = _text_at(book, "Volume")
    data = root.find("PubmedBookData")
    if data is not None:
        own = values.get("doi")
        _read_pubmed_data(data, values, events, ids)
        values["doi"] = own or values.get("doi")
    values.update(
        authors=tuple(authors),
        languages=tuple(languages),
        keywords=tuple(keywords),
        dates=tuple(events),
        other_ids=tuple(ids),
    )
    return Article(**values)  # type: ignore[arg-type]
