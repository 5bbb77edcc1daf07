"""Features of a text, against a plain reading of what they are said to be."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest

from grading import Article
from grading.text_features import FEATURE_SPACE, feature_pairs

MASK = 0xFFFFFFFF
ROLES = {"methods": 1, "results": 2, "case": 2, "conclusion": 3}
ARTICLES = [
    Article(
        pmid=1,
        title="Honey, for cough: 12 (twelve) children?",
        abstract="We gave honey. It helped.",
    ),
    Article(
        pmid=1,
        title="[Σίσυφος.]",
        abstract="Aged 3.5±0.2 in 2019; METHODS: 95% of 1234567 p<0.05.\nRESULTS: n=20\u2009mg/kg²\x1c"
        "x\u00a0y ΟΔΟΣ.Α İstanbul Straße\nCONCLUSION: ٣ well-known.",
    ),
    Article(pmid=1, title="Case: a report", abstract=""),
    Article(pmid=1, title="", abstract="results: one"),
    Article(pmid=1),
    Article(
        pmid=1,
        title=f"{'a' * 39} {'b' * 40} {'c' * 41} {'d' * 300} 1999 2000 2100 20000 19",
        abstract="\x00x\x01y\x02z\n_1_a %%?é? β-blocker 5µg" + " Ünïcode" * 3 + " 12",
    ),
    Article(pmid=1, title="broken \ud800 text", abstract="a\ud800b " * 1500),
]


def hashed(token: str) -> int:
    if token.isdigit():
        year = re.fullmatch(r"(19|20)\d\d", token)
        token = "<year>" if year else f"<{min(len(token), 5)}>"
    return crc32(token.encode()) | 1


def placed(value: int, field: int) -> int:
    value ^= hashed(f"<field {field}>")
    value ^= value >> 15
    value = value * 0x9E3779B1 & MASK
    value ^= value >> 13
    return (value * 0x85EBCA6B & MASK) >> 10


def grams(words: list[int], length: int) -> list[int]:
    if length == 1:
        return words
    pairs = [(a * 0x85EBCA6B + (b ^ (b >> 16))) & MASK for a, b in pairwise(words)]
    if length == 2:
        return pairs
    return [(p * 0xC2B2AE35 + c) & MASK for p, c in zip(pairs, words[2:], strict=False)]


def bucket(count: int) -> int:
    bits = count.bit_length()
    return min(bits, 12) * 2 + (bits > 1 and count >> (bits - 2) & 1)


def features(article: Article) -> Counter[int]:
    token = re.compile(r"[^\W\d_]+|\d+|[:?%=<>±≥≤]")
    title, abstract = (token.findall(t.lower()) for t in (article.title, article.abstract))
    found: list[int] = []
    title_words = [hashed("<title>"), *map(hashed, title)]
    words = [*map(hashed, abstract)]
    for n in (1, 2, 3):
        found += [placed(gram, n - 1) for part in (title_words, words) for gram in grams(part, n)]
        found += [placed(gram, n + 2) for gram in grams(title_words, n)]
    size, label, roles = len(abstract), None, []
    for place, word in enumerate(abstract):
        if word in ROLES and abstract[place + 1 : place + 2] == [":"]:
            label = ROLES[word]
        share = place / size
        roles.append(sum(share >= limit for limit in (0.25, 0.5, 0.82)) if label is None else label)
    for n in (1, 2):
        found += [
            placed(gram ^ ((role + 1) * 0xC2B2AE35 & MASK), n + 5)
            for gram, role in zip(grams(words, n), roles, strict=False)
        ]
    shape = [f"<title {bucket(len(title))}>", f"<abstract {bucket(size)}>"]
    if abstract:
        shape += [
            f"<numbers {sum(map(str.isdigit, abstract)) * 40 // size}>",
            f"<percent {bucket(abstract.count('%'))}>",
            f"<equals {bucket(abstract.count('=') + abstract.count('<'))}>",
            f"<labels {min(abstract.count(':'), 8)}>",
        ]
    shape += ["<translated>"] * article.title.startswith("[")
    shape += ["<asks>"] * article.title.endswith("?")
    return Counter(found + [placed(hashed(name), 8) for name in shape])


@pytest.mark.parametrize("company", [ARTICLES, ARTICLES[::-1], *([a] for a in ARTICLES)])
def test_features_are_those_of_a_plain_reading(company: list[Article]) -> None:
    owner, feature = feature_pairs(company)
    assert feature.max() < FEATURE_SPACE
    for number, article in enumerate(company):
        assert Counter(feature[owner == number].tolist()) == features(article)


def test_either_spelling_is_one_word() -> None:
    british = Article(pmid=1, title="Randomisation", abstract="Randomised and analysed by sex.")
    american = Article(pmid=1, title="Randomization", abstract="Randomized and analyzed by sex.")
    owner, feature = feature_pairs([british, american])
    assert Counter(feature[owner == 0].tolist()) == Counter(feature[owner == 1].tolist())


def test_no_articles() -> None:
    owner, feature = feature_pairs([])
    assert len(owner) == len(feature) == 0
    assert owner.dtype == np.int64
