"""Sources a person names: what is wrong with a file is said, what stands before it is kept."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from worker.errors import SourceError
from worker.files import list_sources, read_source
from worker.parsed import MalformedRecord, Parsed, ParsedArticle


def pubmed_set(count: int) -> bytes:
    records = "".join(
        f"<PubmedArticle><MedlineCitation><PMID>{n}</PMID><Article><ArticleTitle>T{n * 7919 % 104729}"
        "</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
        for n in range(1, count + 1)
    )
    return f"<PubmedArticleSet>{records}</PubmedArticleSet>".encode()


def read_until_fault(path: Path) -> tuple[list[Parsed], str]:
    found: list[Parsed] = []
    with pytest.raises(SourceError) as fault:
        found.extend(read_source(str(path)))  # keeps what came before the fault
    return found, str(fault.value)


def test_plain_and_gzipped_are_told_by_content(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(gzip.compress(pubmed_set(3)))  # gz without the name
    (tmp_path / "b.xml.gz").write_bytes(pubmed_set(2))  # the name without gz
    for name, count in (("a.xml", 3), ("b.xml.gz", 2)):
        assert len(list(read_source(str(tmp_path / name)))) == count


@pytest.mark.parametrize("damage", ["cut", "checksum", "garbage inside"])
def test_damaged_gz_gives_what_stood_before(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(pubmed_set(20_000))
    half = len(packed) // 2
    path = tmp_path / "x.xml.gz"
    path.write_bytes(
        {
            "cut": packed[:half],
            "checksum": packed[:-8] + b"\x01\x02\x03\x04" + packed[-4:],
            "garbage inside": packed[:half] + b"\xff" * 64 + packed[half + 64 :],
        }[damage]
    )
    found, fault = read_until_fault(path)
    articles = [item for item in found if isinstance(item, ParsedArticle)]
    assert len(articles) > (19_000 if damage == "checksum" else 5_000)
    assert [item.article.pmid for item in articles[:100]] == list(range(1, 101))
    assert "x.xml.gz" in fault
    assert "download it again" in fault.lower()


@pytest.mark.parametrize(
    ("name", "body", "what"),
    [
        ("e.xml", b"", "is empty"),
        ("e.xml.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("p.xml", b"<!DOCTYPE html><html><body>busy</body></html>", "web page"),
        ("c.xml", pubmed_set(2)[:-30], "cut short"),
        ("z.txt", b"\x00\x01\x02", "is not PubMed XML"),
        ("w.nbib", b"Notes - none\nTI  - no number\n", "no MEDLINE record"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, body: bytes, what: str) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    _, fault = read_until_fault(path)
    assert what in fault
    assert name in fault


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing in this folder"):
        list_sources([str(tmp_path)])
    for name in ("b.nbib", "a.xml.gz", "notes.md"):
        (tmp_path / name).write_bytes(b"x")
    assert [Path(found).name for found in list_sources([str(tmp_path)])] == ["a.xml.gz", "b.nbib"]
    with pytest.raises(SourceError, match="no such file"):
        list_sources([str(tmp_path / "gone.xml")])


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"pmid": 1, "title": "T", "abstract": "A."}\n\n{"pmid": "2", "title": null}\n{"pmid": 0}\n{broken\n'
    )
    found = list(read_source(str(path)))
    articles = [item.article for item in found if isinstance(item, ParsedArticle)]
    assert [(a.pmid, a.title, a.abstract) for a in articles] == [(1, "T", "A."), (2, "", "")]
    assert articles[0].sections[0].text == "A."
    errors = [item.error for item in found if isinstance(item, MalformedRecord)]
    assert [error.split(":")[0] for error in errors] == ["line 4", "line 5"]


@pytest.mark.parametrize(
    "line",
    [
        '{"pmid": 7, "pub_types": ["Letter", "JOURNAL ARTICLE"], "mesh": ["Humans", "*Gout/*drug therapy"], "journal": "J", "year": 1998}',
        '{"pmid": "7", "publication_types": "Letter|JOURNAL ARTICLE", "mesh": "Humans; *Gout/*drug therapy", "journal": "J", "year": 1998}',
        '{"pmid": 7, "publication_types": ["Letter", {"name": "JOURNAL ARTICLE"}], "mesh": ["Humans", "*Gout/*drug therapy"], "journal": "J", "year": "1998"}',
    ],
)  # fmt: skip
def test_json_lines_with_tags_by_name(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line + "\n")
    (found,) = read_source(str(path))
    assert isinstance(found, ParsedArticle)
    article = found.article
    assert [kind.name for kind in article.publication_types] == ["Letter", "Journal Article"]
    assert [(tag.name, tag.major) for tag in article.mesh] == [("Humans", False), ("Gout", True)]
    assert article.mesh[1].qualifiers[0].name == "drug therapy"
    assert article.journal == "J"
    assert (article.published, article.published_precision) == ("1998", "year")
