"""A mirror with filters: it holds what a query with these filters finds in a whole mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bulk_site import BulkSite, bulk_file, record, retraction_notice

from grading.levels import SCHEMES
from storage import Store
from storage.records import Query
from worker.errors import ConfigError, MirrorError
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


def run(store: Store, site: BulkSite, query: Query | None = None) -> list[int]:
    """Mirror once; how many records of each file were left out."""
    folder = Path(store.url.removeprefix("sqlite:///")).parent / "files"
    selection = Selection.of(query) if query else None
    site_ = Site(site.url, tries=2, wait=0.01)
    return [loaded.left_out for loaded in mirror(store, site_, folder, selection=selection)]


def pmids(store: Store, query: Query | None = None) -> set[int]:
    return {found.article.pmid for found in store.records(query or Query(limit=0))}


QUERIES = [
    {"words": "gout"},
    {"words": '("cohort study" OR randomi*) NOT gout', "since": "2023"},
    {"words": "title:trial OR retraction", "not_flags": ("retracted",)},
    {"designs": ("randomized_controlled_trial", "case_report")},
    {"question": "therapy"},
    {"mesh": "HUMANS"},
    {"mesh": "d000001"},
    {"mesh": "gout", "since": "2024-01-03"},
    {"since": "2024-01-05", "until": "2024-01-20"},
    {"since": "2024", "until": "2024-01"},
    {"not_flags": ("retracted",)},
    {"flags": ("retracted",)},
    *({"level": ("1", "2"), "scheme": scheme} for scheme in ("ocebm_2011", "sort")),
    {"level": ("1a", "2b"), "scheme": "ocebm_2009"},
    {"level": ("high", "high"), "scheme": "grade_start"},
    {"level": ("II", "III-3"), "scheme": "nhmrc", "not_flags": ("retracted",)},
]


def test_it_keeps_what_a_query_finds(opened: Callable[[str], Store], site: BulkSite) -> None:
    records = [record(pmid).replace("<Year>2024</Year>", f"<Year>{2022 + pmid % 4}</Year>")
               for pmid in range(1, 61)]  # fmt: skip
    records += [retraction_notice(100, of=7), retraction_notice(101, of=8)]
    site.put(FIRST, bulk_file(records))
    whole = opened("whole")
    run(whole, site)
    everything = pmids(whole)
    assert len(everything) == 62
    seen = set()
    for number, fields in enumerate(QUERIES):
        query = Query(**fields, limit=0)  # type: ignore[arg-type]
        wanted = pmids(whole, query)
        store = opened(str(number))
        left_out = run(store, site, query)
        kept = pmids(store)
        assert pmids(store, query) == wanted, fields
        # beside what matches only notices about it
        notices = {notice for notice, about in ((100, 7), (101, 8)) if about in wanted}
        assert kept == wanted | notices, fields
        assert left_out == [62 - len(kept)]
        seen.add(frozenset(wanted))
    assert len(seen) > len(QUERIES) / 2  # the filters tell something apart
    assert {fields.get("scheme", "ocebm_2011") for fields in QUERIES} == set(SCHEMES) - {"jbjs"}


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
    selection = Selection.of(Query(), ["ENG"])
    assert str(selection) == "--language eng"
    files = Path(store.url.removeprefix("sqlite:///")).parent / "files"
    assert len(list(mirror(store, Site(site.url), files, selection=selection))) == 1
    assert pmids(store) == {1, 3}
    with pytest.raises(ConfigError, match=r"--language english: .*three letters"):
        Selection.of(Query(), ["english"])


def test_words_are_shown_as_they_were_typed() -> None:
    selection = Selection.of(Query(words='  "heart failure"  NOT mice', mesh="Gout"))
    assert selection is not None
    assert Selection.read(selection.text) == selection
    assert str(selection) == "'\"heart failure\" NOT mice' --mesh Gout"


def test_what_was_kept_is_followed(opened: Callable[[str], Store], site: BulkSite) -> None:
    """Revised out of the filter, retracted, deleted; what came to match joins; twice is once."""
    site.put(FIRST, bulk_file(record(pmid, mesh=("Gout",)) for pmid in range(1, 5)))
    store, query = opened("gout"), Query(mesh="Gout")
    run(store, site, query)
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
    run(store, site, query)
    assert pmids(store) == {1, 2, 4, 9, 50}
    warned = store.get(2)
    assert warned is not None
    assert warned.article.title.endswith("Revision 3.")
    assert "retracted" in warned.grade.flags  # though the article itself does not say so


def test_other_filters_are_refused(opened: Callable[[str], Store], site: BulkSite) -> None:
    site.put(FIRST, bulk_file([record(1)]))
    some, whole = opened("some"), opened("whole")
    run(some, site, Query(level=("1", "2"), flags=("preprint",), mesh="Heart Failure"))
    run(whole, site)
    with pytest.raises(MirrorError, match="mirrors all of PubMed, not --mesh Gout"):
        run(whole, site, Query(mesh="Gout"))
    with pytest.raises(MirrorError) as refused:
        run(some, site, Query(mesh="Gout"))
    asked = "only --level 1-2 --scheme ocebm_2011 --mesh 'Heart Failure' --flag preprint, not"
    assert asked in str(refused.value)
    assert Selection.of(Query()) is None
    with pytest.raises(ConfigError, match="--since 0000: no such date"):
        Selection.of(Query(since="0000"))


def test_the_command(pubgrade: Pubgrade, site: BulkSite) -> None:
    site.put(FIRST, bulk_file(record(n, mesh=("Gout",) if n < 3 else ()) for n in range(1, 6)))
    there: dict[str, Any] = {"PUBGRADE_MIRROR__BASE_URL": site.url}
    wrong = pubgrade("mirror", "--design", "randomized_controled_trial", **there)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean randomized_controlled_trial?" in wrong.stderr
    planned = pubgrade("mirror", "--dry-run", "--mesh", "Gout", **there)
    assert "Kept of it is only --mesh Gout." in planned.stdout, planned.stderr
    done = pubgrade("mirror", "--mesh", "Gout", "--workers", "1", **there)
    assert done.returncode == 0, done.stderr
    assert "2 new" in done.stdout
    assert "3 left out" in done.stdout
    other = pubgrade("mirror", "--mesh", "Sepsis", **there)
    assert other.returncode == 1
    assert "mirrors only --mesh Gout, not --mesh Sepsis" in other.stderr
