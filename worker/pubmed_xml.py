"""PubMed XML to `Article`, one record at a time.

The stream is cut at record boundaries and each record is parsed by itself, so that a malformed
record costs only itself and memory does not grow with the file. Element reference:
https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html and the PubMed DTD of 2025.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec
from lxml import etree
from lxml.etree import _Element as Element

from grading import Article
from grading.article import (
    Accession,
    Chemical,
    Correction,
    MeshHeading,
    OtherAbstract,
    Qualifier,
    RegistryId,
)
from worker.parsed import DeletedCitations, MalformedRecord, Parsed, ParsedArticle, number_in
from worker.pubmed_book import book_article_of
from worker.pubmed_elements import (
    Fields,
    Reader,
    add_id,
    count_references,
    immutable,
    labelled,
    list_reader,
    people_of,
    pmid_of,
    publication_type_of,
    read_abstract,
    read_children,
    read_event,
    read_grants,
    read_pages,
    read_published,
    read_pubmed_data,
    text_reader,
    texts_by_tag,
)
from worker.references import cut_references, read_cut_references
from worker.registries import REGISTRIES
from worker.xml_stream import parts_of, pmids_of, split_records
from worker.xml_text import clean_term, term_of, text_of

# A record stands without a prolog, so it cannot declare entities; those it uses are errors.
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    strip_cdata=True,
)


def read_pubmed_xml(stream: BinaryIO, *, name: str = "") -> Iterator[Parsed]:
    """Every record of `stream`, in order; a bad one as `MalformedRecord` with its bytes.

    Raises `SourceError` where the stream itself is at fault: empty, no PubMed XML, an error page,
    entity declarations, cut short. What came before has then been yielded.
    """
    for raw in split_records(stream, name=name):
        yield from read_record(raw)


def read_record(raw: bytes, digest: int | None = None) -> list[Parsed]:
    """What `split_records` takes for one record: mostly it is one. `digest`: see `ParsedArticle`."""
    found = _read_record(raw, digest)
    if isinstance(found, MalformedRecord) and len(parts := parts_of(raw)) > 1:
        return list(map(_read_record, parts))
    return [found]


def _read_record(raw: bytes, digest: int | None = None) -> Parsed:
    try:
        if raw.startswith(b"<Delete"):
            return DeletedCitations(tuple(pmids_of(raw)))
        return ParsedArticle(parse_article(raw), raw, "xml", digest)
    except ValueError as error:
        pmids = pmids_of(raw)
        return MalformedRecord(raw, str(error), pmids[0] if pmids else None)


def parse_article(xml: bytes) -> Article:
    """One PubmedArticle, PubmedBookArticle or MedlineCitation element.

    Raises ValueError where it is not such an element, is not well-formed or has no PMID. Undeclared
    or declared entities are refused, never expanded.
    """
    if b"!" in xml and (b"<!DOCTYPE" in xml or b"<!ENTITY" in xml):
        raise ValueError("declares XML entities, which a PubMed record never does: refused")
    xml, references = cut_references(xml)
    try:
        root = etree.fromstring(xml, _PARSER)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not well-formed XML: {error}") from None
    match root.tag:
        case "PubmedArticle":
            citation = data = None
            for part in root[:]:
                if part.tag == "MedlineCitation":
                    citation = part
                elif part.tag == "PubmedData":
                    data = part
            if citation is None:
                raise ValueError("PubmedArticle without MedlineCitation")
            return _article_of(citation, data, references)
        case "MedlineCitation":
            return _article_of(root, None, references)
        case "PubmedBookArticle":
            return book_article_of(root)
    raise ValueError(f"element {root.tag} is no PubMed record")


# --- MedlineCitation -----------------------------------------------------------------------------


def _article_of(citation: Element, data: Element | None, references: bytes) -> Article:
    """`references`: cut out of `data` (see `worker.references`)."""
    fields: Fields = {
        "status": citation.get("Status"),
        "indexing_method": citation.get("IndexingMethod"),
        "owner": citation.get("Owner"),
        "dates": [],
        "other_ids": [],
        "references": [],
        "listed": 0,
    }
    for part in citation[:]:
        tag = part.tag
        if tag == "PMID":
            if "pmid" not in fields:
                fields["pmid"], fields["version"] = pmid_of(part)
        elif reader := _CITATION.get(tag):
            reader(part, fields)
    if "pmid" not in fields:
        raise ValueError("no PMID")
    if data is not None:
        read_pubmed_data(data, fields)
    read_cut_references(references, fields)
    count_references(fields)
    fields.setdefault("entered", fields.pop("created", None))
    if "affiliation" in fields:
        _give_affiliation(fields, fields.pop("affiliation"))
    return Article(**immutable(fields))


def _event_reader(event: str) -> Reader:
    def read(element: Element, fields: Fields) -> None:
        if date := read_event(element, event, fields):
            fields[event] = date

    return read


def _read_journal_info(element: Element, fields: Fields) -> None:
    said = texts_by_tag(element)
    fields["country"] = said.get("Country")
    fields["nlm_id"] = said.get("NlmUniqueID")
    fields.setdefault("journal_abbreviation", said.get("MedlineTA"))
    fields.setdefault("issn", said.get("ISSNLinking"))


def _chemical(name: Element, number: str | None) -> Chemical:
    return Chemical(
        name=term_of(name),
        ui=name.get("UI"),
        registry_number=None if number in ("", "0") else number,
    )


def _read_chemicals(element: Element, fields: Fields) -> None:
    chemicals: list[Chemical] = []
    for chemical in element[:]:
        number = ""
        for part in chemical[:]:
            if part.tag == "RegistryNumber":
                number = term_of(part)
            elif part.tag == "NameOfSubstance":
                chemicals.append(_chemical(part, number))
    fields["chemicals"] = tuple(chemicals)


def _read_supplementary(element: Element, fields: Fields) -> None:
    fields["supplementary_concepts"] = tuple([_chemical(name, None) for name in element[:]])


def _read_mesh(element: Element, fields: Fields) -> None:
    fields["mesh"] = tuple([_heading(part) for part in element[:] if len(part)])


def _heading(element: Element) -> MeshHeading:
    descriptor = element[0]
    return MeshHeading(
        name=term_of(descriptor),
        ui=descriptor.get("UI"),
        major=descriptor.get("MajorTopicYN") == "Y",
        qualifiers=tuple([_qualifier(part) for part in element[1:]]) if len(element) > 1 else (),
    )


def _qualifier(element: Element) -> Qualifier:
    return Qualifier(
        name=term_of(element),
        ui=element.get("UI"),
        major=element.get("MajorTopicYN") == "Y",
    )


def _read_corrections(element: Element, fields: Fields) -> None:
    fields["comments_corrections"] = tuple([_correction(item) for item in element[:]])


def _correction(element: Element) -> Correction:
    relation = element.get("RefType") or "Other"
    said = texts_by_tag(element)
    return Correction(
        relation=relation,
        direction="in" if relation.endswith("In") else "out",
        pmid=number_in(said.get("PMID", "")),
        source=said.get("RefSource"),
        note=said.get("Note"),
    )


def _read_gene_symbols(element: Element, fields: Fields) -> None:
    fields["gene_symbols"] = tuple([text for symbol in element[:] if (text := term_of(symbol))])


def _read_reference_count(element: Element, fields: Fields) -> None:
    if (count := number_in(text_of(element))) is not None:
        fields["reference_count"] = count


def _read_investigators(element: Element, fields: Fields) -> None:
    fields["investigators"] = people_of(element)


def _read_name_subjects(element: Element, fields: Fields) -> None:
    fields["personal_name_subjects"] = people_of(element)


def _read_other_id(element: Element, fields: Fields) -> None:
    if value := text_of(element):
        add_id(element.get("Source") or "OtherID", value, fields)


def _read_other_abstract(element: Element, fields: Fields) -> None:
    """A plain-language summary is the publisher's for lay readers: kept apart."""
    kind = element.get("Type")
    lines = [
        labelled(clean_term(section.get("Label") or ""), text)
        for section in element.iterchildren("AbstractText")
        if (text := text_of(section))
    ]
    plain = (kind or "").lower() == "plain-language-summary"
    fields.setdefault("plain_language_summaries" if plain else "other_abstracts", []).append(
        OtherAbstract(language=element.get("Language"), type=kind, text="\n".join(lines))
    )


