"""The shipped text model: the same answer for the same article, whatever stands beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from grading import Article
from grading.text_model import TextModel, predict, predict_many, shipped_model

TRIAL = Article(
    pmid=1,
    title="Honey for cough at night: a randomised controlled trial",
    abstract="BACKGROUND: Cough disturbs sleep.\nMETHODS: We randomly assigned 120 children to honey "
    "or placebo in a double-blind trial.\nRESULTS: Cough score fell by 1.2 with honey and 0.7 with "
    "placebo (p = 0.03).\nCONCLUSION: Honey eased cough more than placebo did.",
)
REVIEW = Article(
    pmid=2,
    title="Honey for cough: a systematic review and meta-analysis",
    abstract="We searched MEDLINE, Embase and CENTRAL for randomised trials. Two reviewers "
    "screened studies and assessed risk of bias. Fourteen studies were included; the pooled mean "
    "difference was -0.9 (95% CI -1.3 to -0.5), I2 = 40%.",
)
CASE = Article(
    pmid=3,
    title="Anaphylaxis after honey: a case report",
    abstract="We report the case of a 34-year-old woman who presented with swelling of the lips "
    "after eating honey. She was treated with adrenaline and discharged after two days.",
)
MICE = Article(
    pmid=4,
    title="Honey reduces airway inflammation in mice",
    abstract="Male C57BL/6 mice were given honey by gavage for 14 days. Lungs of the mice were "
    "removed and stained. Honey reduced eosinophils in treated mice compared with control mice.",
)
EMPTY = Article(pmid=5)
ODD = Article(pmid=6, title="[Кашель]?", abstract="n = 12; p<0.05 \N{SUPERSCRIPT TWO} \x00 %%%")
ARTICLES = [TRIAL, REVIEW, CASE, MICE, EMPTY, ODD]


@pytest.mark.parametrize(
    ("article", "design"),
    [
        (TRIAL, "randomized_controlled_trial"),
        (REVIEW, "systematic_review"),
        (CASE, "case_report"),
        (MICE, "animal_study"),
    ],
)
def test_plain_cases(article: Article, design: str) -> None:
    assert predict(article).design == design


def test_probabilities() -> None:
    for prediction in predict_many(ARTICLES):
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-3)
        assert all(0 <= chance <= 1 for chance in prediction.tags.values())
        assert set(prediction.tags) == set(shipped_model().tags)


def test_the_same_in_any_company_and_thread() -> None:
    alone = [predict(article) for article in ARTICLES]
    assert predict_many(ARTICLES) == alone
    assert predict_many(ARTICLES[::-1]) == alone[::-1]
    many = ARTICLES * 60  # more than one batch
    assert predict_many(many) == alone * 60
    with ThreadPoolExecutor(4) as pool:
        assert all(found == alone * 60 for found in pool.map(predict_many, [many] * 8))


def test_an_article_without_words_is_not_known() -> None:
    prediction = predict(EMPTY)
    assert not prediction.known
    assert set(prediction.probabilities.values()) == {0.125}
    assert predict_many([]) == []


def test_saved_and_read_again(tmp_path: Path) -> None:
    model = shipped_model()
    model.save(tmp_path / "text.npz")
    again = TextModel.load(tmp_path / "text.npz")
    assert again.predict_many(ARTICLES) == model.predict_many(ARTICLES)
    assert again.digest == model.digest
    again.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "text.npz").read_bytes()


def test_a_file_of_another_format_is_refused() -> None:
    stream = BytesIO()
    np.savez(stream, about=np.frombuffer(b'{"format": 99}', dtype=np.uint8))
    stream.seek(0)
    with pytest.raises(ValueError, match=r"format 99.*train it again"):
        TextModel.load(stream)
