"""A mirror with filters: it holds what a query with these filters finds in a whole mirror."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bulk_site import BulkSite, bulk_file, record, retraction_notice

from grading.levels import SCHEMES
from storage import Store
from storage.records import Query
from worker.errors import ConfigError
from worker.mirror import mirror
from worker.nlm_site import Site
from worker.selection import Selection

if TYPE_CHECKING:
    from conftest import Pubgrade

FIRST, SECOND = "baseline/pubmed26n0001.xml.gz", "updatefiles/pubmed26n0002.xml.gz"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    stores: dict[str, Store] = {}

    def opened(name: str) -> Store:
        if name not in stores:
            stores[name] = Store.open(str(tmp_path / f"{name}.db"))
        return stores[name]

    yield opened
    for store in stores.values():
        store.close()


def run(store: Store, site: BulkSite, typed: str = "") -> list[int]:
    """Mirror once; how many records of each file were left out."""
    folder = Path(store.url.removeprefix("sqlite:///")).parent / "files"
    selection = Selection.of(typed)
    site_ = Site(site.url, tries=2, wait=0.01)
    return [loaded.left_out for loaded in mirror(store, site_, folder, selection=selection)]


def pmids(store: Store, query: Query | None = None) -> set[int]:
    return {found.article.pmid for found in store.records(query or Query(limit=0))}


# What is typed, and the query that it means.
FILTERS: list[tuple[str, dict[str, Any]]] = [
    ("gout", {"words": "gout"}),
    (
        '("cohort study" OR randomi*) NOT gout --since=2023',
        {"words": '("cohort study" OR randomi*) NOT gout', "since": "2023"},
    ),
    (
        "title:trial OR retraction --not-flag retracted",
        {"words": "title:trial OR retraction", "not_flags": ("retracted",)},
    ),
    (
        "--design case_report --design randomized_controlled_trial",
        {"designs": ("randomized_controlled_trial", "case_report")},
    ),
    ("--question therapy", {"question": "therapy"}),
    ("--mesh HUMANS", {"mesh": "HUMANS"}),
    ("--mesh d000001", {"mesh": "d000001"}),
    ("--mesh 'gout' --since 2024-01-03", {"mesh": "gout", "since": "2024-01-03"}),
    ("--since 2024-01-05 --until 2024-01-20", {"since": "2024-01-05", "until": "2024-01-20"}),
    ("--since 2024 --until 2024-01", {"since": "2024", "until": "2024-01"}),
    ("--not-flag retracted", {"not_flags": ("retracted",)}),
    ("--flag retracted", {"flags": ("retracted",)}),
    ("--level 1-2", {"level": ("1", "2")}),
    ("--level 1-2 --scheme sort", {"level": ("1", "2"), "scheme": "sort"}),
    ("--scheme ocebm_2009 --level 1A-2b", {"level": ("1a", "2b"), "scheme": "ocebm_2009"}),
    ("--level high --scheme grade_start", {"level": ("high", "high"), "scheme": "grade_start"}),
    (
        "--level III-3-II --scheme nhmrc --not-flag retracted",
        {"level": ("II", "III-3"), "scheme": "nhmrc", "not_flags": ("retracted",)},
    ),
    ("--min-n 120", {"min_n": 120}),
    ('--journal "journal of invented studies"', {"journal": "journal of invented studies"}),
    ("--author 'Second A' --journal 1234-5679", {"author": "Second A", "journal": "1234-5679"}),
    ("trial --author first", {"words": "trial", "author": "first"}),
]


def made(pmid: int) -> str:
    """Years, journals and authors differ."""
    xml = record(pmid).replace("<Year>2024</Year>", f"<Year>{2022 + pmid % 4}</Year>")
    if pmid % 3 == 0:
        xml = re.sub("<Title>[^<]*</Title>", "<Title>Journal of Invented Studies</Title>", xml)
        xml = xml.replace("<NlmUniqueID>0000001<", "<NlmUniqueID>0000003<")
    if pmid % 5 == 0:
        xml = xml.replace("0000-0000</ISSN>", "1234-5679</ISSN>")
        xml = re.sub("<NlmUniqueID>0*", "<NlmUniqueID>99", xml)
    name = ("First", "Second")[pmid % 2]
    return re.sub(
        "<LastName>[^<]*</LastName>.*?</Author>",
        f"<LastName>{name}</LastName><ForeName>Ann</ForeName><Initials>A</Initials></Author>",
        xml,
        count=1,
        flags=re.DOTALL,
    )


def test_it_keeps_what_a_query_finds(opened: Callable[[str], Store], site: BulkSite) -> None:
    records = [made(pmid) for pmid in range(1, 61)]
    records += [retraction_notice(100, of=7), retraction_notice(101, of=8)]
    site.put(FIRST, bulk_file(records))
    whole = opened("whole")
    run(whole, site)
    everything = pmids(whole)
    assert len(everything) == 62
    seen = set()
    for number, (typed, fields) in enumerate(FILTERS):
        query = Query(**fields, limit=0)
        wanted = pmids(whole, query)
        store = opened(str(number))
        left_out = run(store, site, typed)
        kept = pmids(store)
        assert pmids(store, query) == wanted, typed
        # beside what matches only notices about it
        notices = {notice for notice, about in ((100, 7), (101, 8)) if about in wanted}
        assert kept == wanted | notices, typed
        assert left_out == [62 - len(kept)]
        seen.add(frozenset(wanted))
    assert len(seen) > len(FILTERS) * 0.7  # the filters tell something apart
    asked = {fields.get("scheme", "ocebm_2011") for _, fields in FILTERS}
    assert asked == set(SCHEMES) - {"jbjs"}


def test_languages(opened: Callable[[str], Store], site: BulkSite) -> None:
    languages = {1: "eng", 2: "fre", 3: "fre</Language><Language>eng", 4: "ger"}
    site.put(
        FIRST,
        bulk_file(
            record(pmid).replace("<Language>eng<", f"<Language>{language}<")
            for pmid, language in languages.items()
        ),
    )
    store = opened("some")
    assert run(store, site, "--language ENG") == [2]
    assert pmids(store) == {1, 3}


def test_a_selection_is_shown_as_it_may_be_typed() -> None:
    for typed in (
        """  "heart failure"  NOT mice  --mesh 'Heart Failure'""",
        """title:"Crohn's disease" --author "Smith J" --language ger --language eng --min-n 0""",
        '"--level" is a word in quotes',
        '--level "very low" --scheme grade_start',
    ):
        selection = Selection.of(typed)
        assert selection is not None
        assert Selection.read(selection.text) == selection
        assert Selection.of(selection.filter) == selection
    gout = Selection.of("""--mesh 'Heart Failure' "heart failure"  NOT mice --level 1 """)
    assert gout is not None
    assert gout.filter == '"heart failure" NOT mice --level 1 --mesh "Heart Failure"'
    assert Selection.of(" ") is None
    assert (
        str(Selection.of(gout.filter, abstracts=False)) == f"only {gout.filter}, without abstracts"
    )
    assert str(Selection.of("", abstracts=False)) == "all of PubMed, without abstracts"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("gout --lvel 1", "--lvel: unknown; did you mean --level?"),
        ("gout --design rct", "--design rct: unknown; did you mean randomized_controlled_trial?"),
        ("--level", "--level needs a value, as in --level 1-2"),
        ("--mesh --level 1", "--mesh needs a value, as in --mesh Gout"),
        ("--level 6", "--level 6: the levels of ocebm_2011 are 1, 2, 3, 4, 5"),
        ("--min-n many", "--min-n many: a sample size is a whole number"),
        ("--since 0000", "--since 0000: no such date"),
        ("--language english", "--language english: MEDLINE's codes have three letters"),
        ("--topic gout", "--topic: no article has a topic before it is stored"),
        ("gout --sort date", "--sort: all that matches is kept, in no order"),
        ("gout --limit 5", "--limit: all that matches is kept"),
        ("--added-since 2024-01-01", "--added-since: no article is stored yet"),
        ("?! --level 1", "?!: no word to look for, only signs"),
    ],
)
def test_a_filter_that_cannot_be_read(typed: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Selection.of(typed)


def test_what_was_kept_is_followed(opened: Callable[[str], Store], site: BulkSite) -> None:
    """Revised out of the filter, retracted, deleted; what came to match joins; twice is once."""
    site.put(FIRST, bulk_file(record(pmid, mesh=("Gout",)) for pmid in range(1, 5)))
    store = opened("gout")
    run(store, site, "--mesh Gout")
    assert pmids(store) == {1, 2, 3, 4}
    site.put(
        SECOND,
        bulk_file(
            [
                record(1, revision=2, mesh=("Humans",)),  # matches no more
                retraction_notice(50, of=2),  # does not match, but is about a kept article
                retraction_notice(51, of=9),  # about nothing here
                record(8, mesh=("Humans",)),
                record(9, mesh=("Humans",)),
            ],
            deleted=[3, 8],
        ),
    )
    assert run(store, site) == [3]  # the filters are remembered
    assert pmids(store) == {1, 2, 4, 50}
    moved = store.get(1)
    assert moved is not None
    assert moved.article.title.endswith("Revision 2.")
    assert pmids(store, Query(mesh="Gout", limit=0)) == {2, 4}
    site.put(
        "updatefiles/pubmed26n0003.xml.gz",
        bulk_file([record(2, revision=3, mesh=("Gout",)), record(9, revision=1, mesh=("gout",))]),
    )
    run(store, site, "--mesh Gout")
    assert pmids(store) == {1, 2, 4, 9, 50}
    warned = store.get(2)
    assert warned is not None
    assert warned.article.title.endswith("Revision 3.")
    assert "retracted" in warned.grade.flags  # though the article itself does not say so


def test_other_filters_are_refused(opened: Callable[[str], Store], site: BulkSite) -> None:
    site.put(FIRST, bulk_file([record(1)]))
    some, whole = opened("some"), opened("whole")
    typed = '--level 1-2 --mesh "Heart Failure" --flag preprint'
    run(some, site, typed)
    run(whole, site)
    with pytest.raises(ConfigError, match="mirrors all of PubMed; wanted now: only --mesh Gout"):
        run(whole, site, "--mesh Gout")
    with pytest.raises(ConfigError) as refused:
        run(some, site, "--mesh Gout")
    assert f"only {typed}; wanted now: only --mesh Gout. Leave" in str(refused.value)
    assert run(some, site, "--flag preprint --level=1-2 --mesh 'Heart Failure'") == []  # the same


def test_the_command(pubgrade: Pubgrade, site: BulkSite) -> None:
    site.put(FIRST, bulk_file(record(n, mesh=("Gout",) if n < 3 else ()) for n in range(1, 6)))
    there: dict[str, Any] = {"PUBGRADE_MIRROR__BASE_URL": site.url}
    wrong = pubgrade("mirror", "--filter", "--design randomized_controled_trial", **there)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean randomized_controlled_trial?" in wrong.stderr
    planned = pubgrade("mirror", "--dry-run", "--filter", "--mesh Gout", **there)
    assert "Of it the store keeps only --mesh Gout." in planned.stdout, planned.stderr
    done = pubgrade("mirror", "--filter", "--mesh Gout", "--workers", "1", **there)
    assert done.returncode == 0, done.stderr
    assert "2 new" in done.stdout
    assert "3 left out" in done.stdout
    other = pubgrade("mirror", "--filter", "--mesh Sepsis", **there)
    assert other.returncode == 2
    assert "mirrors only --mesh Gout; wanted now: only --mesh Sepsis" in other.stderr
    with_words = pubgrade("mirror", "gout", **there)
    assert with_words.returncode == 2


def test_the_filter_of_the_configuration(pubgrade: Pubgrade, site: BulkSite) -> None:
    site.put(FIRST, bulk_file(record(n, mesh=("Gout",) if n < 3 else ()) for n in range(1, 6)))
    config = pubgrade.folder / "config.toml"
    config.write_text(f'[mirror]\nbase_url = "{site.url}"\nfilter = "gout --lvel 1"\n')
    wrong = pubgrade("mirror", "--dry-run")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "[mirror] filter must be what may stand behind `pubgrade query`" in wrong.stderr
    assert "--lvel: unknown; did you mean --level?" in wrong.stderr
    config.write_text(f'[mirror]\nbase_url = "{site.url}"\nfilter = "--mesh Gout"\n')
    planned = pubgrade("mirror", "--dry-run", "--json")
    assert json.loads(planned.stdout)["filter"] == "--mesh Gout"
    other = pubgrade("mirror", "--dry-run", "--json", "--filter", "--level 1")  # goes before it
    assert json.loads(other.stdout)["filter"] == "--level 1"
    done = pubgrade("mirror", "--workers", "1")
    assert "2 new" in done.stdout, done.stderr
