"""How good the grades are: designs, confidence, levels, tags; and how fast they come.

    python -m benchmarks.grading [--folds DIR]
    python -m benchmarks.grading --records FILE --labels FILE

Without files, the development data of `$PUBGRADE_DATA` (default ../shared/data) is measured. The
shipped text model was trained on much of it: only with `--folds` do models answer that have not seen
the record (kept in DIR; trained there when it is empty, which needs scipy and some minutes). The rules
were written while looking at this data, with or without `--folds`.

With files of your own: records as PubMed XML, MEDLINE text or JSON lines (pmid, title, abstract);
labels as a table (CSV or tab-separated), JSON lines or a JSON list of pmid and design (an id or label of
`grading.vocabulary.DESIGNS`, or one of the eight folded designs) or of pmid, level and, where it is
another than the JBJS reading, scheme. Any of these may be gzipped.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import scores, stated_levels
from benchmarks.labelled import data_folder, plain, read_articles, read_lines, text_only
from benchmarks.nlm_tags import FINE, TAGS, human_tags, very_design
from benchmarks.out_of_fold import KeptPredictions
from benchmarks.own_labels import read_labels
from grading import Article, Grade
from grading.combination import GROUPS, OTHERS
from grading.grader import grade_many
from grading.text_model import Predictor
from grading.vocabulary import DESIGNS
from worker.collector import look_rarely
from worker.errors import SourceError

# StudyTypeTeller's fourteen types folded to eight: designs by their group, by the short names of the
# tables; then what annotators call them.
_SHORT = {
    "randomized_controlled_trial": "rct",
    "animal_study": "animal",
    "in_vitro_study": "in_vitro",
    OTHERS: "other",
}
FOLDED = {design: _SHORT.get(group, group) for design, group in GROUPS.items()} | {
    "narrative_review_or_opinion": "narrative_review",
    **{short: short for short in _SHORT.values()},
}
BATCH = 500
FEW = 30  # records; fewer make no table


def fold(design: str) -> str:
    """Annotators' names for several designs in one (observational, intervention without
    randomisation) are other studies."""
    return FOLDED.get(design, "other")


def graded(articles: Sequence[Article], model: Predictor | None) -> list[Grade]:
    return [
        grade
        for first in range(0, len(articles), BATCH)
        for grade in grade_many(articles[first : first + BATCH], model=model)
    ]


def print_designs(
    title: str, truth: Sequence[str], grades: Sequence[Grade], *, folded: bool
) -> None:
    """Per-design scores, the confusions and the calibration of one set."""
    found = [fold(grade.design) if folded else grade.design for grade in grades]
    pairs = list(zip(truth, found, strict=True))
    names = sorted(set(truth))
    drawn = scores.draws(pairs)
    low, high = scores.interval([scores.macro_f1(draw) for draw in drawn])
    print(f"\n## {title}: {len(pairs)} records")
    print(
        f"accuracy {scores.accuracy(pairs):.3f}   macro-F1 {scores.macro_f1(pairs):.3f} "
        f"({low:.3f}–{high:.3f})"
    )
    print(f"{'design':28} {'n':>5} precision recall    F1  (95 % of {len(drawn)} bootstrap draws)")
    for name in names:
        precision, recall, f1 = scores.score(pairs, name)
        low, high = scores.interval([scores.score(draw, name).f1 for draw in drawn])
        count = sum(t == name for t in truth)
        print(
            f"{name:28} {count:5} {precision:9.3f} {recall:6.3f} {f1:6.3f} ({low:.3f}–{high:.3f})"
        )
    print("most confused (truth → found):")
    for (was, said), count in Counter(pair for pair in pairs if pair[0] != pair[1]).most_common(8):
        print(f"  {count:4} {was} → {said}")
    sure = [
        grade.confidence if folded or grade.design_confidence is None else grade.design_confidence
        for grade in grades
    ]
    print_calibration([(how, was == said) for how, (was, said) in zip(sure, pairs, strict=True)])


def print_calibration(answers: Sequence[tuple[float, bool]]) -> None:
    bins, error = scores.calibration(answers)
    print("confidence from: records, mean confidence, share right")
    for part in bins:
        print(f"  {part.low:.1f}: {part.records:5} {part.confidence:.3f} {part.right:.3f}")
    print(f"expected calibration error {error:.3f}")


def print_rct(title: str, truth: Sequence[bool], grades: Sequence[Grade]) -> None:
    found = [fold(grade.design) == "rct" for grade in grades]
    hit = sum(t and f for t, f in zip(truth, found, strict=True))
    clear = sum(not t and not f for t, f in zip(truth, found, strict=True))
    trials, others = sum(truth), len(truth) - sum(truth)
    print(
        f"{title}: sensitivity {hit / max(trials, 1):.3f} ({trials} trials), "
        f"specificity {clear / max(others, 1):.3f} ({others} others)"
    )


def print_tags(articles: Sequence[Article], model: Predictor | None) -> None:
    """F1 against tags that a human indexer gave, from title and abstract alone, and from all."""
    asked = [(article, tags) for article in articles if (tags := human_tags(article)) is not None]
    grades = graded([text_only(article) for article, _ in asked], model)
    whole = graded([article for article, _ in asked], model)
    print(f"\n## NLM tags assigned by humans: {len(asked)} records with an abstract")
    print("(with metadata the tag itself is read: an upper bound)")
    print(f"{'text only':28} {'n':>5} precision recall    F1  MultiTagger 2  with metadata, F1")
    for tag in TAGS:
        text, metadata = (
            [
                (str(truth[tag.name]), str(tag.ours(grade, article)))
                for (article, truth), grade in zip(asked, given, strict=True)
                if tag.name in truth
            ]
            for given in (grades, whole)
        )
        precision, recall, f1 = scores.score(text, "True")
        count = sum(t == "True" for t, _ in text)
        other = f"{tag.other:.3f}" if tag.other else "–"
        print(
            f"{tag.name:28} {count:5} {precision:9.3f} {recall:6.3f} {f1:6.3f}  {other:13}  "
            f"{scores.score(metadata, 'True').f1:.3f}"
        )
    print("(MultiTagger 2: on other records)")
    truth = [tags["randomized_controlled_trial"] for _, tags in asked]
    print_rct("RCT, text only", truth, grades)
    print_rct("RCT, with metadata", truth, whole)
    print(f"`design_confidence` of designs that have a tag ({', '.join(FINE)}), text only:")
    print_calibration(
        [
            (grade.design_confidence or 0.0, right)
            for (article, _), grade in zip(asked, grades, strict=True)
            if (right := very_design(article, grade)) is not None
        ]
    )
    print("What counts as our answer:")
    for tag in TAGS:
        print(f"  {tag.name}: {tag.how}")


def print_speed(articles: Sequence[Article]) -> None:
    """Records a second (CPU of this process), time to load, memory of a fresh process."""
    look_rarely()  # as the command line does
    graded(articles[:BATCH], None)
    started = time.process_time()
    graded(articles, None)
    seconds = time.process_time() - started
    code = (
        "import time; a = time.process_time();"
        "from grading import Article, grade; b = time.process_time();"
        "grade(Article(pmid=1, title='A trial', abstract='Patients were randomised. ' * 20));"
        "c = time.process_time();"
        "print(b - a, c - b)"
    )
    fresh = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    imports, first = (float(value) for value in fresh.stdout.split())
    # A child keeps its parent's peak as its own `ru_maxrss`; its peak alone is what /proc tells.
    peak = f"{code};print(open('/proc/self/status').read())"
    fresh = subprocess.run([sys.executable, "-c", peak], capture_output=True, text=True)
    memory = next(
        (f"{int(line.split()[1]) / 1024:.0f} MiB" for line in fresh.stdout.splitlines()
         if line.startswith("VmHWM")), "not told by this system",
    )  # fmt: skip
    print("\n## Speed (CPU time, one process; other work on the machine moves these figures)")
    print(f"{len(articles) / seconds:,.0f} records graded a second")
    print(f"import {imports:.2f} s, tables, model and first grade {first:.2f} s")
    print(f"peak memory of a process that has graded once: {memory}")


def measure_own(records: Path, labels: Path) -> None:
    """The figures on files of the caller's."""
    rows = read_labels(labels, FOLDED.values())
    articles = {article.pmid: article for article in read_articles(records)}
    known = [row for row in rows if row.pmid in articles]
    if not known:
        raise SourceError(f"{labels}: no PMID of these labels stands in {records}.")
    for count, what in (
        (len(rows) - len(known), f"labels have no record in {records}"),
        (len(articles) - len(known), "records have no label"),
    ):
        if count:
            print(f"{count:,} {what}: left out.")
    designs = [(row.design, articles[row.pmid]) for row in known if row.design]
    if designs:
        folded = any(design not in DESIGNS for design, _ in designs)
        truth = [fold(design) if folded else design for design, _ in designs]
        chosen = [article for _, article in designs]
        text = graded([text_only(article) for article in chosen], None)
        print_designs("Your records, text only", truth, text, folded=folded)
        whole = graded(chosen, None)
        print_designs("Your records, with metadata", truth, whole, folded=folded)
    levelled = [
        stated_levels.Stated(articles[row.pmid], row.level, row.scheme)
        for row in known
        if row.level is not None
    ]
    if levelled:
        print("\n## Levels of your records")
        stated_levels.report(stated_levels.compare(levelled))
    print_speed([articles[row.pmid] for row in known])


