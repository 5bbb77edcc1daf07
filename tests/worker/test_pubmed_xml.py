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
        ("S3&amp;rsquo; region, R&amp;D;", "S3’ region, R&D;"),
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


def test_references_of_several_lists_are_counted_together() -> None:
    cited = "<Reference><Citation>A paper.</Citation></Reference>"
    lists = f"<ReferenceList>{cited}</ReferenceList><ReferenceList><ReferenceList>{cited * 2}"
    found = parse_article(record(data=lists + "</ReferenceList></ReferenceList>"))
    assert found.reference_count == 3


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


def cites(*pmids: int, said: str = "A paper.") -> str:
    return "".join(
        f"<Reference><Citation>{said}</Citation><ArticleIdList>"
        f'<ArticleId IdType="doi">10.1/{pmid}</ArticleId><ArticleId IdType="pubmed">{pmid}</ArticleId>'
        "</ArticleIdList></Reference>"
        for pmid in pmids
    )


@pytest.mark.parametrize(
    "lists",
    [
        f"<ReferenceList>{cites(7, 8, 9)}</ReferenceList>",
        f"<ReferenceList><Title>References</Title>\n{cites(7, 8, 9, said='Wow!')}\n</ReferenceList>\n",
        f"<ReferenceList>{cites(7)}</ReferenceList><ReferenceList>{cites(8, 9)}</ReferenceList>",
        f"<ReferenceList>{cites(7)}<ReferenceList>{cites(8, 9)}</ReferenceList></ReferenceList>",
        f"<ReferenceList><!-- {cites(6)} -->{cites(7, 8, 9)}</ReferenceList>",
        f"<ReferenceList>{cites(7, 8, 9)}</ReferenceList><PublicationStatus>ppublish</PublicationStatus>",
        f"<ReferenceList>{cites(7, 8, 9)}</ReferenceList>".replace('"', "'"),
    ],
)
def test_references(lists: str) -> None:
    """Lists are read from the bytes where that is safe, else as XML: the same either way."""
    found = parse_article(record(data=lists))
    assert found.references == (7, 8, 9)
    assert found.reference_count == 3


def test_references_of_a_book() -> None:
    found = parse_article(
        "<PubmedBookArticle><BookDocument><PMID>5</PMID><ArticleTitle>A chapter.</ArticleTitle>"
        f"<ReferenceList>{cites(7, 8)}</ReferenceList></BookDocument></PubmedBookArticle>".encode()
    )
    assert (found.references, found.reference_count) == ((7, 8), 2)


def test_a_list_of_references_that_was_cut_short_swallows_no_record() -> None:
    whole_list = f"<ReferenceList>{cites(7, 8)}</ReferenceList>"
    first = record(1, data=whole_list)
    broken = first[: first.index(b"10.1/8")]
    items = list(read_pubmed_xml(whole(broken, record(2, data=whole_list))))
    assert isinstance(items[0], MalformedRecord)
    assert items[0].pmid == 1
    assert isinstance(items[1], ParsedArticle)
    assert (items[1].article.pmid, items[1].article.references) == (2, (7, 8))


@pytest.mark.parametrize(
    ("xml", "date", "precision"),
    [
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "1998-12", "month"),
        ("<MedlineDate>2000 Spring-Summer</MedlineDate>", "2000-03", "season"),
        ("<Year>1978</Year><Season>Autumn</Season>", "1978-09", "season"),
        ("<Year>1975</Year><Season>Sep-Oct</Season>", "1975-09", "month"),
        ("<MedlineDate>1975 Sep-Oct</MedlineDate>", "1975-09", "month"),
        ("<Year>1975</Year><Season>Jan/Feb</Season>", "1975-01", "month"),
        ("<Year>1975</Year><Season>1st Quarter</Season>", "1975", "year"),
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


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("", ""),
        ("P<sup>a</sup> and <b>bold <i>deep</i></b> tail", "Pa and bold deep tail"),
        ("Na<sup>+</sup>, <sup>13</sup>C", "Na⁺, ¹³C"),
        ("10<sup>5.5</sup> of PM<sub>2.5</sub>", "10⁵·⁵ of PM2.5"),
        ("SO<sub>4<sup>2-</sup></sub>", "SO₄²⁻"),
        ("<i>A</i> <i>b</i>", "A b"),
        ("<![CDATA[a < b]]> &#x3b1;", "a < b α"),
        ("R&amp;D, 5&#160;mg, cafe&#x301;", "R&D, 5 mg, café"),
        (
            (
                '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:msup>\n<mml:mi>x</mml:mi>'
                "\n<mml:mn>2</mml:mn></mml:msup>\n<mml:mo>=</mml:mo><mml:mfrac><mml:mn>1</mml:mn>"
                "<mml:mn>2</mml:mn></mml:mfrac> stray</mml:math>."
            ),
            "x²=1/2stray.",
        ),
    ],
)
def test_mixed_content(xml: str, text: str) -> None:
    """biopython #2077 (MathML), #1742 (entities); an empty title is "", not an error."""
    assert parse_article(record(title=xml)).title == text


