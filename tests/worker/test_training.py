"""`pubgrade train`: from a store to a model, the same bytes each time, and what it says."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grading import Article, grade_many
from grading.article import MeshHeading, PublicationType
from storage import Store
from storage.records import Entry
from worker.training import Training, TrainingError, summary, tagged, train

pytest.importorskip("scipy")

KINDS = {
    "Randomized Controlled Trial": "patients were randomly assigned to drug or placebo in a trial",
    "Case Reports": "we report the case of a man who presented with pain and was discharged",
    "Review": "this article reviews what is known and discusses future directions of research",
    "": "records of the registry were analysed and the incidence per year was estimated",
}
FILLER = ("liver", "heart", "lung", "kidney", "skin", "bone", "fever", "cough")


def invented(count: int, *, status: str = "MEDLINE", method: str | None = None) -> list[Article]:
    """Articles of four kinds in turn, each with words of its kind among others."""
    chance = random.Random(7)
    articles = []
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        words = KINDS[kind].split() + chance.choices(FILLER, k=3)
        articles.append(
            Article(
                pmid=1000 + number,
                title=f"Of {chance.choice(FILLER)} and {chance.choice(FILLER)}",
                abstract=" ".join(words) + ".",
                publication_types=(PublicationType(name=kind or "Journal Article"),),
                mesh=(MeshHeading(name="Humans"),),
                status=status,
                indexing_method=method,
                completed="2021-05-01",
            )
        )
    return articles


@pytest.fixture
def records() -> list[Training]:
    return [record for article in invented(80) if (record := tagged(article))]


@pytest.mark.parametrize(
    ("status", "method", "trusted"),
    [
        ("MEDLINE", None, True),
        ("MEDLINE", "Curated", True),
        ("MEDLINE", "Manual", True),
        ("MEDLINE", "Automated", False),
        ("Publisher", None, False),
    ],
)
def test_only_what_people_indexed_is_trusted(
    status: str, method: str | None, trusted: bool
) -> None:
    (article,) = invented(1, status=status, method=method)
    assert (tagged(article) is not None) == trusted


def test_figures_are_out_of_fold(records: list[Training], tmp_path: Path) -> None:
    found = summary(records, train(records, tmp_path))
    assert found["tags"]["randomized_controlled_trial"]["f1"] > 0.9
    assert found["tags"]["case_report"]["records"] == 20
    # Labels by lot cannot be foretold by a model that did not see them.
    chance = random.Random(5)
    shuffled = [
        dataclasses.replace(
            record, tags={"case_report": chance.random() < 0.5}, designs=frozenset({design})
        )
        for record in records
        for design in [chance.choice(("case_report", "protocol"))]
    ]
    found = summary(shuffled, train(shuffled, tmp_path))
    assert found["design_accuracy"] < 0.75
    assert found["tags"]["case_report"]["f1"] < 0.8


def test_too_few_labels(records: list[Training], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="only 20 records have tags"):
        train(records[:20], tmp_path)


@pytest.fixture
def pubgrade(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    articles = invented(80)
    with Store.open(f"sqlite:///{tmp_path / 'pubgrade.db'}") as store:
        store.save(
            Entry(article=article, grade=given)
            for article, given in zip(articles, grade_many(articles), strict=True)
        )

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from worker.entry_point import main; main()", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


def test_the_same_bytes_again_and_regraded_with_the_model(
    pubgrade: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text(
        '{"pmid": 1003, "design": "cohort_study"}\n\n{"pmid": 9, "design": "protocol"}\n'
    )
    trained = pubgrade("train", "--labels", "labels.jsonl", "--out", "mine", "--json")
    assert trained.returncode == 1, trained.stderr  # done, but a label had no record
    report = json.loads(trained.stdout)
    assert report["records"] == report["tagged"] == 80
    assert report["labels_not_stored"] == [9]
    assert report["designs"]["primary_research"]["records"] == 1
    assert (tmp_path / "mine" / "text.npz").is_file()

    again = pubgrade("train", "--labels", "labels.jsonl", "--out", "twin")
    assert "randomized_controlled_trial" in again.stdout
    assert "1 labelled records are not in the store and did not count: 9" in again.stderr
    assert (tmp_path / "twin/text.npz").read_bytes() == (tmp_path / "mine/text.npz").read_bytes()

    assert json.loads(pubgrade("regrade", "--json").stdout)["regraded"] == 0
    regraded = pubgrade("regrade", "--model", "mine", "--json")
    assert regraded.returncode == 0, regraded.stderr
    assert json.loads(regraded.stdout)["regraded"] == 80
    assert json.loads(pubgrade("regrade", "--model", "mine", "--json").stdout)["regraded"] == 0
    shown = json.loads(pubgrade("show", "1000", "--json").stdout)
    assert shown["grader_version"].startswith("1+")
    assert json.loads(pubgrade("regrade", "--json").stdout)["regraded"] == 80


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"pmid": 1}', "line 1: not a label"),
        ("pmid design", "line 1: not a label"),
        ('{"pmid": 1, "design": "cohort"}', "design cohort: unknown"),
    ],
)
def test_bad_labels(
    pubgrade: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    line: str,
    complaint: str,
) -> None:
    (tmp_path / "labels.jsonl").write_text(line + "\n")
    answer = pubgrade("train", "--labels", "labels.jsonl")
    assert answer.returncode == 2
    assert complaint in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), (b"x", "it is none")]
)
def test_no_model_where_one_is_named(
    pubgrade: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    content: bytes | None,
    why: str,
) -> None:
    if content is not None:
        (tmp_path / "nowhere").mkdir()
        (tmp_path / "nowhere" / "text.npz").write_bytes(content)
    answer = pubgrade("regrade", "--model", "nowhere")
    assert answer.returncode == 2
    assert f"cannot be read as a text model: {why}\n" in answer.stderr
