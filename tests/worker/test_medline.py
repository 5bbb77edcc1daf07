"""Reading MEDLINE text, as PubMed exports it and as older programs left it."""

from __future__ import annotations

from io import BytesIO

import pytest

from grading import Article
from worker.errors import SourceError
from worker.medline import read_medline
from worker.parsed import MalformedRecord, ParsedArticle
from worker.pubmed_xml import parse_article

TEXT = """\
PMID- 31
OWN - NLM
STAT- MEDLINE
DCOM- 20210304
LR  - 20220506
IS  - 1234-5678 (Print)
VI  - 3
DP  - 2020 Dec 5
TI  - A long title about gout that
      goes on in a second line.
AB  - BACKGROUND: Gout hurts. METHODS: We gave a drug to
      60 people. RESULTS: P<0.001.
FAU - Doe, Ann
AU  - Doe A
AD  - A Hospital.
LA  - eng
PT  - Journal Article
PT  - Randomized Controlled Trial
MH  - *Gout/drug therapy/*genetics
MH  - Humans
RIN - J. 2022;1:2. PMID: 99
EIN - J. 2021
SI  - ClinicalTrials.gov/NCT00000001
AID - 10.1/x [doi]
JT  - Journal of Gout
TA  - J Gout
EDAT- 2020/12/06 06:00
"""

XML = b"""<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID>31</PMID>
<DateCompleted><Year>2021</Year><Month>03</Month><Day>04</Day></DateCompleted>
<DateRevised><Year>2022</Year><Month>05</Month><Day>06</Day></DateRevised><Article><Journal>
<ISSN>1234-5678</ISSN><JournalIssue><Volume>3</Volume><PubDate><Year>2020</Year><Month>Dec</Month>
<Day>5</Day></PubDate></JournalIssue><Title>Journal of Gout</Title><ISOAbbreviation>J Gout</ISOAbbreviation>
</Journal><ArticleTitle>A long title about gout that goes on in a second line.</ArticleTitle><Abstract>
<AbstractText Label="BACKGROUND">Gout hurts.</AbstractText><AbstractText Label="METHODS">We gave a drug to
60 people.</AbstractText><AbstractText Label="RESULTS">P&lt;0.001.</AbstractText></Abstract><AuthorList><Author>
<LastName>Doe</LastName><ForeName>Ann</ForeName><Initials>A</Initials><AffiliationInfo><Affiliation>A Hospital.
</Affiliation></AffiliationInfo></Author></AuthorList><Language>eng</Language><DataBankList><DataBank>
<DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList><AccessionNumber>NCT00000001</AccessionNumber>
</AccessionNumberList></DataBank></DataBankList><PublicationTypeList><PublicationType>Journal Article
</PublicationType><PublicationType>Randomized Controlled Trial</PublicationType></PublicationTypeList></Article>
<CommentsCorrectionsList><CommentsCorrections RefType="ErratumIn"><RefSource>J. 2021</RefSource>
</CommentsCorrections><CommentsCorrections RefType="RetractionIn"><RefSource>J. 2022;1:2.</RefSource>
<PMID>99</PMID></CommentsCorrections></CommentsCorrectionsList><MeshHeadingList><MeshHeading>
<DescriptorName MajorTopicYN="Y">Gout</DescriptorName><QualifierName MajorTopicYN="N">drug therapy</QualifierName>
<QualifierName MajorTopicYN="Y">genetics</QualifierName></MeshHeading><MeshHeading><DescriptorName
 MajorTopicYN="N">Humans</DescriptorName></MeshHeading></MeshHeadingList></MedlineCitation><PubmedData><History>
<PubMedPubDate PubStatus="pubmed"><Year>2020</Year><Month>12</Month><Day>6</Day></PubMedPubDate></History>
<ArticleIdList><ArticleId IdType="doi">10.1/x</ArticleId></ArticleIdList></PubmedData></PubmedArticle>"""


def articles(text: str) -> list[Article]:
    return [
        item.article
        for item in read_medline(BytesIO(text.encode()))
        if isinstance(item, ParsedArticle)
    ]


def test_the_same_record_from_xml_and_from_medline_text() -> None:
    medline, xml = articles(TEXT)[0], parse_article(XML)
    shared = (
        "pmid title abstract sections languages journal journal_abbreviation issn volume published "
        "published_precision published_text entered completed revised authors doi registry_ids "
        "publication_types mesh status owner"
    )
    for field in shared.split():
        assert getattr(medline, field) == getattr(xml, field), field
    assert set(medline.comments_corrections) == set(xml.comments_corrections)


@pytest.mark.parametrize("tag", ["{}-", "{:4}-", "{:4}- "], ids=["bare", "padded", "as PubMed"])
def test_tags_padded_or_not(tag: str) -> None:
    lines = [tag.format("PMID") + " 5", tag.format("TI") + " A title."]
    assert [(a.pmid, a.title) for a in articles("\n".join(lines))] == [(5, "A title.")]


def test_capitals_prose_and_windows_line_ends() -> None:
    text = "Results of my search\r\n\r\nPMID- 5\r\nTI  - T\r\nPT  - JOURNAL ARTICLE\r\n\r\nPMID- 6\r\nTI  - U\r\n"
    first, second = articles(text)
    assert [kind.name for kind in first.publication_types] == ["Journal Article"]
    assert (first.title, second.pmid) == ("T", 6)


def test_a_bad_record_costs_only_itself() -> None:
    found = list(read_medline(BytesIO(b"PMID- none\nTI  - x\n\nPMID- 7\nTI  - y\n")))
    assert isinstance(found[0], MalformedRecord)
    assert "no PMID" in found[0].error
    assert isinstance(found[1], ParsedArticle)


def test_no_record_at_all() -> None:
    with pytest.raises(SourceError, match=r"x\.txt: holds no MEDLINE record"):
        list(read_medline(BytesIO(b"just words\n"), name="x.txt"))
