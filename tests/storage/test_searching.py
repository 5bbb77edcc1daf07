"""What queries find: words, filters, order, pages, counts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grading.article import Author, MeshHeading
from grading.grades import Levels
from storage import Store
from storage.errors import CursorError
from storage.records import Query


def pmids(store: Store, **filters: Any) -> list[int]:
    found = [record.article.pmid for record in store.search(Query(**filters)).records]
    if filters.get("limit", 20) >= 20:
        assert store.count(Query(**filters)) == len(found)
    return found


def everything(store: Store, query: Query) -> list[int]:
    found = []
    while True:
        page = store.search(query)
        assert len(page.records) <= query.limit
        found += [record.article.pmid for record in page.records]
        if page.next_cursor is None:
            return found
        query = dataclasses.replace(query, after=page.next_cursor)


@pytest.fixture
def library(store: Store, make: Any) -> Store:
    store.save(
        [
            make.entry(
                1,
                title="Randomised trial of CO₂ lasers for oesophageal tumours",
                abstract="Patients with Sjögren’s syndrome. PD-1 blockade.",
                mesh=(),
            ),
            make.entry(
                2,
                title="Heart failure in travellers",
                abstract="Mortality fell. Operative care. Tumour seen once.",
                keywords=("anaemia",),
            ),
            make.entry(3, title="Failure of the heart pump", abstract="No operation. COVID-19."),
        ]
    )
    return store


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("heart failure", {2, 3}),
        ('"heart failure"', {2}),
        ("“heart failure”", {2}),
        ("heart AND mortality", {2}),
        ("mortality OR pump", {2, 3}),
        ("heart NOT pump", {2}),
        ("heart AND NOT pump", {2}),
        ("(mortality OR pump) operation", {2, 3}),
        ("laser OR heart pump", {1, 3}),
        ("CO2", {1}),
        ("CO₂", {1}),
        ("sjogren", {1}),
        ("Sjögren's", {1}),
        ("randomized", {1}),
        ("RANDOMISED", {1}),
        ("esophageal tumor", {1}),
        ("anemia", {2}),
        ("pd-1", {1}),
        ("1-pd", set()),
        ("mortal*", {2}),
        ("operati*", {2, 3}),
        ("random*", {1}),
        ("mortali*", {2}),
        ("generali*", set()),
        ("covid-1*", {3}),
        ('"heart fail"*', {2}),
        ("title:tumour", {1}),
        ("title:(heart failure) NOT pump", {2}),
        ('title:"heart failure"', {2}),
        ("tumour[ti]", {1}),
        ("tumour[tiab]", {1, 2}),
        ("anaemia[ot]", {2}),
        ("heart[au]", {2, 3}),
        ("NEAR(failure pump, 3)", {3}),
        ("NEAR(heart tumour, 1)", set()),
        ("stockings[mh]", {2, 3}),
        ("air travel", {1, 3}),
        ("cohort_study", set()),
        ("designxcohortstudyx0", set()),
        ("facets:designxcohortstudyx0", set()),
        ("🙂", set()),
        ("heart 🙂", {2, 3}),
        ("???", set()),
        ("  ", {1, 2, 3}),
        ("heart AND", set()),
        ("NOT heart", set()),
        ('"heart failure', {2, 3}),
        ("((heart", {2, 3}),
        ("heart))", {2, 3}),
        ("() heart", {2, 3}),
    ],
)
def test_words(library: Store, words: str, found: set[int]) -> None:
    assert set(pmids(library, words=words)) == found


@pytest.mark.parametrize(
    ("beginning", "title"),
    [
        ("operati", "operation"),
        ("operati", "operative"),
        ("diabet", "diabetics"),
        ("hypertensi", "hypertension"),
        ("aetiologi", "aetiology"),
        ("cardiolog", "cardiologists"),
        ("accessib", "accessibly"),
        ("reversib", "reversible"),
        ("assembli", "assembly"),
        ("doubli", "doubling"),
        ("randomi", "randomisation"),
    ],
)
def test_words_are_found_by_their_beginning(
    store: Store, make: Any, beginning: str, title: str
) -> None:
    store.save([make.entry(1, title=title), make.entry(2, title="Others")])
    assert pmids(store, words=f"title:{beginning}*") == [1]


TYPED = st.lists(
    st.sampled_from(
        ["heart", "AND", "OR", "NOT", "NEAR", "NEAR(", "(", ")", '"', "*", "-", "+", "^", ":", "{",
         "}", "[ti]", "[", "]", "title:", "facets:", "full_text:", ",5)", "'", "--", ";", "\0", "é",
         "ﬁ", "🙂", "\\", "%", "fail*", "a-b", "\ud800", "1", "tumour"]
    )
    | st.text(max_size=6),
    max_size=14,
).flatmap(lambda parts: st.sampled_from(["", " "]).map(lambda gap: gap.join(parts)))  # fmt: skip


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=TYPED)
@example(words="(" * 500 + "heart" + ")" * 500)
@example(words="title:" * 1600 + "heart")
@example(words="title:(a OR b c NOT (" * 60)
@example(words="(a OR (b c NOT (" * 60)
@example(words="NOT " * 300)
@example(words="heart AND " * 400 + "failure")
@example(words="heart OR NOT OR failure")
@example(words="(heart OR ) NOT ( )")
@example(words="a" * 20_000)
@example(words="fail* " * 300)
def test_no_words_raise(library: Store, words: str) -> None:
    library.search(Query(words=words))
    library.count(Query(words=words, designs=("cohort_study",)))


def test_the_longest_pmids_are_found_as_all_others(store: Store, make: Any) -> None:
    known = [7, 2**27 - 1, 2**27, 900_000_001, 999_999_999]
    store.save([make.entry(pmid, title="Voles in a meadow") for pmid in known])
    for filters in ({}, {"words": "voles"}, {"words": "voles", "sort": "date"}):
        assert sorted(pmids(store, **filters)) == known
    assert everything(store, Query(words="meadow", sort="date", limit=2)) == known[::-1]
    with pytest.raises(ValueError, match="no room for the PMID"):
        store.save([make.entry(2**30)])


def test_a_word_in_the_title_weighs_more(store: Store, make: Any) -> None:
    filler = [make.entry(pmid, abstract="Nothing of note.") for pmid in range(10, 30)]
    store.save(
        [
            make.entry(1, title="Swelling", abstract="Of magnesium."),
            make.entry(2, title="Magnesium", abstract="Of swelling, and of more."),
            *filler,
        ]
    )
    assert pmids(store, words="magnesium") == [2, 1]
    assert pmids(store, words="swelling") == [1, 2]
    assert pmids(store, words="magnesium", designs=("cohort_study",)) == [2, 1]


def test_filters(store: Store, make: Any) -> None:
    store.save(
        [
            make.entry(1, published="2019", grade=make.grade("case_report", 5, n=1)),
            make.entry(
                2,
                published="2020-06",
                journal="The Lancet",
                journal_abbreviation="Lancet",
                issn="0140-6736",
                nlm_id="2985213R",
                authors=(Author(name="Ann O'Neil", last_name="O'Neil", fore_name="Ann"),),
                mesh=(MeshHeading(name="Heart Failure", ui="D006333"),),
                grade=make.grade("meta_analysis", 1, n=4000, flags=("corrected", "preprint")),
            ),
            make.entry(3, published="2020-06-15", grade=make.grade(question="harm", n=None)),
            make.entry(4, published=None, grade=make.grade(level=None, flags=("preprint",))),
        ],
        at=make.now,
    )
    store.link([3], "flights")
    for words in ("", "stockings"):  # each filter alone, and beside words
        assert set(pmids(store, words=words, level=("1", "3"))) == {2, 3}
        assert set(pmids(store, words=words, level=("5", "3"))) == {1, 3}
        assert set(pmids(store, words=words, level=("5", "5"))) == {1}
        assert set(pmids(store, words=words, designs=("case_report", "meta_analysis"))) == {1, 2}
        assert set(pmids(store, words=words, question="harm")) == {3}
        assert set(pmids(store, words=words, flags=("preprint",))) == {2, 4}
        assert set(pmids(store, words=words, flags=("preprint", "corrected"))) == {2}
        assert set(pmids(store, words=words, not_flags=("corrected",))) == {1, 3, 4}
        assert set(pmids(store, words=words, flags=("retracted",))) == set()
        for least, found in (
            (-5, {1, 2, 4}),
            (0, {1, 2, 4}),
            (1, {1, 2, 4}),
            (2, {2, 4}),
            (100, {2, 4}),
            (101, {2, 4}),
            (120, {2, 4}),
            (121, {2}),
            (1000, {2}),
            (4000, {2}),
            (10000, set()),
        ):
            assert set(pmids(store, words=words, min_n=least)) == found
        assert set(pmids(store, words=words, topic="flights")) == {3}
        assert set(pmids(store, words=words, pmids=(1, 4, 9))) == {1, 4}
        for journal in ("the lancet", "LANCET", "0140-6736", "01406736"):
            assert set(pmids(store, words=words, journal=journal)) == {2}
        for author in (
            "oneil",
            "O’Neil A",
            "O'NEIL, Ann",
            "ONeil Ann",
            "ONeil",
            "Ann O'Neil",
            "A O'Neil",
        ):
            assert set(pmids(store, words=words, author=author)) == {2}
        for author in ("Muller", "Müller Z", "flight oedema group", "Flight Oedema"):
            assert set(pmids(store, words=words, author=author)) == {1, 3, 4}
        for author in ("Mull", "Müller A", "Neil", "O'Neil ANN", "Zoe O'Neil", "B O'Neil", "-"):
            assert set(pmids(store, words=words, author=author)) == set()
        for mesh in ("heart failure", "Heart Failure", "d006333"):
            assert set(pmids(store, words=words, mesh=mesh)) == {2}
        assert set(pmids(store, words=words, since="2020")) == {2, 3}
        assert set(pmids(store, words=words, since="2020-06-20")) == {2}  # some day of June
        assert set(pmids(store, words=words, since="2019-12", until="2020-06-10")) == {1, 2}
        assert set(pmids(store, words=words, until="2019")) == {1}
        assert set(pmids(store, words=words, added_since=make.now.date())) == {1, 2, 3, 4}
        tomorrow = make.now.date() + timedelta(days=1)
        assert set(pmids(store, words=words, added_since=tomorrow)) == set()


@pytest.mark.parametrize(
    ("scheme", "within", "found"),
    [
        ("ocebm_2009", ("1a", "2b"), {1, 2}),
        ("ocebm_2009", ("2C", "5"), {3}),
        ("grade_start", ("High", "moderate"), {1}),
        ("grade_start", ("low", "very low"), {2, 3}),
        ("sort", ("1", "2"), {1, 2}),
        ("nhmrc", ("II", "III-2"), {2}),
        ("nhmrc", ("III-3", "iv"), {3}),
    ],
)
def test_levels_of_each_scheme_in_its_own_order(
    store: Store, make: Any, scheme: str, within: tuple[str, str], found: set[int]
) -> None:
    schemes = [
        Levels(ocebm_2009="1a", grade_start="high", sort="1", nhmrc="I"),
        Levels(ocebm_2009="2b", grade_start="low", sort="2", nhmrc="III-1"),
        Levels(ocebm_2009="4", grade_start="very low", sort="3", nhmrc="IV"),
        Levels(),
    ]
    store.save(
        make.entry(pmid, grade=make.grade(levels=levels)) for pmid, levels in enumerate(schemes, 1)
    )
    for words in ("", "stockings"):
        assert set(pmids(store, words=words, scheme=scheme, level=within)) == found
    assert pmids(store, scheme=scheme, sort="level") == [1, 2, 3, 4]
    assert [count for _, count in store.count_by(Query(scheme=scheme), "level")] == [1, 1, 1, 1]
    assert store.count_by(Query(scheme=scheme), "level")[-1] == ("none", 1)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"level": ("0", "2")}, "unknown level '0' in ocebm_2011: one of 1, 2, 3, 4, 5"),
        ({"level": ("1a", "2"), "scheme": "nhmrc"}, "one of I, II, III-1"),
        ({"scheme": "oxford"}, "unknown scheme 'oxford'"),
        ({"designs": ("case report",)}, "did you mean case_report"),
        ({"question": "cure"}, "one of therapy"),
        ({"flags": ("retract",)}, "did you mean retracted"),
        ({"not_flags": ("zzz",)}, "unknown flag 'zzz'"),
        ({"since": "last year"}, "since must be a date"),
        ({"until": "2020/01"}, "until must be a date"),
        ({"sort": "size"}, "unknown sort 'size': one of relevance, level, date, added"),
        ({"limit": 0}, "limit must be at least 1"),
        ({"topic": "nowhere"}, "no topic 'nowhere'; its topics: flights"),
    ],
)
def test_a_filter_that_cannot_be_names_what_can(
    store: Store, filters: dict[str, Any], said: str
) -> None:
    store.topic("flights", "stockings[ti]")
    with pytest.raises(ValueError, match=said):
        store.search(Query(**filters))


@pytest.fixture
def shelf(store: Store, make: Any) -> Store:
    """Fifty records with many ties in every order."""
    for start in (1, 26):
        store.save(
            (
                make.entry(
                    pmid,
                    title="Stockings " * (pmid % 4 + 1),
                    published=f"20{pmid % 5 + 10}",
                    grade=make.grade(level=pmid % 6 or None),
                )
                for pmid in range(start, start + 25)
            ),
            at=make.now + timedelta(seconds=start),
        )
    return store


@pytest.mark.parametrize("sort", ["relevance", "level", "date", "added"])
@pytest.mark.parametrize("words", ["", "stockings", "stockings OR flights"])
@pytest.mark.parametrize("limit", [1, 7, 50])
def test_pages_hold_every_hit_once(shelf: Store, sort: str, words: str, limit: int) -> None:
    query = Query(words=words, sort=sort, limit=limit)
    paged = everything(shelf, query)
    assert sorted(paged) == list(range(1, 51))
    assert paged == [r.article.pmid for r in shelf.records(dataclasses.replace(query, limit=0))]
    some = [r.article.pmid for r in shelf.records(dataclasses.replace(query, limit=3))]
    assert some == paged[:3]


@pytest.mark.parametrize("sort", ["relevance", "level", "date", "added"])
@pytest.mark.parametrize("words", ["", "stockings"])
def test_nothing_is_from_a_time_that_ends_before_it_begins(
    shelf: Store, sort: str, words: str
) -> None:
    for since, until in [("2010-10-01", "2005"), ("2006", "2005"), ("2005-12-31", "2005-12-30")]:
        assert pmids(shelf, words=words, sort=sort, since=since, until=until) == []


def test_orders(shelf: Store) -> None:
    by_date = [(r.article.published, r.article.pmid) for r in shelf.records(Query(limit=0))]
    assert by_date == sorted(by_date, reverse=True)
    levels = [r.grade.levels.ocebm_2011 or 9 for r in shelf.records(Query(sort="level", limit=0))]
    assert levels == sorted(levels)
    added = [r.added_at for r in shelf.records(Query(sort="added", limit=0))]
    assert added == sorted(added, reverse=True)


@pytest.mark.parametrize("sort", ["relevance", "date", "added", "level"])
def test_what_is_stored_meanwhile_repeats_nothing(shelf: Store, make: Any, sort: str) -> None:
    query = Query(words="stockings", sort=sort, limit=10)
    page = shelf.search(query)
    shelf.save(make.entry(pmid, title="Other things", abstract="") for pmid in range(100, 120))
    rest = everything(shelf, dataclasses.replace(query, after=page.next_cursor))
    seen = [record.article.pmid for record in page.records] + rest
    assert len(seen) == len(set(seen))
    assert set(range(1, 51)) <= set(seen)


def test_cursors_of_other_queries_are_refused(shelf: Store) -> None:
    query = Query(words="stockings", limit=5)
    cursor = shelf.search(query).next_cursor
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()
    longer = dataclasses.replace(query, after=cursor, limit=9)
    assert len(shelf.search(longer).records) == 9
    changed = cursor[:8] + ("A" if cursor[8] != "A" else "B") + cursor[9:]
    for other in (
        Query(words="stocking", limit=5, after=cursor),
        Query(words="stockings", sort="date", after=cursor),
        Query(words="stockings", after=changed),
        Query(words="stockings", after="nonsense"),
        Query(words="stockings", after=""),
        Query(words="stockings", after="é" * 9),
    ):
        with pytest.raises(CursorError, match="does not belong to this query"):
            shelf.search(other)


def test_counts_by(store: Store, make: Any) -> None:
    store.save(
        [
            make.entry(1, grade=make.grade("case_report", 4)),
            make.entry(2, grade=make.grade("case_report", None), published="2019-01"),
            make.entry(3, published=None, journal=None, journal_abbreviation=None, issn=None),
            make.entry(4, issn="9999-9999"),
        ]
    )
    store.save([make.entry(1, grade=make.grade("case_report", 4))], topic="a")
    store.save(
        [make.entry(2, grade=make.grade("case_report", None), published="2019-01")], topic="a"
    )
    store.link([2], "b")
    query = Query()
    assert store.count_by(query, "design") == [("case_report", 2), ("cohort_study", 2)]
    assert store.count_by(query, "level") == [("3", 2), ("4", 1), ("none", 1)]
    assert store.count_by(query, "year") == [("unknown", 1), ("2019", 1), ("2021", 2)]
    assert store.count_by(query, "journal") == [("Journal of Invented Medicine", 3), ("unknown", 1)]
    assert store.count_by(query, "topic") == [("a", 2), ("b", 1)]
    assert store.count_by(Query(words="stockings", level=("3", "4")), "design") == [
        ("cohort_study", 2),
        ("case_report", 1),
    ]
    with pytest.raises(ValueError, match="one of design, level, year, journal, topic"):
        store.count_by(query, "flag")
    assert store.counts("1").by_design == {"case_report": 2, "cohort_study": 2}


def test_moments_are_utc(shelf: Store) -> None:
    record = shelf.get(1)
    assert record is not None
    assert record.added_at.tzinfo is UTC
    assert record.added_at < datetime.now(UTC) + timedelta(days=365)
