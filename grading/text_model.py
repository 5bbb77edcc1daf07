"""`predict`: what a learned model reads out of title and abstract alone.

The model is linear in hashed word n-grams (`text_features`): one group of yes-or-no heads says
which tags a human indexer at NLM would give, and a second stage turns the n-grams and those
answers into one distribution over eight designs. It sees no publication type, no MeSH heading and
no journal. Weights are whole numbers, so the sums that decide are exact on every machine;
probabilities are rounded to four decimals. How the weights were made: `worker/training.py`, and
`docs/text_model.md` for data, figures and limits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import numpy as np
import numpy.typing as npt

from .article import Article, Value
from .text_features import FEATURE_SPACE, feature_places

FORMAT: Final = 1
DECIMALS: Final = 4
_BATCH: Final = 128  # articles at once: their features stay in the processor's cache
_ABREAST: Final = 8  # most rows added side by side: long runs are what numpy adds fast

Floats = npt.NDArray[np.float64]


class TextPrediction(Value, frozen=True, kw_only=True):
    """Probabilities between 0 and 1, rounded to four decimals.

    `probabilities`: over eight coarse designs, summing to 1 but for rounding. `systematic_review`
    holds meta-analyses, umbrella and scoping reviews; `narrative_review` editorials, letters,
    comments and guidelines; `randomized_controlled_trial` n-of-1 trials; `primary_research` every
    other design. `tags`: each by itself, how probable that tag of an NLM indexer is. `known` is
    False for an article without a single word: then `probabilities` is flat.
    """

    probabilities: dict[str, float]
    tags: dict[str, float]
    known: bool = True

    @property
    def design(self) -> str:
        """The most probable of the eight; the first of equals."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


class Predictor(Protocol):
    """What `grade_many` asks: a `TextModel`, or predictions kept from elsewhere."""

    def predict_many(self, articles: Sequence[Article]) -> list[TextPrediction]:
        """One prediction for each article, in order."""
        ...