def test_abstract_without_text_and_a_label_that_is_the_text() -> None:
    found = parse_article(
        record(
            inside='<Abstract><AbstractText/><AbstractText Label="RESULTS"></AbstractText>'
            '<AbstractText Label="Level of Evidence" NlmCategory="UNASSIGNED">2.</AbstractText>'
            "<CopyrightInformation>© 2020 Us</CopyrightInformation></Abstract>"
        )
    )
    assert found.abstract == "Level of Evidence: 2."
    assert [(s.label, s.category, s.text) for s in found.sections] == [
        ("Level of Evidence", None, "2.")
    ]
    assert found.copyright == "© 2020 Us"


def cited(inside: bytes) -> bytes:
    return record().replace(b"</Article></Medline", b"</Article>" + inside + b"</Medline")


def test_other_abstracts_in_many_languages_and_plain_words_apart() -> None:
    found = parse_article(
        cited(
            b'<OtherAbstract Type="Publisher" Language="spa"><AbstractText Label="FIN">Uno.</AbstractText>'
            b'<AbstractText Label="VACIO"/></OtherAbstract>'
            b'<OtherAbstract Type="plain-language-summary" Language="eng"><AbstractText>In short.'
            b"</AbstractText></OtherAbstract>"
            b'<OtherAbstract Type="Publisher" Language="ger"><AbstractText>Zwei.</AbstractText></OtherAbstract>'
        )
    )
    assert found.abstract == ""
    assert [(a.language, a.text) for a in found.other_abstracts] == [
        ("spa", "FIN: Uno."),
        ("ger", "Zwei."),
    ]
    assert [a.text for a in found.plain_language_summaries] == ["In short."]


def test_corrections_keep_their_relation_with_and_without_pmid() -> None:
    """aletheia-probe #1024: an erratum is no retraction; pymed #23: the cited PMID is not ours."""
    found = parse_article(
        cited(
            b"<CommentsCorrectionsList>"
            b'<CommentsCorrections RefType="RetractionIn"><RefSource>J. 2021</RefSource><PMID Version="1">9</PMID>'
            b'</CommentsCorrections><CommentsCorrections RefType="ErratumIn"><RefSource>J. 2022</RefSource>'
            b'</CommentsCorrections><CommentsCorrections RefType="ExpressionOfConcernIn"><RefSource>K</RefSource>'
            b'<Note>see there</Note></CommentsCorrections><CommentsCorrections RefType="CommentOn">'
            b"<RefSource>L</RefSource><PMID>11</PMID></CommentsCorrections></CommentsCorrectionsList>"
        )
    )
    assert found.pmid == 1
    assert [(c.relation, c.direction, c.pmid) for c in found.comments_corrections] == [
        ("RetractionIn", "in", 9),
        ("ErratumIn", "in", None),
        ("ExpressionOfConcernIn", "in", None),
        ("CommentOn", "out", 11),
    ]
    assert found.comments_corrections[2].note == "see there"


