"""What happens to records on their way in: revisions, history, deletion, regrading, raw bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.article import Correction, PublicationType
from grading.grades import Levels
from storage import Store
from storage.documents import source_digest
from storage.records import Entry, Query


def test_what_is_saved_comes_back_without_loss(store: Store, make: Any) -> None:
    entry = make.entry(11, title="CO₂ and 10⁹ cells", abstract="P<0.001 – naïve")
    outcome = store.save([entry], at=make.now)
    assert outcome.new == (11,)
    record = store.get(11)
    assert record is not None
    assert (record.article, record.grade) == (entry.article, entry.grade)
    assert record.added_at == record.updated_at == record.graded_at == make.now
    assert record.deleted_at is None
    assert record.topics == ()
    assert store.get(12) is None
    assert list(store.get_many([12, 11])) == [11]


def test_the_same_again_is_a_confirmation(store: Store, make: Any) -> None:
    store.save([make.entry(1), make.entry(2)], topic="flights", at=make.now)
    assert store.oldest_checked("flights", 5) == [1, 2]
    outcome = store.save([make.entry(1)], at=make.now + timedelta(days=1))
    assert outcome.unchanged == (1,)
    assert store.oldest_checked("flights", 5) == [2, 1]
    assert [change.what for change in store.history(1)] == ["added"]


def test_a_revision_replaces_and_history_keeps_what_was(store: Store, make: Any) -> None:
    before = make.entry(1, grade=make.grade("primary_research", None))
    after = make.entry(
        1,
        revised="2022-01-01",
        publication_types=(PublicationType(name="Randomized Controlled Trial"),),
        grade=make.grade("randomized_controlled_trial", 2, flags=("retracted",)),
    )
    store.save([before], at=make.now)
    outcome = store.save([after], at=make.now + timedelta(hours=1))
    assert outcome.revised == (1,)
    record = store.get(1)
    assert record is not None
    assert record.article == after.article
    assert record.added_at == make.now
    assert record.updated_at == make.now + timedelta(hours=1)
    added, change = store.history(1)
    assert (added.what, added.version, added.revised) == ("added", 1, "2021-06-01")
    assert (change.what, change.revised) == ("revised", "2021-06-01")
    assert (change.article, change.grade) == (before.article, before.grade)
    for said in (
        "now RETRACTED",
        "publication types: + Randomized Controlled Trial",
        "design primary_research → randomized_controlled_trial",
        "level none → 2",
    ):
        assert said in change.summary
    assert "\n" not in change.summary


def test_an_older_revision_never_overwrites(store: Store, make: Any) -> None:
    store.save([make.entry(1, version=2)])
    for _ in range(2):  # the second time it is no news
        outcome = store.save([make.entry(1, version=1, revised="2023-01-01", title="Old")])
        assert outcome.stale == (1,)
    record = store.get(1)
    assert record is not None
    assert record.article.version == 2
    added, stale = store.history(1)
    assert added.version == 2
    assert (stale.what, stale.version) == ("stale", 1)
    assert stale.article is not None
    assert stale.article.title == "Old"
    assert store.count(Query(words="old")) == 0


def test_of_two_at_the_same_place_the_later_arrival_stays(store: Store, make: Any) -> None:
    store.save([make.entry(1, title="First")])
    assert store.save([make.entry(1, title="Second")]).revised == (1,)
    assert store.count(Query(words="second")) == 1
    assert store.count(Query(words="first")) == 0


def test_several_versions_in_one_call(store: Store, make: Any) -> None:
    entries = [make.entry(1, version=version, title=f"Try {version}") for version in (1, 3, 2)]
    outcome = store.save([*entries, make.entry(2)])
    assert (outcome.new, outcome.revised, outcome.stale) == ((1, 2), (1,), (1,))
    record = store.get(1)
    assert record is not None
    assert record.article.title == "Try 3"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    versions=st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from([None, "2020-01-01", "2021-01-01"])),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    data=st.data(),
)
def test_any_order_of_arrival_ends_in_the_same_record(
    new_store: Callable[[], Store], make: Any, versions: list[tuple[int, str | None]], data: Any
) -> None:
    entries = [
        make.entry(1, version=version, revised=revised, title=f"Title {place}")
        for place, (version, revised) in enumerate(versions)
    ]
    newest = max(entries, key=lambda entry: (entry.article.version, entry.article.revised or ""))
    arrived = data.draw(st.permutations(entries))
    cut = data.draw(st.integers(0, len(arrived)))
    store = new_store()
    store.save(arrived[:cut])
    store.save(arrived[cut:])
    record = store.get(1)
    assert record is not None
    assert record.article == newest.article
    for entry in entries:
        words = f'"{entry.article.title}"'
        assert store.count(Query(words=words)) == (entry is newest)


def test_history_tells_every_version_whatever_the_order(
    new_store: Callable[[], Store], make: Any
) -> None:
    entries = [make.entry(1, version=version, title=f"Title {version}") for version in (1, 2, 3)]
    for order in permutations(entries):
        store = new_store()
        for entry in order:
            store.save([entry])
        kept = [change.article.version for change in store.history(1) if change.article]
        assert sorted(kept) == [1, 2]


def test_another_grade_of_the_same_article(store: Store, make: Any) -> None:
    store.save([make.entry(1)], at=make.now)
    outcome = store.save([make.entry(1, grade=make.grade("case_series", 4))])
    assert (outcome.regraded, outcome.revised) == ((1,), ())
    change = store.history(1)[-1]
    assert change.what == "regraded"
    assert change.article is None
    assert change.grade == make.grade()
    assert "design cohort_study → case_series" in change.summary
    record = store.get(1)
    assert record is not None
    assert record.updated_at == make.now


def test_regrade(store: Store, make: Any) -> None:
    store.save([make.entry(1), make.entry(2)], at=make.now)
    later = make.now + timedelta(days=2)
    newer = make.grade(grader_version="2")
    outcome = store.regrade(
        [(1, newer), (2, make.grade("case_report", 5, grader_version="2")), (3, newer)], at=later
    )
    assert (outcome.unchanged, outcome.regraded) == ((1,), (2,))
    record = store.get(1)
    assert record is not None
    assert (record.grade, record.graded_at, record.updated_at) == (newer, later, make.now)
    assert [change.what for change in store.history(1)] == ["added"]
    assert [change.what for change in store.history(2)] == ["added", "regraded"]
    assert store.history(2)[-1].grade == make.grade()
    assert store.count(Query(designs=("case_report",))) == 1
    assert store.count(Query(words="stockings", designs=("case_report",))) == 1
    assert store.count(Query(words="stockings", designs=("cohort_study",))) == 1


def test_articles_to_grade_again(store: Store, make: Any) -> None:
    store.save(make.entry(pmid) for pmid in range(1, 8))
    store.regrade([(3, make.grade(grader_version="2"))])
    assert [a.pmid for a, _ in store.articles(outdated_for="2")] == [1, 2, 4, 5, 6, 7]
    assert [a.pmid for a, _ in store.articles(outdated_for="2", after=2, limit=2)] == [4, 5]
    assert [a.pmid for a, _ in store.articles(pmids=[6, 99, 2])] == [2, 6]
    assert store.articles(pmids=[3])[0][1].grader_version == "2"
    assert store.counts("2").outdated_grades == 6


def test_deletion_hides_and_return_restores(store: Store, make: Any) -> None:
    store.save([make.entry(1), make.entry(2)], topic="flights")
    assert store.mark_deleted([1, 99], source="update 12", at=make.now) == (1,)
    assert store.mark_deleted([1], source="update 13") == ()
    assert [r.article.pmid for r in store.search(Query()).records] == [2]
    assert store.count(Query(words="stockings")) == 1
    assert store.count(Query(words="stockings", include_deleted=True)) == 2
    assert store.known([1, 2]) == {2}
    assert store.oldest_checked("flights", 9) == [2]
    assert store.topics()[0].articles == 1
    counts = store.counts("1")
    assert (counts.articles, counts.deleted) == (1, 1)
    record = store.get(1)
    assert record is not None
    assert record.deleted_at == make.now
    store.regrade([(1, make.grade("case_report"))])  # no reason to show it again
    assert store.known([1]) == set()
    store.save([make.entry(1, version=0)])  # nor is an older revision
    assert store.known([1]) == set()
    store.save([make.entry(1)])
    assert store.known([1]) == {1}
    assert store.count(Query(words="stockings")) == 2
    assert [change.what for change in store.history(1)] == [
        "added",
        "deleted",
        "regraded",
        "stale",
        "restored",
        "regraded",
    ]
    assert "update 12" in store.history(1)[1].summary


def test_retracted_records_are_never_hidden(store: Store, make: Any) -> None:
    store.save([make.entry(1, grade=make.grade(level=None, flags=("retracted",)))])
    assert store.count(Query()) == 1
    assert store.counts("1").retracted == 1


def test_raw_bytes_belong_to_the_present_article(store: Store, make: Any) -> None:
    entry = make.entry(1)
    store.save([Entry(entry.article, entry.grade, b"<one/>", "xml", "1")])
    assert store.raw(1) == b"<one/>"
    store.regrade([(1, make.grade("case_report"))])
    assert store.raw(1) == b"<one/>"
    newer = make.article(1, version=2)
    store.save([Entry(newer, entry.grade, b"<two/>", "xml", "1")])
    assert store.raw(1) == b"<two/>"
    store.save([Entry(make.article(1, version=3), entry.grade)])
    assert store.raw(1) is None
    assert store.raw(2) is None


def test_raw_bytes_are_not_kept_unless_wanted(path: Any, make: Any) -> None:
    with Store.open(f"sqlite:///{path}", keep_raw=False) as store:
        store.save([Entry(make.article(1), make.grade(), b"<one/>", "xml")])
        assert store.raw(1) is None


def test_topics_link_what_is_saved(store: Store, make: Any) -> None:
    store.save([make.entry(1)], topic="b")
    store.save([make.entry(1), make.entry(2)], topic="a")
    record = store.get(1)
    assert record is not None
    assert record.topics == ("a", "b")
    assert store.link([1, 2, 3], "b") == 1
    assert store.link([1, 2, 3], "b") == 0
    assert store.known([1, 2, 3], topic="b") == {1, 2}
    assert store.known([1], topic="unheard of") == set()


def test_one_call_is_one_transaction(store: Store, make: Any) -> None:
    def entries() -> Any:
        yield from (make.entry(pmid) for pmid in range(1, 1100))
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        store.save(entries(), topic="flights")
    assert store.count(Query()) == 0
    assert store.topics() == []
    assert store.save([]).new == ()


def test_an_unknown_level_is_an_error_that_names_it(store: Store, make: Any) -> None:
    with pytest.raises(ValueError, match=r"'6' in ocebm_2011: one of 1, 2, 3, 4, 5"):
        store.save([make.entry(1, grade=make.grade(level=6))])
    assert store.count(Query()) == 0


def test_notices_are_told_from_the_other_side(store: Store, make: Any) -> None:
    notice = Correction(relation="RetractionOf", direction="out", pmid=7)
    comment = Correction(relation="CommentOn", direction="out", pmid=7)
    citation = Correction(relation="RetractionOf", direction="out", source="A paper")
    store.save(
        [
            make.entry(20, comments_corrections=(notice, citation)),
            make.entry(21, comments_corrections=(comment,)),
            make.entry(
                22,
                comments_corrections=(Correction(relation="ErratumFor", direction="out", pmid=7),),
            ),
        ]
    )
    told = store.notices_about([7, 8])
    assert [(each.relation, each.direction, each.pmid) for each in told[7]] == [
        ("RetractionIn", "in", 20),
        ("ErratumIn", "in", 22),
    ]
    assert list(told) == [7]
    store.save([make.entry(20, version=2)])  # the notice says so no more
    store.mark_deleted([22], source="update 1")
    assert store.notices_about([7]) == {}


def test_quarantine(store: Store, make: Any) -> None:
    later = make.now + timedelta(hours=1)
    first = store.quarantine(raw=b"<x", error="cut", source="EFetch", pmid=5, at=make.now)
    again = store.quarantine(raw=b"<x", error="cut off", source="file", pmid=5, at=later)
    other = store.quarantine(raw=b"<y", error="no PMID", source="file", at=make.now)
    assert first == again != other
    kept = store.quarantined()
    assert [each.id for each in kept] == [first, other]
    assert (kept[0].attempts, kept[0].raw, kept[0].error) == (2, b"<x", "cut off")
    assert (kept[0].first_seen, kept[0].last_seen) == (make.now, later)
    assert store.counts("1").quarantined == 2
    store.save([make.entry(5)])
    assert [each.id for each in store.quarantined()] == [other]
    store.quarantine(raw=b"<z", error="cut", source="file", pmid=6)
    assert store.release([6, 7]) == 1


def test_levels_of_every_scheme_are_kept(store: Store, make: Any) -> None:
    levels = Levels(ocebm_2011=1, ocebm_2009="1a", grade_start="very low", sort="2", nhmrc="III-2")
    store.save([make.entry(1, grade=make.grade(levels=levels))])
    record = store.get(1)
    assert record is not None
    assert msgspec.to_builtins(record.grade.levels) == msgspec.to_builtins(levels)


def read_from(entry: Entry, raw: bytes) -> Entry:
    return Entry(entry.article, entry.grade, raw, "xml", "1", source_digest(raw, "1"))


def test_what_was_read_from_the_same_bytes_is_known(store: Store, make: Any) -> None:
    store.save([read_from(make.entry(1), b"<one/>"), make.entry(2)])
    one, two = source_digest(b"<one/>", "1"), source_digest(b"<two/>", "1")
    assert store.unchanged({1: one, 2: two, 3: one}, grader_version="1") == {1}
    assert store.unchanged({1: one}, grader_version="2") == set()
    assert store.unchanged({1: source_digest(b"<one/>", "2")}, grader_version="1") == set()
    # The bytes of an article that was confirmed, though it was read from others before.
    store.save([read_from(make.entry(1), b"<one />"), read_from(make.entry(2), b"<two/>")])
    assert store.unchanged({1: one, 2: two}, grader_version="1") == {2}
    # An older revision is not what is stored.
    store.save([read_from(make.entry(2, revised="2020-01-01"), b"<older/>")])
    assert store.unchanged({2: two}, grader_version="1") == {2}
    store.save([read_from(make.entry(2, version=2), b"<newer/>")])
    assert store.unchanged({2: two}, grader_version="1") == set()
    store.regrade([(2, make.grade("case_report", 4))])
    newer = {2: source_digest(b"<newer/>", "1")}
    assert store.unchanged(newer, grader_version="1") == {2}
    store.mark_deleted([2], source="update 1")
    assert store.unchanged(newer, grader_version="1") == set()


def test_what_is_unchanged_need_not_be_graded_again(store: Store, make: Any) -> None:
    store.save([make.entry(1), make.entry(2)], at=make.now)
    same, other, unheard = make.article(1), make.article(2, title="Other"), make.article(3)
    later = make.now + timedelta(days=1)
    store.mark_deleted([1], source="update 1")
    outcome = store.save(
        [Entry(same, None), Entry(other, None), Entry(unheard, None)], topic="flights", at=later
    )
    assert (outcome.unchanged, outcome.ungraded) == ((1,), (2, 3))
    record = store.get(1)
    assert record is not None
    assert (record.grade, record.deleted_at, record.topics) == (make.grade(), None, ("flights",))
    assert store.count(Query(words="stockings", topic="flights")) == 1
    assert store.get(3) is None


def test_totals_follow_every_change(store: Store, make: Any) -> None:
    def counted() -> dict[str, int]:
        counts = store.counts("1")
        assert counts.by_design == {
            design: store.count(Query(designs=(design,))) for design in counts.by_design
        }
        years = dict(store.count_by(Query(), "year"))
        assert years == dict(store.count_by(Query(words="stockings"), "year"))
        return counts.by_design

    store.save(make.entry(pmid) for pmid in (1, 2, 3))
    assert counted() == {"cohort_study": 3}
    store.save([make.entry(1, version=2, published="2001", grade=make.grade("case_report", 4))])
    assert counted() == {"cohort_study": 2, "case_report": 1}
    store.mark_deleted([1, 2], source="update 1")
    assert counted() == {"cohort_study": 1}
    store.save([make.entry(2)])
    store.regrade([(3, make.grade("case_series", 4, grader_version="2"))])
    assert counted() == {"cohort_study": 1, "case_series": 1}
    assert (store.counts("1").outdated_grades, store.counts("1").deleted) == (1, 1)


def test_one_record_twice_in_one_transaction(store: Store, make: Any) -> None:
    """The index has not yet seen the first when the second takes its place."""
    store.save([make.entry(1, title="First", published="2001"), make.entry(1, version=2)])
    assert store.count(Query(words="first")) == 0
    assert store.count(Query(words="stockings", since="2021", until="2021")) == 1
    assert store.count_by(Query(), "year") == [("2021", 1)]
