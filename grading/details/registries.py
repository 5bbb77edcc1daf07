"""Trial and review registry numbers in title and abstract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from grading.details.values import RegistryMention
from grading.patterns import Pattern
from grading.text import Text

# Any case, but for NTR: "nl 1234" is too often something else.
REGISTRIES: tuple[tuple[str, str], ...] = (
    ("ClinicalTrials.gov", r"\bNCT[\s:#-]{0,2}(?:no\.?\s?)?\d{8}\b"),
    ("ISRCTN", r"\bISRCTN[\s:#-]{0,2}(?:no\.?\s?)?\d{8}\b"),
    ("PROSPERO", r"\bCRD[\s-]?4?20?\d{8,11}\b"),
    ("ChiCTR", r"\bChiCTR[- ]?(?:[A-Z]{2,4}-?)?\d{8,10}\b"),
    ("ANZCTR", r"\bACTRN\s?\d{14}\w?\b"),
    ("CTIS", r"\b20\d{2}-5\d{5}-\d{2}(?:-\d{2})?\b"),
    ("EudraCT", r"\b20\d{2}-0\d{5}-\d{2}\b"),
    ("CTRI", r"\bCTRI/\d{4}/\d{2,3}/\d{6}\b"),
    ("UMIN", r"\bUMIN\s?(?:-CTR)?\s?(?:ID\s?)?[:-]?\s?\d{9}\b"),
    ("JPRN", r"\b(?:jRCTs?\d{9,10}|jRCT\d{9,10}|JapicCTI-?\d{6}|JMA-IIA\d{5})\b"),
    ("DRKS", r"\bDRKS[\s-]?\d{8}\b"),
    ("PACTR", r"\bPACTR\s?\d{15,16}\b"),
    ("NTR", r"(?-i:\b(?:NTR|NL)[\s-]?\d{3,5}\b)"),
    ("IRCT", r"\bIRCT\s?\d{8,20}(?:N\d+)?\b"),
    ("KCT", r"\bKCT\s?\d{7}\b"),
    ("TCTR", r"\bTCTR\s?\d{11}\b"),
    ("ReBec", r"\bRBR-?\w{6,8}\b"),
    ("SLCTR", r"\bSLCTR/\d{4}/\d{3}\b"),
    ("RPCEC", r"\bRPCEC\s?\d{8}\b"),
)
_AS_PRINTED = frozenset({"ChiCTR", "JPRN", "ReBec"})
_BETWEEN = re.compile(r"[\s:#]|(?i:no\.?(?=\s?\d))|(?i:-ctr)|(?i:id(?=\s?:?\s?\d))")


def read_registry(text: Text, may: Mapping[str, Pattern]) -> Iterator[RegistryMention]:
    """Each number once, title first, in the order of `may`: the patterns of registries, by name,
    that the text may hold."""
    seen = set()
    for registry, pattern in may.items():
        for start, end in pattern.every(text.data, 0, len(text.data)):
            value = _BETWEEN.sub("", text.data[start:end].decode())
            if registry not in _AS_PRINTED:
                value = value.upper()
            if registry in ("ClinicalTrials.gov", "ISRCTN", "UMIN", "DRKS", "NTR", "PROSPERO"):
                value = value.replace("-", "")
            if value in seen:
                continue
            seen.add(value)
            field, base = text.place(start)
            yield RegistryMention(
                registry=registry,
                value=value,
                text=text.quote(start, end),
                field=field,
                start=start - base,
                end=end - base,
            )
