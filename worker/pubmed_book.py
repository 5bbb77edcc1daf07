"""`PubmedBookArticle` (StatPearls, GeneReviews, NICE …) to `Article`: another layout than journal
articles, often without authors."""

from __future__ import annotations

from lxml.etree import _Element as Element

from grading import Article
from grading.article import Book
from worker.pubmed_elements import (
    Fields,
    Reader,
    add_id,
    count_references,
    immutable,
    list_reader,
    own_ids,
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
    read_references,
    text_reader,
)
from worker.xml_text import term_of, text_of


def book_article_of(root: Element) -> Article:
    """Raises ValueError where there is no BookDocument or no PMID."""
    document = root.find("BookDocument")
    if document is None:
        raise ValueError("PubmedBookArticle without BookDocument")
    pmid, version = pmid_of(document.find("PMID"))
    fields: Fields = {
        "pmid": pmid,
        "version": version,
        "dates": [],
        "other_ids": [],
        "references": [],
        "listed": 0,
        "authors": (),
    }
    book: Fields = {"editors": (), "isbn": [], "section_titles": []}
    fields["book"] = book
    read_children(document, _DOCUMENT, fields)
    around = document.find("Book")
    if around is not None:
        _read_book(around, fields)
    data = root.find("PubmedBookData")
    if data is not None:
        doi = fields.get("doi")
        read_pubmed_data(data, fields)
        if doi:
            fields["doi"] = doi
    count_references(fields)
    if around is None:
        del fields["book"]
    else:
        fields["journal"] = book.get("title")
        fields["title"] = fields.get("title") or book.get("title") or ""
        fields["book"] = Book(**immutable(book))
    return Article(**immutable(fields))


def _read_ids(element: Element, fields: Fields) -> None:
    for kind, value in own_ids(element):
        if kind == "bookaccession":
            fields["book"]["id"] = value
        elif kind == "doi":
            fields["doi"] = value
        elif kind != "pubmed":
            add_id(kind, value, fields)


def _read_people(element: Element, fields: Fields) -> None:
    """Authors of the chapter, then of the book, are the record's; editors are the book's."""
    people = people_of(element)
    if element.get("Type") == "editors":
        fields["book"]["editors"] += people
    else:
        fields["authors"] += people


def _read_type(element: Element, fields: Fields) -> None:
    if kind := publication_type_of(element):
        fields.setdefault("publication_types", []).append(kind)


def _read_keywords(element: Element, fields: Fields) -> None:
    for word in element:
        if text := text_of(word):
            fields.setdefault("keywords", []).append(text)


def _read_contributed(element: Element, fields: Fields) -> None:
    read_event(element, "contributed", fields)


def _read_revised(element: Element, fields: Fields) -> None:
    if date := read_event(element, "revised", fields):
        fields["revised"] = date


def _read_sections(element: Element, fields: Fields) -> None:
    for section in element.iterchildren("Section"):
        title = section.find("SectionTitle")
        if title is not None and (text := text_of(title)):
            fields["book"]["section_titles"].append(text)


def _read_book(element: Element, fields: Fields) -> None:
    book: Fields = fields["book"]
    for part in element:
        tag = part.tag
        if field := _BOOK.get(tag):
            book[field] = text_of(part) or None
        elif tag == "AuthorList":
            _read_people(part, fields)
        elif tag == "PubDate":
            read_published(part, fields)
        elif tag == "Volume":
            fields["volume"] = text_of(part) or None
        elif tag == "Isbn":
            book["isbn"].append(text_of(part))
        elif tag == "Publisher":
            for line in part:
                if field := _PUBLISHER.get(line.tag):
                    book[field] = term_of(line) or None


_BOOK = {
    "BookTitle": "title",
    "Edition": "edition",
    "CollectionTitle": "collection",
    "Medium": "medium",
}
_PUBLISHER = {"PublisherName": "publisher", "PublisherLocation": "place"}

_DOCUMENT: dict[str, Reader] = {
    "ArticleIdList": _read_ids,
    "ArticleTitle": text_reader("title"),
    "VernacularTitle": text_reader("vernacular_title"),
    "Pagination": read_pages,
    "Language": list_reader("languages"),
    "AuthorList": _read_people,
    "PublicationType": _read_type,
    "Abstract": read_abstract,
    "Sections": _read_sections,
    "KeywordList": _read_keywords,
    "ContributionDate": _read_contributed,
    "DateRevised": _read_revised,
    "GrantList": read_grants,
    "ReferenceList": read_references,
}
