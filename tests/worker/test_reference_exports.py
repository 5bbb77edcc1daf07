"""`pubgrade export` for reference managers: RIS, BibTeX and CSL-JSON, read back by other programs'
parsers. CSL-JSON has none but the rules of its schema, which are written down here.

A sample of real records too, where PUBGRADE_DATA has them (every one with PUBGRADE_ALL_RECORDS=1).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import bibtexparser
import msgspec
import pytest
import rispy
from bibtexparser.middlewares import SeparateCoAuthors
from pylatexenc.latex2text import LatexNodes2Text

from grading import Article
from grading.article import Author, Book, Correction, MeshHeading, PublicationType, Qualifier
from grading.vocabulary import FLAGS, QUESTIONS
from worker.files import read_blocks
from worker.parsed import ParsedArticle

RECORDS = Path(os.environ.get("PUBGRADE_DATA", "../shared/data")) / "records"
FILES = [
    path
    for name in ("xml", "nlm", "odd", "medline")
    for path in sorted((RECORDS / name).glob("*.gz"))
]
STEP = 1 if os.environ.get("PUBGRADE_ALL_RECORDS") else 83

TRIAL = Article(
    pmid=39100001,
    title="Stockings & socks at 5% slope: A randomised trial of TNF-α_1 in #7 {beta} for COVID-19.",
    abstract="METHODS: 120 travellers & crew,\tsee a@b.example.\nRESULTS: Fewer swollen ankles.",
    journal="Journal of Invented Medicine",
    journal_abbreviation="J Invent Med",
    issn="1234-567X",
    volume="12",
    issue="3 Suppl 1",
    pages="123-9",
    published="2021-05-04",
    published_precision="day",
    authors=(
        Author(
            name="Zoë Müller Jr", last_name="Müller", fore_name="Zoë", initials="Z", suffix="Jr"
        ),
        Author(name="Jan van der Berg", last_name="van der Berg", fore_name="Jan", initials="J"),
        Author(name="J van den Berg", last_name="van den Berg", initials="J", valid=False),
        Author(name="AB O'Neil", last_name="O'Neil", initials="AB"),
        Author(name="Sukarno", last_name="Sukarno"),
        Author(name="Ankles, Calves and Knees Group", collective=True),
    ),
    doi="10.1234/(sici)1_2<3::aid#4>5%6",
    pmcid="PMC7654321",
    languages=("eng", "fre"),
    mesh=(
        MeshHeading(
            name="Stockings, Compression",
            major=True,
            qualifiers=(Qualifier(name="adverse effects", major=True), Qualifier(name="trends")),
        ),
        MeshHeading(name="Humans"),
    ),
    keywords=("air travel", "Humans"),
    publication_types=(PublicationType(name="Randomized Controlled Trial"),),
    status="MEDLINE",
)
RETRACTED = msgspec.structs.replace(
    TRIAL,
    pmid=39100002,
    comments_corrections=(Correction(relation="RetractionIn", direction="in", pmid=39100009),),
)
CHAPTER = Article(
    pmid=39100003,
    title="Swollen Ankles",
    published="2019",
    published_precision="year",
    journal="Handbook of Flight Medicine",
    authors=(Author(name="Ann Lee", last_name="Lee", fore_name="Ann", initials="A"),),
    book=Book(
        title="Handbook of Flight Medicine",
        id="NBK000001",
        publisher="Invented Press",
        place="Oslo",
        editors=(Author(name="Bo Ek", last_name="Ek", fore_name="Bo", initials="B"),),
        edition="2nd",
        isbn=("9780000000002",),
        collection="Handbooks",
    ),
)
BOOK = msgspec.structs.replace(CHAPTER, pmid=39100004, title="Handbook of Flight Medicine")
PREPRINT = Article(
    pmid=39100005,
    title="mRNA in ankles: a preprint",
    journal="medRxiv : the preprint server for health sciences",
    journal_abbreviation="medRxiv",
    published="2023-11",
    published_precision="month",
    publication_types=(PublicationType(name="Preprint"),),
)

FORMATS = {"ris": "found.ris", "bibtex": "found.bib", "csl-json": "found.json"}
TEXTS = {
    "id", "title", "container-title", "container-title-short", "collection-title", "volume",
    "issue", "page", "edition", "publisher", "publisher-place", "genre", "status", "ISSN", "ISBN",
    "DOI", "PMID", "PMCID", "URL", "source", "language", "keyword", "abstract", "note",
}  # fmt: skip
TYPES = {"article-journal", "article", "chapter", "book"}

Entries = dict[int, dict[str, Any]]  # by PMID
Export = Callable[..., str]


@pytest.fixture
def export(pubgrade: Any) -> Export:
    """What `pubgrade export` writes of a store with these articles, its line ends as they are."""

    def run(name: str, *articles: Article) -> str:
        lines = b"\n".join(msgspec.json.encode(article) for article in articles)
        (pubgrade.folder / "in.jsonl").write_bytes(lines)
        loaded = pubgrade("load", "in.jsonl")
        assert loaded.returncode == 0, loaded.stderr
        exported = pubgrade("export", name)
        assert exported.returncode == 0, exported.stderr
        return (pubgrade.folder / name).read_bytes().decode()

    return run


def read_ris(text: str) -> Entries:
    entries = {int(entry["accession_number"]): entry for entry in rispy.loads(text)}
    assert not any("unknown_tag" in entry for entry in entries.values())
    return entries


def read_bibtex(text: str, *, latex: bool = False) -> Entries:
    """Names apart; with `latex` the texts as they stand in the file, else as TeX prints them."""
    library = bibtexparser.parse_string(text, append_middleware=[SeparateCoAuthors()])
    assert not library.failed_blocks
    # BibTeX itself counts braces that are escaped, too
    assert all(entry.raw.count("{") == entry.raw.count("}") for entry in library.entries)
    plain = LatexNodes2Text().latex_to_text
    entries = {}
    for entry in library.entries:
        fields = {field.key: field.value for field in entry.fields}
        if not latex:
            for key, value in fields.items():
                if isinstance(value, str) and key not in ("doi", "url"):
                    fields[key] = plain(value)
        entries[int(fields["pmid"])] = {"type": entry.entry_type, "key": entry.key} | fields
    return entries


def read_csl_json(text: str) -> Entries:
    """After a look at what the schema of CSL-JSON 1.0.2 asks of each item."""
    items = json.loads(text)
    for item in items:
        assert {"id", "type"} <= item.keys()
        assert item["type"] in TYPES
        for key, value in item.items():
            if key in ("author", "editor"):
                for name in value:
                    assert name.keys() <= {"family", "given", "suffix", "literal"}
                    assert ("literal" in name) != ("family" in name)
                    assert all(isinstance(part, str) and part for part in name.values())
            elif key == "issued":
                assert value.keys() <= {"date-parts", "season"}
                (parts,) = value["date-parts"]
                assert 1 <= len(parts) <= 3
                assert all(isinstance(part, int) for part in parts)
                assert value.get("season", 1) in (1, 2, 3, 4)
            elif key != "type":
                assert key in TEXTS
                assert isinstance(value, str)
                assert value
    assert len({item["id"] for item in items}) == len(items)
    return {int(item["PMID"]): item for item in items}


def told(pubgrade: Any, pmid: int) -> tuple[str, list[str]]:
    """The line and the keywords that tell the grade of a record, as docs/references.md has them."""
    record = json.loads(pubgrade("show", str(pmid), "--json").stdout)
    level = record["levels"]["ocebm_2011"]
    unclear = record["design"] == "primary_research"
    sure = record["confidence" if unclear else "design_confidence"]
    line = (
        f"Study design: {record['design_label']}; confidence: {sure:.2f}; "
        f"OCEBM 2011 level: {level or 'none'}; question: {QUESTIONS[record['question']].label}; "
    )
    if record["flags"]:
        line += f"flags: {', '.join(FLAGS[flag].label for flag in record['flags'])}; "
    return line + f"graded by: pubgrade, grader {record['grader_version']}", [
        f"Design: {record['design_label']}",
        f"OCEBM 2011: level {level}" if level else "OCEBM 2011: no level",
    ]


def test_ris(export: Export, pubgrade: Any) -> None:
    text = export("found.ris", TRIAL)
    lines = text.split("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert lines[0] == "TY  - JOUR"
    assert lines[-3:] == ["ER  - ", "", ""]
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in lines[:-2])
    line, keywords = told(pubgrade, TRIAL.pmid)
    assert read_ris(text)[TRIAL.pmid] == {
        "type_of_reference": "JOUR",
        "id": "pmid39100001",
        "title": TRIAL.title,
        "authors": [
            "Müller, Zoë, Jr",
            "van der Berg, Jan",
            "O'Neil, A B",
            "Sukarno,",
            "Ankles Calves and Knees Group,",  # to EndNote the comma says: one name
        ],
        "secondary_title": "Journal of Invented Medicine",
        "alternate_title1": "J Invent Med",
        "year": "2021",
        "date": "2021/05/04/",
        "volume": "12",
        "number": "3 Suppl 1",
        "start_page": "123",
        "end_page": "129",
        "issn": "1234-567X",
        "doi": TRIAL.doi,
        "accession_number": "39100001",
        "name_of_database": "PubMed",
        "custom2": "PMC7654321",
        "language": "en; fr",
        "notes": [line],
        "abstract": "METHODS: 120 travellers & crew, see a@b.example. "
        "RESULTS: Fewer swollen ankles.",
        "keywords": [
            *keywords,
            "Stockings, Compression/adverse effects/trends",
            "Humans",
            "air travel",
        ],
        "urls": ["https://pubmed.ncbi.nlm.nih.gov/39100001/"],
    }


def test_bibtex(export: Export, pubgrade: Any) -> None:
    text = export("found.bib", TRIAL)
    assert text.startswith("@article{pmid39100001,\n  author = {Müller, Jr, Zoë and ")
    line, keywords = told(pubgrade, TRIAL.pmid)
    assert read_bibtex(text)[TRIAL.pmid] == {
        "type": "article",
        "key": "pmid39100001",
        "author": [
            "Müller, Jr, Zoë",
            "van der Berg, Jan",
            "O'Neil, A B",
            "{Sukarno}",
            "{Ankles, Calves and Knees Group}",
        ],
        "title": TRIAL.title,
        "journal": "Journal of Invented Medicine",
        "shortjournal": "J Invent Med",
        "year": "2021",
        "month": "may",
        "day": "4",
        "volume": "12",
        "number": "3 Suppl 1",
        "pages": "123–129",
        "issn": "1234-567X",
        "doi": TRIAL.doi,
        "pmid": "39100001",
        "pmcid": "PMC7654321",
        "url": "https://pubmed.ncbi.nlm.nih.gov/39100001/",
        "language": "en",
        "annote": line,
        "keywords": ", ".join(
            [*keywords, "Stockings, Compression/adverse effects/trends", "Humans", "air travel"]
        ),
        "abstract": "METHODS: 120 travellers & crew, see a@b.example. "
        "RESULTS: Fewer swollen ankles.",
    }
    raw = read_bibtex(text, latex=True)[TRIAL.pmid]
    assert raw["title"] == (
        r"Stockings \& socks at 5\% slope: A randomised trial of {TNF-α\_1} in \#7 \{beta\} "
        r"for {COVID-19.}"
    )
    assert "{Stockings, Compression/adverse effects/trends}" in raw["keywords"]
    assert "\n  month = may,\n" in text
    assert "\n  pages = {123--129},\n" in text


def test_csl_json(export: Export, pubgrade: Any) -> None:
    text = export("found.json", TRIAL)
    line, keywords = told(pubgrade, TRIAL.pmid)
    assert read_csl_json(text)[TRIAL.pmid] == {
        "id": "pmid39100001",
        "type": "article-journal",
        "title": TRIAL.title,
        "author": [
            {"family": "Müller", "given": "Zoë", "suffix": "Jr"},
            {"family": "van der Berg", "given": "Jan"},
            {"family": "O'Neil", "given": "A B"},
            {"family": "Sukarno"},
            {"literal": "Ankles, Calves and Knees Group"},
        ],
        "container-title": "Journal of Invented Medicine",
        "container-title-short": "J Invent Med",
        "issued": {"date-parts": [[2021, 5, 4]]},
        "volume": "12",
        "issue": "3 Suppl 1",
        "page": "123-129",
        "ISSN": "1234-567X",
        "DOI": TRIAL.doi,
        "PMID": "39100001",
        "PMCID": "PMC7654321",
        "URL": "https://pubmed.ncbi.nlm.nih.gov/39100001/",
        "source": "PubMed",
        "language": "en",
        "abstract": "METHODS: 120 travellers & crew, see a@b.example.\n"
        "RESULTS: Fewer swollen ankles.",
        "keyword": "; ".join(
            [*keywords, "Stockings, Compression/adverse effects/trends", "Humans", "air travel"]
        ),
        "note": line,
    }
    assert "Müller" in text  # as it is, not as an escape


def test_a_retraction_is_seen_in_each(export: Export, pubgrade: Any) -> None:
    entry = read_ris(export("found.ris", RETRACTED))[RETRACTED.pmid]
    line, keywords = told(pubgrade, RETRACTED.pmid)
    assert "OCEBM 2011 level: none" in line
    assert keywords[1] == "OCEBM 2011: no level"
    assert entry["label"] == "RETRACTED"
    assert entry["notes"] == [f"RETRACTED. {line}"]
    assert entry["keywords"][:3] == ["RETRACTED", *keywords]
    entry = read_bibtex(export("found.bib", RETRACTED))[RETRACTED.pmid]
    assert entry["note"] == "RETRACTED"  # which styles print
    assert entry["annote"] == line
    assert entry["keywords"].startswith("RETRACTED, ")
    item = read_csl_json(export("found.json", RETRACTED))[RETRACTED.pmid]
    assert item["note"] == f"RETRACTED\n{line}"
    assert item["status"] == "retracted"
    assert item["keyword"].startswith("RETRACTED; ")


def test_books_chapters_and_preprints(export: Export) -> None:
    articles = (CHAPTER, BOOK, PREPRINT)
    entries = read_ris(export("found.ris", *articles))
    chapter, book, preprint = (entries[article.pmid] for article in articles)
    assert [entry["type_of_reference"] for entry in (chapter, book, preprint)] == [
        "CHAP",
        "BOOK",
        "UNPB",
    ]
    about = {"publisher": "Invented Press", "place_published": "Oslo", "edition": "2nd"}
    about |= {"issn": "9780000000002", "tertiary_title": "Handbooks", "year": "2019"}
    assert about.items() <= chapter.items()
    assert about.items() <= book.items()
    assert chapter["secondary_title"] == book["title"] == "Handbook of Flight Medicine"
    assert chapter["secondary_authors"] == book["tertiary_authors"] == ["Ek, Bo"]
    assert "secondary_title" not in book
    assert "date" not in chapter  # PY alone tells a bare year
    assert preprint["type_of_work"] == "Preprint"
    assert preprint["date"] == "2023/11//"
    assert preprint["secondary_title"].startswith("medRxiv")

    entries = read_bibtex(export("found.bib", *articles), latex=True)
    chapter, book, preprint = (entries[article.pmid] for article in articles)
    assert [entry["type"] for entry in (chapter, book, preprint)] == [
        "incollection",
        "book",
        "misc",
    ]
    about = {"publisher": "Invented Press", "address": "Oslo", "edition": "2nd", "year": "2019"}
    about |= {"isbn": "9780000000002", "series": "Handbooks", "editor": ["Ek, Bo"]}
    assert about.items() <= chapter.items()
    assert about.items() <= book.items()
    assert chapter["title"] == "Swollen {Ankles}"
    assert chapter["booktitle"] == "Handbook of Flight Medicine"
    assert "booktitle" not in book
    assert "month" not in chapter
    assert preprint["howpublished"].startswith("medRxiv")
    assert preprint["title"] == "{mRNA} in ankles: a preprint"

    entries = read_csl_json(export("found.json", *articles))
    chapter, book, preprint = (entries[article.pmid] for article in articles)
    assert [item["type"] for item in (chapter, book, preprint)] == ["chapter", "book", "article"]
    about = {"publisher": "Invented Press", "publisher-place": "Oslo", "edition": "2nd"}
    about |= {"ISBN": "9780000000002", "collection-title": "Handbooks"}
    about |= {"editor": [{"family": "Ek", "given": "Bo"}], "issued": {"date-parts": [[2019]]}}
    assert about.items() <= chapter.items()
    assert about.items() <= book.items()
    assert chapter["container-title"] == book["title"] == "Handbook of Flight Medicine"
    assert "container-title" not in book
    assert preprint["publisher"].startswith("medRxiv")
    assert preprint["genre"] == "Preprint"
    assert "container-title" not in preprint


def numbered(fields: Iterable[dict[str, Any]]) -> tuple[Article, ...]:
    """An article for each of these, with PMIDs from 1 on."""
    return tuple(
        Article(**{"pmid": pmid, "title": "T"} | each) for pmid, each in enumerate(fields, 1)
    )


def test_pages(export: Export) -> None:
    cases = [
        ("123-9", "123", "129"),
        ("1198-203", "1198", "1203"),
        ("123-129", "123", "129"),
        ("9-11", "9", "11"),
        ("S12-8", "S12", "S18"),
        ("e12-e18", "e12", "e18"),
        ("101-10.e1", "101", "110.e1"),
        ("iii-iv", "iii", "iv"),
        ("123–9", "123", "129"),
        ("77", "77", None),
        ("e1234567", "e1234567", None),
        ("123-9; quiz 130-1", "123-129; quiz 130-131", None),
        ("5.17-5.20", "5.17", "5.20"),
        ("12-5-12-10", "12-5-12-10", None),
        ("123-2", "123", "2"),
    ]
    articles = numbered({"pages": pages} for pages, _, _ in cases)
    ris = read_ris(export("found.ris", *articles))
    bibtex = read_bibtex(export("found.bib", *articles), latex=True)
    csl_json = read_csl_json(export("found.json", *articles))
    for pmid, (_, first, last) in enumerate(cases, 1):
        assert (ris[pmid]["start_page"], ris[pmid].get("end_page")) == (first, last)
        assert bibtex[pmid]["pages"] == (f"{first}--{last}" if last else first)
        assert csl_json[pmid]["page"] == (f"{first}-{last}" if last else first)


def test_dates(export: Export) -> None:
    cases: list[tuple[str | None, str | None, str | None, str | None, str | None, Any]] = [
        ("2020-12-14", "day", "2020", "2020/12/14/", "dec", {"date-parts": [[2020, 12, 14]]}),
        ("2020-12", "month", "2020", "2020/12//", "dec", {"date-parts": [[2020, 12]]}),
        ("1847", "year", "1847", None, None, {"date-parts": [[1847]]}),
        (
            "2019-03",
            "season",
            "2019",
            "2019///Spring",
            "Spring",
            {"date-parts": [[2019]], "season": 1},
        ),
        (
            "2019-12",
            "season",
            "2019",
            "2019///Winter",
            "Winter",
            {"date-parts": [[2019]], "season": 4},
        ),
        (None, None, None, None, None, None),
        ("2020-13", "month", "2020", None, None, {"date-parts": [[2020]]}),
        ("soon", None, None, None, None, None),
    ]
    articles = numbered(
        {"published": published, "published_precision": precision}
        for published, precision, *_ in cases
    )
    ris = read_ris(export("found.ris", *articles))
    bibtex = read_bibtex(export("found.bib", *articles))
    csl_json = read_csl_json(export("found.json", *articles))
    for pmid, (_, _, year, date, month, issued) in enumerate(cases, 1):
        assert (ris[pmid].get("year"), ris[pmid].get("date")) == (year, date)
        assert (bibtex[pmid].get("year"), bibtex[pmid].get("month")) == (year, month)
        assert csl_json[pmid].get("issued") == issued


def test_titles_in_bibtex(export: Export) -> None:
    cases = [
        ("Parkinson's disease in the Tyrol", "Parkinson's disease in the {Tyrol}"),
        ("HIV: Five years on: AIDS", "{HIV:} Five years on: {AIDS}"),
        ("Ärzte und Œdeme", "Ärzte und {Œdeme}"),
        ("#MeToo and &Co at $5", r"{{\#MeToo}} and {{\&Co}} at \$5"),
        ("A~B^c\\d", r"{A\textasciitilde{}B\textasciicircum{}c\textbackslash{}d}"),
        ("One { alone", r"One \textbraceleft{} alone"),
        ("The wrong }way{ round", r"The wrong \textbraceright{}way\textbraceleft{} round"),
        ("Two\nlines\x00 and\u2028more", "Two lines and more"),
    ]
    text = export("found.bib", *numbered({"title": title} for title, _ in cases))
    entries = read_bibtex(text, latex=True)
    assert [entries[pmid]["title"] for pmid in sorted(entries)] == [latex for _, latex in cases]


def test_names_that_bibtex_would_split(export: Export) -> None:
    article = Article(
        pmid=39100001,
        title="Names",
        authors=(
            Author(name="R&D and Others, Inc.", collective=True),
            Author(name="Jo Black and White", last_name="Black and White", fore_name="Jo"),
            Author(name="Al Hill, PhD", last_name="Hill, PhD", fore_name="Al"),
            Author(name="Person of One Name"),
        ),
        authors_complete=False,
    )
    names = [
        r"{R\&D and Others, Inc.}",
        "{Black and White}, Jo",
        "{Hill, PhD}, Al",
        "{Person of One Name}",
        "others",
    ]
    text = export("found.bib", article)
    assert read_bibtex(text, latex=True)[article.pmid]["author"] == names
    text = export("found.ris", article)
    assert read_ris(text)[article.pmid]["authors"] == [
        "R&D and Others Inc.,",
        "Black and White, Jo",
        "Hill PhD, Al",
        "Person of One Name,",
    ]


def test_no_text_ends_its_field(export: Export) -> None:
    end = "X\nER  -\r\n}},\n@book{b,\n"
    article = Article(
        pmid=39100001,
        title=end,
        abstract=f"{end}\n{end}",
        journal=end,
        issn=end,
        volume=end,
        pages=end,
        doi=end,
        pmcid=end,
        languages=(end,),
        authors=(Author(name=end), Author(name=end, last_name=end, fore_name=end, suffix=end)),
        mesh=(MeshHeading(name=end, qualifiers=(Qualifier(name=end),)),),
        keywords=(end,),
    )
    line = "X ER  - }}, @book{b,"
    (entry,) = read_ris(export("found.ris", article)).values()
    assert entry["title"] == entry["secondary_title"] == entry["volume"] == line
    assert entry["abstract"] == f"{line} {line}"
    (entry,) = read_bibtex(export("found.bib", article)).values()
    assert entry["key"] == "pmid39100001"
    assert read_csl_json(export("found.json", article))[39100001]["title"] == line


def test_a_title_in_its_own_language_stands_in_for_a_missing_one(export: Export) -> None:
    article = Article(pmid=39100001, vernacular_title="Knöchel", languages=("ger",))
    assert read_ris(export("found.ris", article))[article.pmid]["title"] == "Knöchel"
    assert read_csl_json(export("found.json", article))[article.pmid]["language"] == "de"


def test_formats_by_name_and_by_option(export: Export, pubgrade: Any) -> None:
    for name, file in FORMATS.items():
        text = export(file, TRIAL, CHAPTER)
        shouted = file.upper()
        assert export(shouted, TRIAL, CHAPTER) == text
        printed = pubgrade("export", "-", "--format", name)
        assert printed.returncode == 0
        assert printed.stdout == text
        assert pubgrade("export", "other.txt", "--format", name).returncode == 0
        assert (pubgrade.folder / "other.txt").read_bytes().decode() == text
    told_of = json.loads(pubgrade("export", "found.bib", "--json").stdout)
    assert told_of == {"file": "found.bib", "format": "bibtex", "records": 2}


def test_stdout_is_utf_8_in_any_locale(export: Export, pubgrade: Any) -> None:
    text = export("found.ris", TRIAL)
    printed = subprocess.run(
        [*pubgrade.command, "export", "-", "--format", "ris"],
        cwd=pubgrade.folder,
        env=pubgrade.environment | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert printed.stdout.decode() == text


def test_nothing_found(export: Export, pubgrade: Any) -> None:
    export("found.ris", TRIAL)
    for name, nothing in {"ris": "", "bibtex": "", "csl-json": "[]\n"}.items():
        assert pubgrade("export", "-", "unicorns", "--format", name).stdout == nothing


@pytest.mark.parametrize("arguments", ["found.xyz", "found", "found.csv --format endnote"])
def test_a_format_that_there_is_not(pubgrade: Any, arguments: str) -> None:
    refused = pubgrade("export", *arguments.split())
    assert refused.returncode == 2
    for name in ("jsonl", "csv", "ris", "bibtex", "csl-json", "parquet", ".bib", ".json"):
        assert name in refused.stderr


# --- real records ----------------------------------------------------------------------------------


def one_line(text: str | None) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+ *", " ", text or "").strip()


def as_tex_prints(text: str) -> str:
    """With the ligatures of TeX, and as pylatexenc writes a circumflex."""
    for typed, printed in {"---": "—", "--": "–", "``": "“", "''": "”", "^": "ˆ"}.items():
        text = text.replace(typed, printed)
    return " ".join(text.split())


@pytest.mark.skipif(not FILES, reason=f"no records at {RECORDS} (PUBGRADE_DATA)")
def test_real_records_read_back(export: Export) -> None:
    articles: dict[int, Article] = {}
    for path in FILES:
        for block in read_blocks(str(path), size=1, shares=STEP):
            for item in block:
                if isinstance(item, ParsedArticle):
                    articles.setdefault(item.article.pmid, item.article)
    ris = read_ris(export("found.ris", *articles.values()))
    bibtex = read_bibtex(export("found.bib", *articles.values()), latex=True)
    csl_json = read_csl_json(export("found.json", *articles.values()))
    printed = LatexNodes2Text().latex_to_text
    assert ris.keys() == bibtex.keys() == csl_json.keys() == articles.keys()
    for pmid, article in articles.items():
        title = one_line(article.title or article.vernacular_title)
        assert ris[pmid].get("title", "") == title
        assert as_tex_prints(printed(bibtex[pmid].get("title", ""))) == as_tex_prints(title)
        assert csl_json[pmid].get("title", "") == title
        doi = article.doi
        assert ris[pmid].get("doi") == bibtex[pmid].get("doi") == csl_json[pmid].get("DOI") == doi
        authors = sum(author.valid for author in article.authors)
        assert len(ris[pmid].get("authors", ())) == authors
        assert len(csl_json[pmid].get("author", ())) == authors
        others = bool(authors) and not article.authors_complete  # "and others"
        assert len(bibtex[pmid].get("author", ())) == authors + others
        assert ris[pmid]["id"] == bibtex[pmid]["key"] == csl_json[pmid]["id"] == f"pmid{pmid}"
