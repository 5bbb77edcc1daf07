"""A mirror without abstracts: the grades of whole records, warned and followed as any others."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from bulk_site import BulkSite, bulk_file, record, retraction_notice

from grading import Grade, grade
from storage import Store
from storage.records import Query, Record
from worker.bulk import Job, load_files
from worker.errors import ConfigError
from worker.files import read_blocks
from worker.intake import Intake
from worker.mirror import mirror
from worker.nlm_site import Site
from worker.parsed import ParsedArticle
from worker.regrading import regrade_store
from worker.selection import Selection

if TYPE_CHECKING:
    from conftest import Pubgrade

pytestmark = pytest.mark.usefixtures("here")

FIRST, SECOND = "baseline/pubmed26n0001.xml.gz", "updatefiles/pubmed26n0002.xml.gz"
THIRD = "updatefiles/pubmed26n0003.xml.gz"
TRIAL: dict[str, Any] = {
    "title": "Velotril for gout: a randomised controlled trial.",
    "abstract": (
        ("METHODS", "In this double-blind trial, 240 quokkas' keepers were randomly assigned to velotril (n = 120) or placebo (n = 120)."),
        ("RESULTS", "Relapse was less common with velotril (hazard ratio 0.71, 95% CI 0.52 to 0.94)."),
    ),
}  # fmt: skip


def run(
    store: Store, site: BulkSite, typed: str | None = "", *, abstracts: bool = False, **options: Any
) -> list[Any]:
    """Mirror once, without abstracts by default; the runs of the files."""
    selection = None if typed is None else Selection.of(typed, abstracts=abstracts)
    near = Site(site.url, tries=2, wait=0.01)
    return [each.run for each in mirror(store, near, Path("files"), selection=selection, **options)]


def one(store: Store, pmid: int) -> Record:
    found = store.get(pmid)
    assert found is not None
    return found


def verdict(given: Grade) -> tuple[object, ...]:
    """A grade but for the places of quotes."""
    quoted = [(each.kind, each.value, each.speaks_for, each.weight) for each in given.reasons]
    return given.design, given.levels, given.level_steps, given.flags, given.confidence, quoted


@pytest.mark.parametrize("workers", [1, 2])
def test_grades_are_those_of_whole_records(
    new_address: Callable[[], str], store: Store, site: BulkSite, workers: int
) -> None:
    records = [record(pmid) for pmid in range(1, 40)] + [
        record(50, **TRIAL),
        record(51, abstract=()),
    ]
    site.put(FIRST, bulk_file(records))
    run(store, site, workers=workers)
    with Store.open(new_address()) as whole:
        run(whole, site, abstracts=True)
        assert len(whole.articles()) == 41
        for article, given in whole.articles():
            found = one(store, article.pmid)
            assert verdict(found.grade) == verdict(given)
            if article.abstract:
                assert found.article.abridged
                assert (found.article.abstract, found.article.sections) == ("", ())
                assert store.raw(article.pmid) is None
            else:
                assert found.article == article
    trial = one(store, 50)
    assert "no_abstract" not in trial.grade.flags
    effect, *_ = trial.grade.details.effects
    assert (effect.value, effect.field, effect.start, effect.end) == (0.71, None, None, None)
    assert "0.71" in effect.text
    # Words of the title are found, those of the abstract are not.
    found = {each.article.pmid for each in store.records(Query(words="velotril", limit=0))}
    assert 50 in found
    assert store.count(Query(words="quokkas")) == 0
    assert store.count(Query(designs=("randomized_controlled_trial",), level=("1", "2"))) > 0
    counts = store.counts("another")
    assert (counts.articles, counts.abridged, counts.outdated_grades) == (41, 40, 1)


def test_words_of_the_abstract_choose(store: Store, site: BulkSite) -> None:
    """Also where a notice that comes with them says more than the article does."""
    site.put(
        FIRST,
        bulk_file(
            [
                *(record(50, **TRIAL), record(51, **TRIAL), record(52), record(53)),
                *(retraction_notice(60, of=50), retraction_notice(61, of=52)),
            ]
        ),
    )
    run(store, site, "quokkas --flag retracted")
    assert {article.pmid for article, _ in store.articles()} == {50, 60}
    assert "retracted" in one(store, 50).grade.flags


def test_a_retraction_that_comes_later(store: Store, site: BulkSite) -> None:
    site.put(FIRST, bulk_file([record(50, **TRIAL), record(51, **TRIAL)]))
    run(store, site)
    before = one(store, 50)
    assert before.grade.levels.ocebm_2011 == 2
    concern = retraction_notice(61, of=51).replace("RetractionOf", "ExpressionOfConcernFor")
    site.put(SECOND, bulk_file([retraction_notice(60, of=50), concern]))
    run(store, site, None)
    told = one(store, 50)
    assert "retracted" in told.grade.flags
    assert "RetractionIn PMID 60" in [each.value for each in told.grade.reasons]
    assert told.grade.design == before.grade.design
    assert told.grade.levels.ocebm_2011 is None
    assert told.article == before.article
    assert store.count(Query(flags=("retracted",))) == 1
    assert store.count(Query(words="velotril gout", not_flags=("retracted",))) == 1
    assert "expression_of_concern" in one(store, 51).grade.flags
    assert one(store, 51).grade.levels.ocebm_2011 == 2
    history = [(each.what, each.summary) for each in store.history(50)]
    assert history[-1][0] == "regraded"
    assert history[-1][1].startswith("now RETRACTED")
    site.put(THIRD, bulk_file([], deleted=[60, 61]))  # both notices are taken back
    run(store, site, None)
    assert one(store, 50).grade == before.grade
    assert "expression_of_concern" not in one(store, 51).grade.flags


def test_a_revision_and_an_abstract_that_comes_back(store: Store, site: BulkSite) -> None:
    site.put(FIRST, bulk_file([record(50, **TRIAL), record(51, **TRIAL)]))
    run(store, site)
    file = Path("again.xml.gz")
    file.write_bytes(site.files[FIRST])
    same = list(load_files(store, [Job(str(file))], selection=Selection.of("", abstracts=False)))
    assert (same[0].run.returned, same[0].run.unchanged) == (2, 2)
    # What is loaded or fetched whole takes the place of what is not, byte for byte the same or not.
    (fetched,) = _parsed(bulk_file([record(50, **TRIAL)]))
    outcome = Intake(store, source="EFetch").take([fetched])
    assert outcome.revised == (50,)
    assert "quokkas" in one(store, 50).article.abstract
    assert store.raw(50) is not None
    assert store.count(Query(words="quokkas")) == 1
    assert one(store, 50).grade == grade(one(store, 50).article)
    assert store.history(50)[-1].summary == "abstract kept from now on"
    # The mirror does not take it away again, but a newer revision comes as the mirror brings it.
    other = Path("other.xml.gz")
    other.write_bytes(bulk_file([record(50, **TRIAL).replace("\n", "\n "), record(51, **TRIAL)]))
    (again,) = load_files(store, [Job(str(other))], selection=Selection.of("", abstracts=False))
    assert (again.run.unchanged, again.run.revised) == (2, 0)
    assert "quokkas" in one(store, 50).article.abstract
    site.put(SECOND, bulk_file([record(50, revision=2, **TRIAL), record(51, revision=1, **TRIAL)]))
    (newer,) = run(store, site, None)
    assert newer.revised == 2
    assert one(store, 50).article.abridged
    assert one(store, 50).article.revised == "2024-01-03"
    assert store.raw(50) is None
    assert store.count(Query(words="quokkas")) == 0
    assert store.history(50)[-1].summary.startswith("abstract no longer kept; ")
    (whole,) = load_files(store, [Job(str(file))])  # older now
    assert whole.run.stale == 2
    assert one(store, 50).article.abridged


def _parsed(content: bytes) -> list[ParsedArticle]:
    path = Path("parsed.xml.gz")
    path.write_bytes(content)
    return [each for block in read_blocks(str(path), size=9) for each in block
            if isinstance(each, ParsedArticle)]  # fmt: skip


def test_an_abstract_of_the_same_day_may_join(store: Store, site: BulkSite) -> None:
    """The first record of an article often has none."""
    site.put(FIRST, bulk_file([record(50, **{**TRIAL, "abstract": ()})]))
    run(store, site)
    assert not one(store, 50).article.abridged
    site.put(SECOND, bulk_file([record(50, **TRIAL)]))
    run(store, site, None)
    assert one(store, 50).article.abridged
    assert one(store, 50).grade.details.effects


def test_it_is_not_graded_again(store: Store, site: BulkSite) -> None:
    site.put(FIRST, bulk_file([record(50, **TRIAL), record(51, abstract=())]))
    run(store, site)
    before = one(store, 50)
    old = msgspec.structs.replace(one(store, 51).grade, grader_version="0")
    store.regrade([(51, old)])
    assert [each.done for each in regrade_store(store)] == [1]
    assert [each.done for each in regrade_store(store, everything=True)] == [1]
    assert one(store, 50) == before


def test_other_wishes_are_refused(store: Store, site: BulkSite) -> None:
    site.put(FIRST, bulk_file([record(50, mesh=("Gout",))]))
    run(store, site, "--mesh Gout")
    run(store, site, "--mesh Gout")
    run(store, site, None)
    with pytest.raises(
        ConfigError, match="only --mesh Gout, without abstracts; wanted now: only --mesh Go"
    ):
        run(store, site, "--mesh Gout", abstracts=True)
    with pytest.raises(ConfigError, match="wanted now: all of PubMed, without abstracts"):
        run(store, site, "")


def test_commands(pubgrade: Pubgrade, site: BulkSite) -> None:
    email = {"PUBGRADE_EMAIL": "a@example.org"}
    pmid = 30000001  # which the loopback E-utilities have as well
    site.put(FIRST, bulk_file([record(pmid), record(51, abstract=())]))
    config = pubgrade.folder / "config.toml"
    config.write_text(f'[mirror]\nbase_url = "{site.url}"\nabstracts = false\n')
    planned = pubgrade("mirror", "--dry-run")
    assert "Of it the store keeps all of PubMed, without abstracts." in planned.stdout, (
        planned.stderr
    )
    assert pubgrade("mirror", "--workers", "1").returncode == 0
    config.write_text(f'[mirror]\nbase_url = "{site.url}"\n')
    assert pubgrade("mirror", "--no-abstracts").returncode == 0
    refused = pubgrade("mirror", "--no-abstracts", "--filter", "gout")
    assert (refused.returncode, "--store" in refused.stderr) == (2, True)

    page = " ".join(pubgrade("show", str(pmid)).stdout.split())
    assert f"(not kept here; `pubgrade fetch {pmid}` brings it back)" in page
    assert "abstract, not kept" in page
    assert "(none)" in pubgrade("show", "51").stdout
    status = pubgrade("status").stdout
    assert "Abstracts not kept" in status
    assert "keeps all of PubMed, without abstracts" in " ".join(status.split())
    shown = json.loads(pubgrade("show", str(pmid), "--json").stdout)
    assert (shown["abridged"], shown["abstract"]) == (True, "")
    regraded = pubgrade("regrade", "--all")
    assert regraded.returncode == 0
    assert regraded.stdout.startswith("1 records graded again")
    assert "1 records keep the grades that were made from the whole" in regraded.stdout
    explained = pubgrade("explain", str(pmid))
    assert (explained.returncode, "None" in explained.stdout) == (0, False)

    exported = pubgrade("export", "-", "--format", "jsonl").stdout
    loaded = pubgrade("load", "-", "--store", "sqlite:///other.db", stdin=exported)
    assert loaded.returncode == 1
    assert f"PMID {pmid}" in loaded.stderr
    assert "its abstract was left out where this comes from" in loaded.stderr
    assert "1 new" in loaded.stdout
    graded = pubgrade("grade", "-", stdin=exported)
    assert len(graded.stdout.splitlines()) == 1
    rows = csv.DictReader(pubgrade("export", "-", "--format", "csv").stdout.splitlines())
    assert sorted(row["abridged"] for row in rows) == ["False", "True"]

    same = pubgrade("verify", "--sample", "9", **email)
    assert "51: not in PubMed" in same.stdout
    assert str(pmid) not in same.stdout, same.stdout
    assert pubgrade("fetch", str(pmid), **email).returncode == 0
    assert "(not kept" not in pubgrade("show", str(pmid)).stdout
    again = json.loads(pubgrade("show", str(pmid), "--json").stdout)
    assert again["abstract"]
    assert not again["abridged"]