def _read_keywords(element: Element, fields: Fields) -> None:
    fields.setdefault("keywords", []).extend(
        [text for word in element[:] if (text := term_of(word))]
    )


# --- Article -------------------------------------------------------------------------------------


def _read_article(element: Element, fields: Fields) -> None:
    read_children(element, _ARTICLE, fields)


def _read_title(element: Element, fields: Fields) -> None:
    fields["title"] = text_of(element)


def _read_journal(element: Element, fields: Fields) -> None:
    for part in element[:]:
        if part.tag == "JournalIssue":
            read_children(part, _JOURNAL_ISSUE, fields)
        elif (field := _JOURNAL.get(part.tag)) and (text := term_of(part)):
            fields[field] = text


def _read_location(element: Element, fields: Fields) -> None:
    if element.get("EIdType") == "doi" and element.get("ValidYN") != "N":
        fields.setdefault("doi", text_of(element) or None)


def _read_authors(element: Element, fields: Fields) -> None:
    fields["authors"] = people_of(element)
    fields["authors_complete"] = element.get("CompleteYN") != "N"


def _give_affiliation(fields: Fields, affiliation: str | None) -> None:
    """Before 2014 an article had one affiliation, beside the list: the first author's."""
    authors = fields.get("authors")
    if affiliation and authors and not authors[0].affiliations:
        first = msgspec.structs.replace(authors[0], affiliations=(affiliation,))
        fields["authors"] = (first, *authors[1:])


