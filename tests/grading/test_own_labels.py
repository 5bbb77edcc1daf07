"""`python -m benchmarks.grading --records --labels`: how good the grades are on records of one's own."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.grading import FOLDED
from benchmarks.own_labels import Label, read_labels
from worker.errors import SourceError

ROOT = Path(__file__).parents[2]
RECORDS = {
    "randomized_controlled_trial": (
        "Velotril for gout: a randomised controlled trial",
        "We randomly assigned 120 patients with gout to velotril or placebo for 12 weeks in a double-blind trial. The primary outcome was the number of flares. Flares were fewer with velotril (1.2 vs 2.4, P = 0.002). Velotril prevents flares.",
    ),
    "animal_study": (
        "Velotril lowers urate in mice",
        "Male C57BL/6 mice were fed a high-purine diet and given velotril or vehicle by gavage for 14 days. Serum urate and renal expression of URAT1 were measured after the animals were killed. Urate fell by a third in treated mice (P < 0.01).",
    ),
    "cohort_study": (
        "Gout and kidney failure: a cohort study",
        "We followed a prospective cohort of 4,120 adults with gout for a median of 9 years. Cox models were adjusted for age and blood pressure. Kidney failure was more frequent with tophi (hazard ratio 1.80, 95% CI 1.30 to 2.50).",
    ),
}


def measured(folder: Path, labels: str) -> subprocess.CompletedProcess[str]:
    records, path = folder / "records.jsonl", folder / "labels"
    rows = enumerate(RECORDS.values(), 1)
    told = [{"pmid": pmid, "title": title, "abstract": text} for pmid, (title, text) in rows]
    records.write_text("".join(json.dumps(record) + "\n" for record in told))
    path.write_text(labels)
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.grading", "--records", records, "--labels", path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def json_lines(designs: list[str]) -> str:
    rows = enumerate(designs, 1)
    return "".join(json.dumps({"pmid": pmid, "design": design}) + "\n" for pmid, design in rows)


@pytest.mark.parametrize("designs", [list(RECORDS), ["rct", "animal", "other"]])
def test_labels_are_designs_or_the_eight(tmp_path: Path, designs: list[str]) -> None:
    found = measured(tmp_path, json_lines(designs))
    assert found.returncode == 0, found.stderr
    text_only, with_metadata = found.stdout.split("with metadata")
    assert "accuracy 1.000" in text_only
    assert "accuracy 1.000" in with_metadata
    assert all(f"\n{design} " in text_only for design in designs)


def read(folder: Path, labels: str, name: str = "labels") -> list[Label]:
    path = folder / name
    raw = labels.encode()
    path.write_bytes(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
    return read_labels(path, FOLDED.values())


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("labels.csv", "PMID,Label\r\n1,Randomised controlled trial\r\n2,Case–control study\r\n"),
        ("labels.csv", "design;pmid\nrandomized controlled trial;1\nCase Control Study;2\n"),
        ("labels.tsv.gz", "1\trandomized_controlled_trial\n2\tcase_control_study\n"),
        ("labels.json", '[{"pmid": "1", "label": "Randomized Controlled Trial"}, {"pmid": "PMID: 2", "study type": "case-control study"}]'),
        ("labels.jsonl", "\ufeff" + json_lines(["randomized_controlled_trial", "case_control_study"])),
    ],
)  # fmt: skip
def test_labels_in_the_forms_that_people_have(tmp_path: Path, name: str, labels: str) -> None:
    assert [(label.pmid, label.design) for label in read(tmp_path, labels, name)] == [
        (1, "randomized_controlled_trial"),
        (2, "case_control_study"),
    ]


def test_levels(tmp_path: Path) -> None:
    assert read(tmp_path, "pmid,level,scheme\n1,2,ocebm_2011\n3,III,\n") == [
        Label(1, None, "2", "ocebm_2011"),
        Label(3, None, "III", None),
    ]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (json_lines(["rct", "aminal"]), r"unknown design aminal \(line 2\)"),
        ('{"pmid": 1, "design": "rct"}\n{"pmid": 2,\n', "line 2: is no JSON"),
        ('{"pmid": 1, "type": "rct"}\n', "line 1: no design and no level"),
        ("pmid,design\n1,rct\nx,animal\n", "line 3: not a PMID"),
        ("1,rct\n2,animal\n1,other\n", "PMID 1 is labelled otherwise in lines 1 and 3"),
        ("", "holds no labels"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, labels: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read(tmp_path, labels)


def test_a_label_that_is_none_is_told(tmp_path: Path) -> None:
    found = measured(tmp_path, json_lines(["rct", "aminal", "other"]))
    assert found.returncode == 1
    assert "unknown design aminal" in found.stderr
    assert "Traceback" not in found.stderr


def test_labels_without_records_are_counted(tmp_path: Path) -> None:
    found = measured(tmp_path, "1,rct\n2,animal\n88,other\n")
    assert found.returncode == 0, found.stderr
    assert "1 labels have no record in" in found.stdout
    assert "1 records have no label" in found.stdout
