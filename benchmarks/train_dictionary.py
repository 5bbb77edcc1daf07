"""Make the compression dictionary of the store, `storage/documents.dict`.

    python -m benchmarks.train_dictionary OUT [--size 49152]

What it is made from is invented here: articles in the shape of PubMed's, with NLM's own tags
(publication types, frequent MeSH headings, units of the list of journals) and sentences of our own,
graded by the grader. No text of any record is in it. A dictionary in use must not be replaced:
stored records need the one they were packed with.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import zstandard

from grading import Article, grade_many
from grading.article import (
    Author,
    Chemical,
    Correction,
    DatedEvent,
    Grant,
    MeshHeading,
    PublicationType,
    Qualifier,
    Section,
)
from storage import documents

SYLLABLES = (
    "ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "xo", "zu",
)  # fmt: skip
TYPES = {
    "Journal Article": "D016428", "Research Support, Non-U.S. Gov't": "D013485",
    "Review": "D016454", "Comparative Study": "D003160", "Randomized Controlled Trial": "D016449",
    "Case Reports": "D002363", "Clinical Trial": "D016430", "Letter": "D016422",
    "Meta-Analysis": "D017418", "Systematic Review": "D000078182", "Editorial": "D016421",
    "Multicenter Study": "D016448", "Observational Study": "D064888", "Comment": "D016420",
    "Research Support, U.S. Gov't, P.H.S.": "D013487", "English Abstract": "D004740",
    "Research Support, N.I.H., Extramural": "D052061", "Practice Guideline": "D017065",
    "Clinical Trial, Phase II": "D017427", "Clinical Trial, Phase III": "D017428",
}  # fmt: skip
HEADINGS = {
    "Humans": "D006801", "Female": "D005260", "Male": "D008297", "Animals": "D000818",
    "Adult": "D000328", "Middle Aged": "D008875", "Aged": "D000368", "Adolescent": "D000293",
    "Child": "D002648", "Young Adult": "D055815", "Aged, 80 and over": "D000369",
    "Infant": "D007223", "Child, Preschool": "D002675", "Infant, Newborn": "D007231",
    "Retrospective Studies": "D012189", "Prospective Studies": "D011446", "Mice": "D051379",
    "Treatment Outcome": "D016896", "Risk Factors": "D012307", "Follow-Up Studies": "D005500",
    "Rats": "D051381", "Time Factors": "D013997", "Cohort Studies": "D015331",
    "Case-Control Studies": "D016022", "Cross-Sectional Studies": "D003430",
    "Pregnancy": "D011247", "United States": "D014481", "Cell Line": "D002460",
    "Surveys and Questionnaires": "D011795", "Prognosis": "D011379", "Quality of Life": "D011788",
    "Double-Blind Method": "D004311", "Incidence": "D015994", "Prevalence": "D015995",
    "Disease Models, Animal": "D004195", "Signal Transduction": "D015398",
    "Randomized Controlled Trials as Topic": "D016032", "Molecular Structure": "D015394",
}  # fmt: skip
QUALIFIERS = {
    "metabolism": "Q000378", "drug therapy": "Q000188", "therapeutic use": "Q000627",
    "diagnosis": "Q000175", "surgery": "Q000601", "methods": "Q000379", "genetics": "Q000235",
    "epidemiology": "Q000453", "adverse effects": "Q000009", "physiology": "Q000502",
    "pharmacology": "Q000494", "therapy": "Q000628", "complications": "Q000150",
    "administration & dosage": "Q000008", "etiology": "Q000209", "mortality": "Q000401",
    "analysis": "Q000032", "blood": "Q000097", "drug effects": "Q000187", "pathology": "Q000473",
}  # fmt: skip
COUNTRIES = ("United States", "England", "Germany", "Netherlands", "Switzerland", "China", "Japan")
PLACES = ("USA", "UK", "Germany", "Italy", "China", "Japan", "France", "Canada", "Spain", "Korea")
UNITS = (
    "Department of Medicine", "Department of Surgery", "School of Medicine", "Faculty of Medicine",
    "Department of Pediatrics", "Institute of Public Health", "Division of Cardiology",
    "Department of Epidemiology and Biostatistics", "Center for Clinical Research",
)  # fmt: skip
OPENINGS = (
    "The aim of this study was to evaluate the effect of {a} on {b} in patients with {c}.",
    "We investigated whether {a} is associated with {b} in {c}.",
    "Little is known about {a} in {c}. The purpose of this study was to determine {b}.",
    "To compare the efficacy and safety of {a} with placebo for the treatment of {c}.",
    "We report a case of {c} in a {n}-year-old woman who presented with {a}.",
    "This review summarizes current knowledge of {a} and its role in {c}.",
)
METHODS = (
    "In this randomized, double-blind, placebo-controlled trial, {n} patients received {a}.",
    "Patients were randomly assigned to receive {a} or placebo for {m} weeks.",
    "A retrospective cohort study of {n} patients who underwent {a} between 2010 and 2018.",
    "We searched PubMed, Embase and the Cochrane Library for randomized controlled trials.",
    "A total of {n} participants were enrolled in this cross-sectional study.",
    "Cells were treated with {a}, and expression of {b} was measured by western blot.",
    "The primary outcome was {b} at {m} months. Secondary outcomes included adverse events.",
)
RESULTS = (
    "There were no significant differences between the groups (P = 0.{m}).",
    "{a} was associated with an increased risk of {b} (odds ratio, 1.{m}; P < 0.001).",
    "The 95% confidence interval [CI] was 1.0{m} to 2.{m}.",
    "The mean age was {m} years, and {m}% were women.",
    "Overall survival was higher with {a} (hazard ratio 0.{m}, 95% CI 0.{m}-0.9; p=0.0{m}).",
    "Twelve studies including {n} patients were included in the meta-analysis.",
)
CONCLUSIONS = (
    "These results suggest that {a} may play an important role in {c}.",
    "In conclusion, {a} significantly reduced {b} in patients with {c}. Further studies are needed.",
    "Our findings indicate that {a} is effective and safe in the treatment of {c}.",
)


def articles(count: int) -> list[Article]:
    chance = random.Random(20261125)
    names = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 3))) for _ in range(900)]
    return [_article(30_000_000 + number, chance, names) for number in range(count)]


def _article(pmid: int, chance: random.Random, names: list[str]) -> Article:
    parts = [
        ("BACKGROUND", "BACKGROUND", OPENINGS), ("METHODS", "METHODS", METHODS),
        ("RESULTS", "RESULTS", RESULTS), ("CONCLUSIONS", "CONCLUSIONS", CONCLUSIONS),
    ]  # fmt: skip
    labelled = chance.random() < 0.5
    sections, lines, at = [], [], 0
    for label, category, sentences in parts:
        text = " ".join(
            sentence.format(
                a=chance.choice(names), b=chance.choice(names), c=chance.choice(names),
                n=chance.randint(11, 4000), m=chance.randint(10, 99),
            )
            for sentence in chance.sample(sentences, chance.randint(1, 2))
        )  # fmt: skip
        line = f"{label}: {text}" if labelled else text
        sections.append(
            Section(
                label=label if labelled else None,
                category=category if labelled else None,
                text=text, start=at, end=at + len(line),
            )
        )  # fmt: skip
        lines.append(line)
        at += len(line) + 1
    year, month, day = chance.randint(1975, 2026), chance.randint(1, 12), chance.randint(10, 28)
    when = f"{year}-{month:02}-{day}"
    indexed = chance.random() < 0.7
    journal = (
        f"{chance.choice(('Journal of', 'The journal of', 'International journal of'))} medicine"
    )
    return Article(
        pmid=pmid,
        title=f"Effects of {chance.choice(names)} on {chance.choice(names)}: a study in patients.",
        abstract="\n".join(lines), sections=tuple(sections), languages=("eng",),
        journal=journal, journal_abbreviation="J Med", issn=f"{chance.randint(1000, 2999)}-1234",
        nlm_id=f"{chance.randint(100000, 999999)}0R", country=chance.choice(COUNTRIES),
        volume=str(chance.randint(1, 400)), issue=str(chance.randint(1, 12)),
        pages=f"{chance.randint(1, 900)}-9",
        published=f"{year}-{month:02}", published_precision="month", published_text=f"{year} Jan",
        entered=when, completed=when, revised=when,
        dates=tuple(
            DatedEvent(event=event, date=when, precision="day")
            for event in ("completed", "revised", "electronic", "received", "accepted", "entrez",
                          "pubmed", "medline")
        ),
        publication_status=chance.choice(("ppublish", "epublish", "aheadofprint")),
        authors=tuple(
            Author(
                name=f"{first.title()} {last.title()}", last_name=last.title(),
                fore_name=first.title(), initials=first[0].upper(),
                affiliations=(
                    f"{chance.choice(UNITS)}, University of {last}, {chance.choice(PLACES)}.",
                ),
                orcid=f"0000-000{chance.randint(1, 3)}-{chance.randint(1000, 9999)}-1234"
                if chance.random() < 0.2 else None,
            )
            for first, last in zip(
                chance.sample(names, 5), chance.sample(names, 5), strict=True
            )
        ),
        doi=f"10.10{chance.randint(10, 99)}/j.{chance.choice(names)}.{year}.0{chance.randint(1, 9)}",
        pmcid=f"PMC{chance.randint(1000000, 9999999)}" if chance.random() < 0.3 else None,
        publication_types=tuple(
            PublicationType(name=name, ui=TYPES[name])
            for name in ("Journal Article", chance.choice(list(TYPES)))
        ),
        mesh=tuple(
            MeshHeading(
                name=name, ui=HEADINGS[name], major=chance.random() < 0.2,
                qualifiers=tuple(
                    Qualifier(name=each, ui=QUALIFIERS[each], major=chance.random() < 0.4)
                    for each in chance.sample(list(QUALIFIERS), chance.choice((0, 0, 1, 2)))
                ),
            )
            for name in chance.sample(list(HEADINGS), 9)
        ) if indexed else (),
        keywords=tuple(chance.sample(names, 4)),
        chemicals=(
            Chemical(name=chance.choice(names), ui=f"D0{chance.randint(10000, 99999)}"),
        ) if indexed else (),
        grants=(
            Grant(number=f"R01 HL{chance.randint(1000, 9999)}", acronym="HL",
                  agency="NHLBI NIH HHS", country="United States"),
        ) if chance.random() < 0.3 else (),
        comments_corrections=(
            Correction(relation=chance.choice(("CommentIn", "CommentOn", "ErratumIn", "Cites")),
                       direction="in", pmid=chance.randint(10_000_000, 30_000_000),
                       source=f"J Med. {year} Jan;12(3):45-9"),
        ) if chance.random() < 0.3 else (),
        references=tuple(chance.sample(range(9_000_000, 34_000_000), chance.choice((0, 20)))),
        subsets=("IM",),
        coi_statement="The authors declare that they have no conflicts of interest.",
        copyright="Copyright © 2020 Elsevier Inc. All rights reserved.",
        status="MEDLINE" if indexed else "PubMed-not-MEDLINE",
        indexing_method="Automated" if chance.random() < 0.2 else None, owner="NLM",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Make storage/documents.dict.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=48 * 1024)
    options = parser.parse_args()
    made = articles(4_000)
    samples = [
        documents.article_bytes(article) + documents.grade_bytes(grade)
        for article, grade in zip(made, grade_many(made), strict=True)
    ]
    content = zstandard.train_dictionary(options.size, samples, level=3).as_bytes()
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content):,} bytes from {len(samples):,} invented records")


if __name__ == "__main__":
    main()