def _read_data_banks(element: Element, fields: Fields) -> None:
    registry: list[RegistryId] = []
    accessions: list[Accession] = []
    bank = ""
    for part in element.iter("DataBankName", "AccessionNumber"):
        text = term_of(part)
        if part.tag == "DataBankName":
            bank = text
        elif text and bank in REGISTRIES:
            registry.append(RegistryId(registry=bank, id=text))
        elif text:
            accessions.append(Accession(bank=bank, id=text))
    fields["registry_ids"] = tuple(registry)
    fields["accessions"] = tuple(accessions)


def _read_publication_types(element: Element, fields: Fields) -> None:
    fields["publication_types"] = tuple(
        [kind for item in element[:] if (kind := publication_type_of(item))]
    )


def _read_article_date(element: Element, fields: Fields) -> None:
    read_event(element, (element.get("DateType") or "Electronic").lower(), fields)


_JOURNAL = {
    "ISSN": "issn",
    "Title": "journal",
    "ISOAbbreviation": "journal_abbreviation",
}
_JOURNAL_ISSUE: dict[str, Reader] = {
    "Volume": text_reader("volume"),
    "Issue": text_reader("issue"),
    "PubDate": read_published,
}
_ARTICLE: dict[str, Reader] = {
    "Journal": _read_journal,
    "ArticleTitle": _read_title,
    "VernacularTitle": text_reader("vernacular_title"),
    "Pagination": read_pages,
    "ELocationID": _read_location,
    "Abstract": read_abstract,
    "AuthorList": _read_authors,
    "Affiliation": text_reader("affiliation"),
    "Language": list_reader("languages"),
    "DataBankList": _read_data_banks,
    "GrantList": read_grants,
    "PublicationTypeList": _read_publication_types,
    "ArticleDate": _read_article_date,
}
_CITATION: dict[str, Reader] = {
    "DateCreated": _event_reader("created"),
    "DateCompleted": _event_reader("completed"),
    "DateRevised": _event_reader("revised"),
    "Article": _read_article,
    "MedlineJournalInfo": _read_journal_info,
    "ChemicalList": _read_chemicals,
    "SupplMeshList": _read_supplementary,
    "CitationSubset": list_reader("subsets"),
    "CommentsCorrectionsList": _read_corrections,
    "GeneSymbolList": _read_gene_symbols,
    "MeshHeadingList": _read_mesh,
    "NumberOfReferences": _read_reference_count,
    "PersonalNameSubjectList": _read_name_subjects,
    "InvestigatorList": _read_investigators,
    "OtherID": _read_other_id,
    "OtherAbstract": _read_other_abstract,
    "KeywordList": _read_keywords,
    "CoiStatement": text_reader("coi_statement"),
    "GeneralNote": list_reader("notes"),
}