def measure_development(folds: Path | None) -> None:
    """The figures on the development data."""
    folder = data_folder()
    if not folder.is_dir():
        sys.exit(f"{folder}: no such folder. Set PUBGRADE_DATA, or give --records and --labels.")
    model: KeptPredictions | None = None
    if folds is not None:
        model = KeptPredictions(folds)
        print(
            "Out of fold: no text model answers for a record that it was trained on. The few weights "
            "that join rules and model (grading/model/combination.json) are the shipped ones, fitted "
            "on these labels: benchmarks.fit_combination prints cross-validated figures."
        )
    else:
        print(
            "IN SAMPLE: the shipped text model was trained on most of these records. Figures on "
            "designs and tags are too good; --folds gives honest ones."
        )
    lines = list(read_lines(folder / "labels" / "designs.jsonl.gz"))
    teller = [line for line in lines if line["source"] == "studytypeteller"]
    grades = graded([plain(line) for line in teller], model)
    truth = [fold(line["design"]) for line in teller]
    print_designs("StudyTypeTeller folded to eight, text only", truth, grades, folded=True)
    indexed = [
        article
        for path in sorted((folder / "records" / "xml").glob("pubmed_0*.xml.gz"))
        for article in read_articles(path)
    ]
    by_pmid = {article.pmid: article for article in indexed}
    joined = [
        line
        for line in lines
        if line["pmid"] and int(line["pmid"]) in by_pmid and line["design"] != "other"
    ]
    if joined:
        print_metadata(joined, by_pmid, model)
    print_tags(indexed, model)
    print("\n## Stated levels (the statement taken out of the text first)")
    stated_levels.report(stated_levels.compare(stated_levels.load(folder), model=model))
    print_speed(indexed[:4000])
    if model is not None:
        print(f"\n{model.unseen:,} answers were the shipped model's, for records in no fold.")


