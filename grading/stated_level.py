"""The level of evidence that an abstract itself states, verbatim.

Only a level that the article claims for itself counts: a heading or line of its own, or the usual
closing words. "Level of evidence was low", levels of included studies, recommendations and trauma
centres are other things.
"""

from __future__ import annotations

import re

from grading.grades import StatedLevel
from grading.patterns import Pattern
from grading.text import Text

_LEVEL = r"(?:I{1,3}|IV|VI{0,2}|[1-5])(?:\s?[-–]?\s?[a-e123](?![\w]))?(?:\+\+|\+|-(?!\w))?"
_KIND = (
    r"(?:therapeutic|therapy|prognostic|prognosis|diagnostic|diagnosis|economic|prevention|symptom prevalence|epidemiolog\w+"
    r"|prevalence|differential diagnosis|treatment|risk|basic science|etiolog\w+|prospective|retrospective"
    r"|care management|decision analys[ie]s)"
)
_STUDY = r"(?:\s(?:study|studies|investigation|analysis|decision|research|case series))?"
_KINDS = rf"{_KIND}{_STUDY}(?:(?:[\s,;:–—/&-]|and\b)+{_KIND}{_STUDY})*"
# What journals, also those in other languages, call it.
_NAME = (
    r"(?:levels?\s+of\s+(?:clinical\s+)?evidence|evidence\s+levels?|LOE|level-of-evidence"
    r"|(?:EBM|evidence-based\s+medicine)\s+(?:level|rating)|OCEBM\s+level"
    r"|niveau\s+de\s+preuve|n[ií]vel\s+de\s+evid[eê]ncia|livello\s+di\s+evidenza|evidenz(?:grad|level))"
)
_BETWEEN = r"[\s:=,;.–—-]*"
_HEAD = re.compile(
    rf"(?:\b(?:the )?{_NAME}\b)"
    rf"(?:\s*\((?P<named>[^)]{{3,40}})\)|\s+according to [^.:\n]{{3,80}}:)?"
    rf"{_BETWEEN}(?:(?:is|was)\b{_BETWEEN})?(?:(?:a|an|this)\s)?"
    rf"(?:{_KINDS}[\s,;:–—/-]*)?"
    rf"(?:(?:and\s+)?(?:evidence\s+)?(?:level|class|grade)[\s:-]*(?:of evidence[\s:]*)?)?"
    rf"(?P<level>{_LEVEL})(?![\w%]|\.\d|\s?(?:to|-|–|and)\s?(?:I|V|\d)|/\d)",
    re.IGNORECASE,
)
_LEVEL_FIRST = re.compile(
    rf"(?:\b{_KIND}{_STUDY}[\s,;:–—-]+)?\blevel[\s-]+(?P<level>{_LEVEL})(?!\w)"
    rf"(?:\s*[,;:–—(-][\s,;:–—(-]*{_KIND}\b|\s+{_KIND}(?:\s\w+)?\s(?:study|studies|analysis|research|series)\b"
    rf"|[\s,;:–—-]+(?:of evidence|evidence)\b)",
    re.IGNORECASE,
)
_KIND_LEVEL = re.compile(
    rf"(?:^|[.\n]\s*){_KINDS}[\s,;:–—-]+(?:level[\s-]+)?(?P<level>IV|I{{1,3}}|V|[1-5][a-c]?)(?=\s*(?:\.|$|\(|;))",
    re.IGNORECASE,
)
_CLASS = re.compile(
    r"\bclass\s+(?P<level>IV|I{1,3}|[1-4])\s+(?:level\s+of\s+)?evidence\b", re.IGNORECASE
)
_CLASS_OF = re.compile(
    r"\b(?:provides?|classification of evidence:[^.]{0,60}?)\s+class\s+(?P<level>IV|I{1,3}|[1-4])\b"
    r"(?=\s+(?:level\s+of\s+)?evidence\b|\s*(?:[.,;:(\n]|$))",
    re.IGNORECASE,
)
# Linear time, over folded text, and rarely true: only then are the forms tried.
_HINT = Pattern(
    r"\b(?:levels?[ -](?:of[ -])?(?:clinical )?evidence|evidence levels?|LOE"
    r"|(?:EBM|evidence-based medicine) (?:level|rating)|OCEBM level|niveau de preuve"
    r"|n[ií]vel de evid[eê]ncia|livello di evidenza|evidenz(?:grad|level)|class (?:IV|I{1,3}|[1-4])|level[ -]+(?:IV|I{1,3}|V|[1-5])"
    rf"|{_KIND}{_STUDY}[\s,;:-]+(?:level[ -]+)?(?:IV|I{{1,3}}|V|[1-5][a-c]?))\b"
)
_OTHERS = re.compile(
    r"(?:studies|articles|trials|papers|recommendations?|guidelines?|they|literature)\b[^.]{0,60}$"
    r"|(?:\bwith|\bof|\bhad|\bby|\bfrom|\busing|\bat|\bboth|\bas|\bgrade[sd]?)\s+(?:a\s+|the\s+)?$",
    re.IGNORECASE,
)
# Evidence that is not there, that is to come, or that is of one finding of a review.
_NOT_GIVEN = re.compile(
    r"\b(?:no|lack(?:s|ing)?|absence|without|expected|await\w*|ongoing|will|would|could|might|should"
    r"|needed|there (?:is|was|are|were))\b[^.]{0,60}$",
    re.IGNORECASE,
)
_SCHEMES = (
    (re.compile(r"oxford|OCEBM|centre for evidence", re.I), "OCEBM"),
    (
        re.compile(
            r"JBJS|journal of bone|instructions (?:for|to) authors|guidelines for authors", re.I
        ),
        "JBJS",
    ),
    (re.compile(r"\bAAN\b|american academy of neurology|classification of evidence", re.I), "AAN"),
    (re.compile(r"\bSIGN\b"), "SIGN"),
    (re.compile(r"NHMRC"), "NHMRC"),
    (re.compile(r"\bSORT\b"), "SORT"),
    (re.compile(r"technical efficacy", re.I), "JMRI"),
    (re.compile(r"canadian task force|USPSTF", re.I), "Canadian Task Force"),
)


