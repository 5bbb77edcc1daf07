"""`python -m benchmarks.grading --records --labels`: how good the grades are on records of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


def measured(folder: Path, designs: list[str]) -> subprocess.CompletedProcess[str]:
    records, labels = folder / "records.jsonl", folder / "labels.jsonl"
    rows = enumerate(zip(RECORDS.values(), designs, strict=True), 1)
    told = [({"pmid": pmid, "title": t, "abstract": a}, design) for pmid, ((t, a), design) in rows]
    records.write_text("".join(json.dumps(record) + "\n" for record, _ in told))
    labels.write_text("".join(json.dumps({"pmid": r["pmid"], "design": d}) + "\n" for r, d in told))
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.grading", "--records", records, "--labels", labels],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("designs", [list(RECORDS), ["rct", "animal", "other"]])
def test_labels_are_designs_or_the_eight(tmp_path: Path, designs: list[str]) -> None:
    found = measured(tmp_path, designs)
    assert found.returncode == 0, found.stderr
    text_only, with_metadata = found.stdout.split("with metadata")
    assert "accuracy 1.000" in text_only
    assert "accuracy 1.000" in with_metadata
    assert all(f"\n{design} " in text_only for design in designs)


def test_a_label_that_is_none_is_told(tmp_path: Path) -> None:
    found = measured(tmp_path, ["rct", "aminal", "other"])
    assert found.returncode == 1
    assert "unknown design aminal" in found.stderr