def print_metadata(
    joined: Sequence[dict[str, Any]], by_pmid: dict[int, Article], model: Predictor | None
) -> None:
    """Hand-labelled abstracts that also stand in the records: text only, then all of PubMed's."""
    chosen = [by_pmid[int(line["pmid"])] for line in joined]
    truth = [fold(line["design"]) for line in joined]
    text = graded([text_only(article) for article in chosen], model)
    whole = graded(chosen, model)
    if len(joined) < FEW:
        right = [
            sum(was == fold(grade.design) for was, grade in zip(truth, grades, strict=True))
            for grades in (text, whole)
        ]
        print(
            f"\n## Hand labels found among the records: only {len(joined)}; right by text alone "
            f"{right[0]}, with metadata {right[1]}"
        )
        return
    print_designs("Hand labels found among the records, text only", truth, text, folded=True)
    print_designs("The same, with metadata", truth, whole, folded=True)
    trials = [was == "rct" for was in truth]
    print_rct("RCT, text only", trials, text)
    print_rct("RCT, with metadata", trials, whole)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=Path, help="PubMed XML, MEDLINE text or JSON lines")
    parser.add_argument(
        "--labels", type=Path, help="CSV, tabs or JSON lines of pmid and design or level"
    )
    parser.add_argument("--folds", type=Path, metavar="DIR", help="out-of-fold predictions")
    options = parser.parse_args()
    if (options.records is None) != (options.labels is None):
        parser.error("--records and --labels go together")
    if options.records is not None:
        for path in (options.records, options.labels):
            if not path.is_file():
                parser.error(f"{path}: there is no such file")
        try:
            measure_own(options.records, options.labels)
        except SourceError as error:
            sys.exit(str(error))
    else:
        measure_development(options.folds)


if __name__ == "__main__":
    main()