def test_types_headings_people_and_numbers() -> None:
    found = parse_article(
        cited(
            b'<MeshHeadingList><MeshHeading><DescriptorName UI="D1" MajorTopicYN="N">Gout</DescriptorName>'
            b'<QualifierName MajorTopicYN="Y" UI="Q1">drug therapy</QualifierName></MeshHeading><MeshHeading>'
            b'<DescriptorName UI="D2" MajorTopicYN="Y">Humans</DescriptorName></MeshHeading></MeshHeadingList>'
        ).replace(
            b"</Article>",
            b'<Affiliation>Old Hospital.</Affiliation><AuthorList CompleteYN="N"><Author><LastName>M\xc3\xbcller'
            b"</LastName><ForeName>Ann</ForeName><Initials>A</Initials><Suffix>Jr</Suffix></Author><Author "
            b'ValidYN="N"><CollectiveName>The Group</CollectiveName><Identifier Source="ORCID">'
            b"https://orcid.org/000000021825009X</Identifier></Author></AuthorList><PublicationTypeList>"
            b"<PublicationType>JOURNAL ARTICLE</PublicationType><PublicationType UI='D016449'>Randomized "
            b"Controlled Trial</PublicationType><PublicationType/></PublicationTypeList><DataBankList><DataBank>"
            b"<DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList><AccessionNumber>NCT00000001"
            b"</AccessionNumber></AccessionNumberList></DataBank><DataBank><DataBankName>GEO</DataBankName>"
            b"<AccessionNumberList><AccessionNumber>G1</AccessionNumber></AccessionNumberList></DataBank>"
            b"</DataBankList></Article>",
            1,
        )
    )
    first, group = found.authors
    assert (first.name, first.affiliations) == ("Ann Müller Jr", ("Old Hospital.",))
    assert (group.name, group.collective, group.valid, group.orcid) == (
        "The Group",
        True,
        False,
        "0000-0002-1825-009X",
    )
    assert not found.authors_complete
    assert [(t.name, t.ui) for t in found.publication_types] == [
        ("Journal Article", None),
        ("Randomized Controlled Trial", "D016449"),
    ]
    assert [(h.name, h.ui, h.major) for h in found.mesh] == [
        ("Gout", "D1", False),
        ("Humans", "D2", True),
    ]
    assert [(q.name, q.ui, q.major) for q in found.mesh[0].qualifiers] == [
        ("drug therapy", "Q1", True)
    ]
    assert found.mesh[1].qualifiers == ()
    assert [r.id for r in found.registry_ids] == ["NCT00000001"]
    assert [a.id for a in found.accessions] == ["G1"]


def test_people_as_odd_records_have_them() -> None:
    """An ORCID beside an affiliation, affiliations of a person without name, initials alone."""
    found = parse_article(
        record(
            inside="<AuthorList><Author><LastName>Roe</LastName><Initials>J</Initials><AffiliationInfo>"
            '<Affiliation>A &amp; B,\n C.</Affiliation><Identifier Source="ORCID">0000-0002-1825-0097'
            "</Identifier></AffiliationInfo><AffiliationInfo><Affiliation/></AffiliationInfo>"
            "<AffiliationInfo><Affiliation>D &amp;amp; E</Affiliation></AffiliationInfo></Author>"
            "<Author><Suffix>3rd</Suffix><LastName/></Author></AuthorList>"
        )
    )
    first, second = found.authors
    assert (first.name, first.fore_name, first.orcid) == ("J Roe", None, "0000-0002-1825-0097")
    assert first.affiliations == ("A & B, C.", "D & E")
    assert (second.name, second.last_name, second.affiliations) == ("3rd", None, ())


@pytest.mark.parametrize("space", ["\t", "\r\n", "  ", "\u00a0", "\u2009", "&amp;#12;", "&#x2028;"])
def test_white_space_of_every_kind_is_one_space(space: str) -> None:
    assert parse_article(record(title=f" a{space}b{space}")).title == "a b"
    assert parse_article(record(title=f"α{space}b")).title == "α b"


def test_versions_and_small_pmids() -> None:
    found = parse_article(record(7).replace(b'Version="1"', b'Version="3"'))
    assert (found.pmid, found.version) == (7, 3)


