"""What PostgreSQL's index is asked for finds all that is wanted."""

from __future__ import annotations

import pytest

from storage.tsquery import expression, sieve
from storage.words import Facet, Node, Without, read


@pytest.mark.parametrize("typed", ["heart failure", "heart OR (cardiac NOT mri)", "diabet*", "x2"])
def test_words_alone_are_asked_for_as_they_are(typed: str) -> None:
    wanted = read(typed)
    assert wanted is not None
    assert sieve(wanted) == wanted


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ('"heart failures"', "('heart' & 'failur')"),
        ('"heart fail"*', "('heart' & 'fail':*)"),
        ("title:mortality", "'mortal'"),
        ("NEAR(dose response, 5) x", "(('dose' & 'respons') & 'x')"),
        ('rare NOT "heart failure"', "'rare'"),
        ("title:rare NOT heart", "('rare' & !'heart')"),
    ],
)
def test_of_phrases_and_columns_the_words(typed: str, words: str) -> None:
    wanted = read(typed)
    assert wanted is not None
    assert expression(sieve(wanted)) == words


def test_facets_stay() -> None:
    wanted: Node = Without(Facet("allxx0"), Facet("deletedxx0"))
    assert sieve(wanted) == wanted
