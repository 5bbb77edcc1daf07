"""Reading PubMed XML: the reports of other tools, on invented records."""

from __future__ import annotations

from io import BytesIO

import pytest

from worker.errors import SourceError
from worker.parsed import DeletedCitations, MalformedRecord, ParsedArticle
from worker.pubmed_xml import parse_article, read_pubmed_xml


def record(pmid: int = 1, title: str = "A title.", inside: str = "", data: str = "") -> bytes:
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID><Article>'
        f"<Journal><Title>J</Title><JournalIssue><PubDate><Year>2020</Year></PubDate></JournalIssue></Journal>"
        f"<ArticleTitle>{title}</ArticleTitle>{inside}</Article></MedlineCitation>"
        f"<PubmedData>{data}</PubmedData></PubmedArticle>"
    ).encode()


def whole(*records: bytes) -> BytesIO:
    return BytesIO(
        b'<?xml version="1.0"?><PubmedArticleSet>' + b"\n".join(records) + b"</PubmedArticleSet>"
    )


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (
            "CO<sub>2</sub> and <i>E. coli</i> in 10<sup>9</sup> kg m<sup>-2</sup>",
            "CO₂ and E. coli in 10⁹ kg m⁻²",
        ),
        ("P&lt;0.001 and a &amp;lt; b", "P<0.001 and a < b"),
        ("a\n   b", "a b"),
    ],
)
def test_text_is_whole(xml: str, text: str) -> None:
    """biopython #1539 #1706 #1698: text cut at tags, spaces put in, superscripts lost."""
    assert parse_article(record(title=xml)).title == text


def test_sections_and_their_spans() -> None:
    found = parse_article(
        record(
            inside='<Abstract><AbstractText Label="METHODS" NlmCategory="METHODS">We did.</AbstractText>'
            '<AbstractText Label="RESULTS" NlmCategory="RESULTS">It was.</AbstractText></Abstract>'
        )
    )
    assert found.abstract == "METHODS: We did.\nRESULTS: It was."
    assert [found.abstract[s.start : s.end] for s in found.sections] == found.abstract.split("\n")


def test_own_ids_only() -> None:
    """A record's own ids: those of cited papers stand in the reference list."""
    data = (
        '<ArticleIdList><ArticleId IdType="doi">10.1/own</ArticleId></ArticleIdList><ReferenceList><Reference>'
        '<ArticleIdList><ArticleId IdType="doi">10.1/other</ArticleId><ArticleId IdType="pubmed">77</ArticleId>'
        "</ArticleIdList></Reference></ReferenceList>"
    )
    found = parse_article(record(data=data))
    assert found.doi == "10.1/own"
    assert found.references == (77,)


@pytest.mark.parametrize(
    ("xml", "date", "precision"),
    [
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "1998-12", "month"),
        ("<MedlineDate>2000 Spring-Summer</MedlineDate>", "2000-03", "season"),
        ("<Year>1978</Year><Season>Autumn</Season>", "1978-09", "season"),
        ("<Year>2020</Year><Month>Dec</Month><Day>5</Day>", "2020-12-05", "day"),
        ("<MedlineDate>1876 </MedlineDate>", "1876", "year"),
    ],
)
def test_dates(xml: str, date: str, precision: str) -> None:
    bytes_ = record().replace(b"<Year>2020</Year>", xml.encode())
    found = parse_article(bytes_)
    assert (found.published, found.published_precision) == (date, precision)


def test_a_malformed_record_costs_only_itself() -> None:
    broken = record(2).replace(b"</ArticleTitle>", b"")
    found = list(read_pubmed_xml(whole(record(1), broken, record(3))))
    assert [type(item) for item in found] == [ParsedArticle, MalformedRecord, ParsedArticle]
    assert isinstance(found[1], MalformedRecord)
    assert found[1].pmid == 2
    assert found[1].raw == broken


def test_deletions_are_told() -> None:
    source = whole(record(1), b"<DeleteCitation><PMID>5</PMID><PMID>6</PMID></DeleteCitation>")
    assert list(read_pubmed_xml(source))[1] == DeletedCitations((5, 6))


def test_an_empty_set_is_no_error() -> None:
    assert list(read_pubmed_xml(BytesIO(b"<PubmedArticleSet></PubmedArticleSet>"))) == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty"),
        (b"hello", "not PubMed XML"),
        (b"<html><body>busy</body></html>", "HTML"),
        (b"<eFetchResult><ERROR>over limit</ERROR></eFetchResult>", "over limit"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><PubmedArticleSet></PubmedArticleSet>', "entities"),
    ],
)
def test_what_is_no_pubmed_xml(body: bytes, what: str) -> None:
    with pytest.raises(SourceError, match=what):
        list(read_pubmed_xml(BytesIO(body)))


def test_a_cut_file_gives_what_came_before() -> None:
    reader = read_pubmed_xml(BytesIO(whole(record(1), record(2)).getvalue()[:-120]), name="x.xml")
    assert isinstance(next(reader), ParsedArticle)
    with pytest.raises(SourceError, match="cut short"):
        next(reader)


def test_external_entities_are_refused() -> None:
    """biopython #5109 (XXE)."""
    evil = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + record(title="&x;")
    with pytest.raises(ValueError, match="entities"):
        parse_article(evil)


def test_books() -> None:
    """pubmed2db #27: other tools skip PubmedBookArticle."""
    book = (
        b"<PubmedBookArticle><BookDocument><PMID>9</PMID><ArticleIdList><ArticleId IdType='bookaccession'>NBK1"
        b"</ArticleId></ArticleIdList><Book><BookTitle>Notes</BookTitle><PubDate><Year>2024</Year></PubDate></Book>"
        b"<ArticleTitle>Gout</ArticleTitle></BookDocument></PubmedBookArticle>"
    )
    found = parse_article(book)
    assert found.book is not None
    assert (found.pmid, found.title, found.book.id, found.published) == (9, "Gout", "NBK1", "2024")