class TextModel:
    """The weights, and what they say of articles. Immutable; threads may share it."""

    def __init__(
        self,
        *,
        features: npt.NDArray[np.uint32],
        squares: npt.NDArray[np.int32],
        weights: npt.NDArray[np.int16],
        tag_scale: Floats,
        tag_bias: Floats,
        design_scale: Floats,
        design_bias: Floats,
        mixing: Floats,
        tags: Sequence[str],
        designs: Sequence[str],
    ) -> None:
        """`features` (F) sorted feature indices; `squares` (F) 10⁴ × squared length of each;
        `weights` (F × tags + designs) in units of `tag_scale` and `design_scale`; `mixing`
        (tags × designs) from the squashed tag scores to design scores."""
        self.features = features
        self.tag_scale, self.tag_bias = tag_scale, tag_bias
        self.design_scale, self.design_bias, self.mixing = design_scale, design_bias, mixing
        self.tags, self.designs = tuple(tags), tuple(designs)
        row_type = np.uint16 if len(features) < 0xFFFF else np.uint32
        # 0 = a feature without weights; the last stands for NOTHING
        self._row_of: npt.NDArray[np.uint16 | np.uint32] = np.zeros(
            FEATURE_SPACE + 1, dtype=row_type
        )
        self._row_of[features] = np.arange(1, len(features) + 1, dtype=row_type)
        # By row, 0 of no feature. So many rows can be added in 16 bits.
        self._table = np.concatenate((np.zeros_like(weights[:1]), weights))
        self._squares = np.append(np.int32(0), squares)
        self.weights, self.squares = self._table[1:], self._squares[1:]
        highest = max(int(weights.max(initial=1)), -int(weights.min(initial=-1)))
        self._abreast = min(_ABREAST, np.iinfo(np.int16).max // highest)

    @classmethod
    def load(cls, source: Path | BinaryIO) -> TextModel:
        """Read what `save` wrote; ValueError where the file is of another format."""
        try:
            opened = np.load(source, allow_pickle=False)
        except (ValueError, EOFError):  # whose words are of pickles
            opened = None
        if not isinstance(opened, np.lib.npyio.NpzFile):
            raise ValueError("it is none")
        with opened as stored:
            about = json.loads(stored["about"].tobytes())
            if about.get("format") != FORMAT:
                raise ValueError(
                    f"text model of format {about.get('format')}, this program reads {FORMAT}: "
                    "train it again"
                )
            return cls(
                features=np.cumsum(stored["feature_gaps"], dtype=np.uint32),
                squares=stored["squares"],
                weights=np.ascontiguousarray(stored["weights"].T),
                tag_scale=stored["tag_scale"],
                tag_bias=stored["tag_bias"],
                design_scale=stored["design_scale"],
                design_bias=stored["design_bias"],
                mixing=stored["mixing"],
                tags=about["tags"],
                designs=about["designs"],
            )

    def save(self, path: Path) -> None:
        """Write to one compressed file; the same model gives the same bytes."""
        about = json.dumps(
            {"format": FORMAT, "tags": self.tags, "designs": self.designs}, sort_keys=True
        )
        buffer = BytesIO()
        np.savez_compressed(
            buffer,
            about=np.frombuffer(about.encode(), dtype=np.uint8),
            feature_gaps=np.diff(self.features, prepend=np.uint32(0)),
            squares=self.squares,
            weights=np.ascontiguousarray(self.weights.T),
            tag_scale=self.tag_scale,
            tag_bias=self.tag_bias,
            design_scale=self.design_scale,
            design_bias=self.design_bias,
            mixing=self.mixing,
        )
        path.write_bytes(buffer.getvalue())

    @cached_property
    def digest(self) -> str:
        """Eight letters and digits that stand for these very weights."""
        sums = sha256()
        for part in (
            self.features, self.squares, self.weights, self.tag_scale, self.tag_bias,
            self.design_scale, self.design_bias, self.mixing,
        ):  # fmt: skip
            sums.update(np.ascontiguousarray(part).tobytes())
        return sums.hexdigest()[:8]

    def scores(self, articles: Sequence[Article]) -> tuple[Floats, Floats]:
        """Log-odds of every tag (articles × tags) and of every design (articles × designs)."""
        sums = np.zeros((len(articles), self._table.shape[1]), dtype=np.int32)
        squares = np.zeros(len(articles))
        for first in range(0, len(articles), _BATCH):
            batch = slice(first, first + _BATCH)
            self._add(articles[batch], sums[batch], squares[batch])
        split = len(self.tags)
        length = np.sqrt(np.maximum(squares, 1) / 1e4)[:, None]
        tag = sums[:, :split] / length * self.tag_scale + self.tag_bias
        design = (
            sums[:, split : split + len(self.designs)] / length * self.design_scale
            + self.design_bias
        )
        squashed = np.tanh(tag / 4)
        for number in range(split):  # one by one: the order of addition is fixed
            design += squashed[:, number, None] * self.mixing[number]
        return tag, design

    def _add(
        self, articles: Sequence[Article], sums: npt.NDArray[np.int32], squares: Floats
    ) -> None:
        """Adds to `sums` and `squares`, of each article a row, what its features weigh."""
        owner, feature = feature_places(articles)
        row = self._row_of.take(feature)
        used = np.flatnonzero(row)
        rows = np.uint32(len(self._table))
        key = owner.take(used) * rows + row.take(used)
        key.sort()
        new = np.ones(len(key), dtype=np.bool_)  # a feature counts once
        np.not_equal(key[1:], key[:-1], out=new[1:])
        owner, row = np.divmod(key[new], rows)
        row = row.astype(np.intp)
        squares += np.bincount(owner, self._squares.take(row), minlength=len(articles))
        sizes = np.bincount(owner, minlength=len(articles)).tolist()
        abreast, columns = self._abreast, self._table.shape[1]
        space = np.empty((max(sizes) + abreast, columns), dtype=np.int16)
        start = 0
        for total, size in zip(sums, sizes, strict=True):
            parts = space[: size + -size % abreast]
            self._table.take(row[start : start + size], axis=0, out=parts[:size], mode="clip")
            parts[size:] = 0
            few = np.add.reduce(parts.reshape(abreast, -1), axis=0, dtype=np.int16)
            np.add.reduce(few.reshape(-1, columns), axis=0, dtype=np.int32, out=total)
            start += size

    def predict_many(self, articles: Sequence[Article]) -> list[TextPrediction]:
        """One prediction for each article, in order; the same as `predict` of each alone."""
        if not articles:
            return []
        tag, design = self.scores(articles)
        known = [bool(article.title.strip() or article.abstract.strip()) for article in articles]
        design[~np.array(known)] = 0.0
        design -= design.max(axis=1, keepdims=True)
        np.exp(design, out=design)
        design /= design.sum(axis=1, keepdims=True)
        chances = 1 / (1 + np.exp(-np.clip(tag, -30, 30)))
        tags, designs = self.tags, self.designs
        return [
            TextPrediction(
                probabilities=dict(zip(designs, of_designs, strict=True)),
                tags=dict(zip(tags, of_tags, strict=True)),
                known=is_known,
            )
            for of_designs, of_tags, is_known in zip(
                design.round(DECIMALS).tolist(),
                chances.round(DECIMALS).tolist(),
                known,
                strict=True,
            )
        ]


@cache
def shipped_model() -> TextModel:
    """The model that comes with the program, read once."""
    return TextModel.load(BytesIO((files("grading") / "model" / "text.npz").read_bytes()))


def predict_many(articles: Sequence[Article]) -> list[TextPrediction]:
    """The shipped model's prediction for each article, in order."""
    return shipped_model().predict_many(articles)


def predict(article: Article) -> TextPrediction:
    """The shipped model's prediction for one article; many at once are faster together."""
    return shipped_model().predict_many((article,))[0]