def stated_level(document: Text) -> StatedLevel | None:
    """What the abstract states of itself; None where it states nothing."""
    text = document.article.abstract
    if not text or not _HINT.find(document.data, document.body, len(document.data)):
        return None
    for pattern, scheme in (
        (_HEAD, None),
        (_CLASS, "AAN"),
        (_CLASS_OF, "AAN"),
        (_LEVEL_FIRST, None),
        (_KIND_LEVEL, None),
    ):
        for found in reversed(list(pattern.finditer(text))):
            line_start = (
                max(text.rfind("\n", 0, found.start()), text.rfind(". ", 0, found.start())) + 1
            )
            if pattern is not _HEAD and found.start() < len(text) * 0.5:
                continue
            # "(evidence level IIb)" after a finding grades that finding, not the article.
            if text[: found.start()].endswith("(") and text.count("(evidence level") > 1:
                continue
            before = text[line_start : found.start()]
            if pattern in (_CLASS, _CLASS_OF, _LEVEL_FIRST) and (
                _NOT_GIVEN.search(before)
                or (before.endswith("(") and "." in text[found.end() : -1].rstrip(" ."))
            ):
                continue
            own_heading = not text[line_start : found.start()].strip()
            # "STUDY DESIGN: Cohort study; Level of evidence, 3." may stand early.
            after_design = text[line_start : found.start()].rstrip().endswith(";")
            if not (own_heading or after_design) and _OTHERS.search(
                text[line_start : found.start()]
            ):
                continue
            early = found.start() < len(text) * 0.6
            if pattern is _HEAD and early and not (own_heading or after_design):
                continue
            start = found.start()
            while start < found.end() and text[start] in ".\n ":
                start += 1
            return StatedLevel(
                text=text[start : found.end()],
                scheme=scheme or _scheme(text[line_start : found.end() + 120]),
                level=" ".join(found["level"].split()),
                field="abstract",
                start=start,
                end=found.end(),
            )
    return None


def _scheme(around: str) -> str | None:
    return next((name for pattern, name in _SCHEMES if pattern.search(around)), None)