def test_history_gives_the_entry_date() -> None:
    data = (
        '<History><PubMedPubDate PubStatus="entrez"><Year>2020</Year><Month>1</Month><Day>2</Day><Hour>6</Hour>'
        '</PubMedPubDate><PubMedPubDate PubStatus="pubmed"><Year>2020</Year><Month>1</Month><Day>3</Day>'
        "</PubMedPubDate></History>"
    )
    assert parse_article(record(data=data)).entered == "2020-01-03"


def test_a_record_whose_end_is_missing_costs_only_itself() -> None:
    unclosed = record(2).replace(b"</PubmedArticle>", b"")
    found = list(read_pubmed_xml(whole(record(1), unclosed, record(3))))
    assert [item.article.pmid for item in found if isinstance(item, ParsedArticle)] == [1, 3]
    assert [item.pmid for item in found if isinstance(item, MalformedRecord)] == [2]
    last = list(read_pubmed_xml(whole(record(1), unclosed)))
    assert isinstance(last[1], MalformedRecord)
    assert last[1].pmid == 2


def test_a_comment_without_end_swallows_no_other_record() -> None:
    found = list(read_pubmed_xml(whole(record(1, title="a <!-- b"), record(2))))
    assert isinstance(found[0], MalformedRecord)
    assert isinstance(found[1], ParsedArticle)


def test_cdata_may_hold_a_record_end() -> None:
    found = list(read_pubmed_xml(whole(record(1, title="<![CDATA[</PubmedArticle>]]>"), record(2))))
    assert isinstance(found[0], ParsedArticle)
    assert found[0].article.title == "</PubmedArticle>"
    assert len(found) == 2


def test_raw_is_the_record_byte_for_byte() -> None:
    records = [record(n, title=f"α &amp; {n}" + " x" * 9000) for n in range(1, 60)]
    found = list(read_pubmed_xml(whole(*records)))  # many chunks
    assert [item.raw for item in found if isinstance(item, ParsedArticle)] == records


def test_undeclared_entities_and_bombs_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + record(title="&b;")
    with pytest.raises(ValueError, match="entities"):
        parse_article(bomb)
    with pytest.raises(ValueError, match="not well-formed"):
        parse_article(record(title="&nope;"))


def test_other_xml_is_not_read_to_its_end() -> None:
    source = BytesIO(b"<other>" + b"x" * (3 << 20))
    with pytest.raises(SourceError, match="not PubMed XML"):
        list(read_pubmed_xml(source))
    assert source.tell() < 3 << 20


@pytest.mark.parametrize("number", ["99999999999999999999", "4294967296", "-5", "1e3", "²"])
def test_a_number_that_no_database_holds(number: str) -> None:
    """As a PMID it costs its record, elsewhere itself."""
    records = [record(1), record(2).replace(b">2<", f">{number}<".encode()), record(3)]
    first, bad, third = read_pubmed_xml(whole(*records))
    assert isinstance(first, ParsedArticle)
    assert isinstance(bad, MalformedRecord)
    assert "no PMID" in bad.error
    assert isinstance(third, ParsedArticle)
    cited = f'<ArticleIdList><ArticleId IdType="pubmed">{number}</ArticleId></ArticleIdList>'
    inside = (
        f"<NumberOfReferences>{number}</NumberOfReferences><CommentsCorrectionsList>"
        f'<CommentsCorrections RefType="CommentIn"><PMID>{number}</PMID></CommentsCorrections>'
        "</CommentsCorrectionsList></MedlineCitation>"
    )
    data = f"<ReferenceList><Reference>{cited}</Reference></ReferenceList>"
    bytes_ = record(999_999_999, data=data).replace(b"</MedlineCitation>", inside.encode())
    found = parse_article(bytes_)
    assert (found.pmid, found.references, found.reference_count) == (999_999_999, (), 1)
    assert [notice.pmid for notice in found.comments_corrections] == [None]
    deleted = whole(
        f"<DeleteCitation><PMID>7</PMID><PMID>{number}</PMID></DeleteCitation>".encode()
    )
    assert list(read_pubmed_xml(deleted)) == [DeletedCitations((7,))]
