"""The words a person types, as an expression of the full-text index. Nothing typed is an error.

==========================  ================================================================
``heart failure``           both words, in any form: *failures*, *failing* (English stems)
``heart AND failure``       the same
``heart OR cardiac``        either
``heart NOT transplant``    the first without the second (also ``AND NOT``)
``(heart OR cardiac) mri``  groups; NOT binds before AND, AND before OR
``"heart failure"``         the words side by side
``non-small-cell``          a hyphen keeps words side by side, as quotes do
``diabet*``                 words that begin so; also after a quoted phrase
``title:mortality``         in the title only; so ``abstract:``, ``keywords:`` (``mesh:``); also
                            before a phrase or a group
``mortality[ti]``           the same as in PubMed: [ti], [tiab], [ab], [mh], [ot]; other tags are
                            passed over
``NEAR(dose response, 5)``  at most so many words between (10 where no number stands)
==========================  ================================================================

Operators are written in capitals and stand between two terms; elsewhere they are words. A quote or
parenthesis without its partner is passed over, and so is what holds no letter or digit. Case,
accents and forms of letters do not matter (NFKC: "CO2" finds "CO₂"). British and American
spellings find each other (randomised, tumour, anaemia, oesophagus, centre).

Words are found by their stem. So ``operati*`` looks, beside all stems that begin so, for those of
the usual endings (operation, operative, operating), whose stem is shorter than what was typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from storage.folding import compatible

_LONGEST: Final = 10_000  # characters read
_MOST_TERMS: Final = 200
_DEEPEST: Final = 8  # nested groups; FTS5's parser has a stack of 100 entries

_TEXT_COLUMNS: Final = "{title abstract keywords}"
_COLUMNS: Final = {
    "title": "{title}",
    "abstract": "{abstract}",
    "keyword": "{keywords}",
    "keywords": "{keywords}",
    "mesh": "{keywords}",
}
_TAGS: Final = {
    "ti": "{title}",
    "title": "{title}",
    "tiab": "{title abstract}",
    "title/abstract": "{title abstract}",
    "tw": _TEXT_COLUMNS,
    "text word": _TEXT_COLUMNS,
    "all fields": _TEXT_COLUMNS,
    "ab": "{abstract}",
    "abstract": "{abstract}",
    "mh": "{keywords}",
    "mesh": "{keywords}",
    "mesh terms": "{keywords}",
    "majr": "{keywords}",
    "ot": "{keywords}",
    "other term": "{keywords}",
}

_TOKEN: Final = re.compile(
    r"""
      (?P<near>NEAR\(\s*(?P<inside>[^()]*?)\s*(?:,\s*(?P<distance>\d{1,3})\s*)?\))
    | (?P<open>\()
    | (?P<close>\))
    | (?P<column>title|abstract|keywords?|mesh):(?=[^\s:)])
    | "(?P<phrase>[^"]*)"(?P<phrase_prefix>\*)?
    | \[(?P<tag>[A-Za-z][A-Za-z/: ]{0,30})\]
    | (?P<word>[^\s()"\[\]]+)
    """,
    re.VERBOSE,
)


def expression(typed: str) -> str | None:
    """The FTS5 expression for what was typed, None where it holds nothing to look for."""
    found = _Parser(list(_tokens(_readable(typed)))).parse()
    return None if found is None else f"{_TEXT_COLUMNS} : ({found})"


def _readable(typed: str) -> str:
    text = typed[:_LONGEST].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return compatible(text.translate(_QUOTES))


_QUOTES: Final = str.maketrans("“”„‟«»", '""""""')


# tokens


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of an expression that stands for itself; `word` is how it was typed."""

    expression: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class _Mark:
    """ "(", ")" or a column filter, "{title}", that speaks of what follows."""

    sign: str


_Token = _Term | _Mark


def _tokens(text: str) -> Iterator[_Token]:
    terms = 0
    pending: _Term | None = None  # a PubMed tag may follow it
    for found in _TOKEN.finditer(text):
        tag = found["tag"]
        if tag is not None:
            columns = _TAGS.get(tag.casefold().partition(":")[0].strip())
            if pending is not None and columns:
                pending = _Term(f"{columns} : ({pending.expression})")
            continue
        if pending is not None:
            yield pending
            pending = None
        if found["open"] or found["close"]:
            yield _Mark(found[0])
        elif found["column"]:
            yield _Mark(_COLUMNS[found["column"]])
        elif terms < _MOST_TERMS:
            pending = _term(found)
            terms += pending is not None
    if pending is not None:
        yield pending


def _term(found: re.Match[str]) -> _Term | None:
    if found["near"] is not None:
        return _near(found["inside"], found["distance"])
    if found["phrase"] is not None:
        return _string(found["phrase"], prefix=bool(found["phrase_prefix"]), word="")
    word = found["word"]
    bare = word.rstrip("*")
    return _string(bare, prefix=len(bare) < len(word), word=word)


def _string(text: str, *, prefix: bool, word: str) -> _Term | None:
    pieces = _pieces(text)
    if not pieces:
        return None
    if len(pieces) == 1:
        return _Term(_any_of(_word(pieces[0], prefix=prefix)), word)
    phrases = dict.fromkeys(
        " ".join(spelt(piece) for piece in pieces) for spelt in (str, _british, _american)
    )
    return _Term(_any_of([_quoted(phrase) + " *" * prefix for phrase in phrases]), word)


def _near(inside: str, distance: str | None) -> _Term | None:
    phrases = []
    for found in re.finditer(r'"([^"]*)"|([^\s"]+)', inside):
        pieces = _pieces(found[1] if found[1] is not None else found[2])
        if pieces:
            phrases.append(_quoted(" ".join(pieces)))
    if not phrases:
        return None
    return _Term(f"NEAR({' '.join(phrases)}, {int(distance or 10)})")


def _pieces(text: str) -> list[str]:
    """The words that the index's tokeniser sees in a text: runs of letters, digits and accents."""
    return "".join(letter if _is_word(letter) else " " for letter in text).split()


def _is_word(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category[0] in "LNM" or category == "Co"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _any_of(alternatives: list[str]) -> str:
    return alternatives[0] if len(alternatives) == 1 else f"({' OR '.join(alternatives)})"


# endings and spellings

# Endings that the stemmer takes off together with the end of a typed prefix.
_ENDINGS: Final = (
    "able", "al", "ally", "ance", "ate", "ated", "ating", "ation", "ble", "c", "cal", "ce", "d",
    "e", "ed", "ement", "ence", "ent", "er", "es", "g", "ible", "ic", "ing", "ion", "ions", "ise",
    "ised", "ism", "ity", "ive", "ize", "ized", "ly", "ment", "n", "nce", "ness", "ng", "nt",
    "on", "ons", "ous", "s", "sation", "sed", "se", "sm", "ss", "t", "te", "ted", "ting", "tion",
    "ty", "us", "ve", "y", "zation", "ze", "zed", "zing",
)  # fmt: skip
_SHORTEST_STEM: Final = 4  # of a typed prefix that endings are tried on


def _word(piece: str, *, prefix: bool) -> list[str]:
    spellings = list(dict.fromkeys((piece, _british(piece), _american(piece))))
    if not prefix:
        return [_quoted(spelling) for spelling in spellings]
    found = [_quoted(spelling) + " *" for spelling in spellings]
    if len(piece) >= _SHORTEST_STEM and piece.isascii() and piece.isalpha():
        found += [_quoted(spelling + ending) for spelling in spellings for ending in _ENDINGS]
    return found


# (British, American): a pattern and what stands for it in the other spelling. Wrong guesses are
# harmless: they name words that no article has.
_SPELLINGS: Final[tuple[tuple[str, str, str, str], ...]] = (
    (r"is(e[drs]?|ers|ing|ations?|ational)$", r"iz\1",
     r"iz(e[drs]?|ers|ing|ations?|ational)$", r"is\1"),
    (r"ys(e[drs]?|ing)$", r"yz\1", r"yz(e[drs]?|ing)$", r"ys\1"),
    (r"(tum|col|behavi|fav|lab|neighb|hum|od|vig|sav|harb)our", r"\1or",
     r"(tum|col|behavi|fav|lab|neighb|hum|od|vig|sav|harb)or(?!a|o)", r"\1our"),
    (r"haem", "hem", r"(?<!c)hem(?=a|o|i|e)", "haem"),
    (r"aemi", "emi", r"(?<=[cglnrtvx])emi(?=a|c)", "aemi"),
    (r"^(mal)?anaes", r"\1anes", r"^(mal)?anes", r"\1anaes"),
    (r"oedem", "edem", r"(?<!o)edem", "oedem"),
    (r"oesoph", "esoph", r"(?<!o)esoph", "oesoph"),
    (r"oestr", "estr", r"(^|pro|anti|hypo|phyto)estr", r"\1oestr"),
    (r"^foet", "fet", r"^fet", "foet"),
    (r"paed", "ped", r"(^|ortho)ped(?=i)", r"\1paed"),
    (r"gynaec", "gynec", r"gynec", "gynaec"),
    (r"^caec", "cec", r"^cec", "caec"),
    (r"^faec", "fec", r"^fec", "faec"),
    (r"^caes", "ces", r"^ces(?=ar)", "caes"),
    (r"rrhoe", "rrhe", r"rrhe(?=a|i)", "rrhoe"),
    (r"pnoe", "pne", r"pne(?=a|i)", "pnoe"),
    (r"coeliac", "celiac", r"celiac", "coeliac"),
    (r"leuc(?=o)", "leuk", r"leuk(?=o)", "leuc"),
    (r"sulph", "sulf", r"sulf", "sulph"),
    (r"aluminium", "aluminum", r"aluminum", "aluminium"),
    (r"^(cent|lit|met|fib|goit|meag)re(?=s?$)", r"\1er",
     r"^(cent|lit|met|fib|goit|meag)er(?=s?$)", r"\1re"),
    (r"^(multi|uni|milli|centi|kilo|nano|micro)(cent|lit|met)re(?=s?$)", r"\1\2er",
     r"^(multi|uni|milli|centi|kilo|nano|micro)(cent|lit|met)er(?=s?$)", r"\1\2re"),
    (r"(label|model|travel|counsel|signal|cancel|level|fuel)l(?=ed$|ing$|er)", r"\1",
     r"(label|model|travel|counsel|signal|cancel|level|fuel)(?=ed$|ing$|er)", r"\1l"),
    (r"^programme(?=s?$)", "program", r"^program(?=s?$)", "programme"),
    (r"^ageing$", "aging", r"^aging$", "ageing"),
    (r"^grey$", "gray", r"^gray$", "grey"),
    (r"^practis", "practic", r"^practic(?=e|ing)", "practis"),
    (r"^judgement", "judgment", r"^judgment", "judgement"),
)  # fmt: skip
_TO_AMERICAN: Final = tuple((re.compile(a), b) for a, b, _, _ in _SPELLINGS)
_TO_BRITISH: Final = tuple((re.compile(c), d) for _, _, c, d in _SPELLINGS)


def _american(word: str) -> str:
    return _spelt(word, _TO_AMERICAN)


def _british(word: str) -> str:
    return _spelt(word, _TO_BRITISH)


def _spelt(word: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    if not word.isascii():
        return word
    spelt = word.lower()
    for pattern, replacement in rules:
        spelt = pattern.sub(replacement, spelt)
    return word if spelt == word.lower() else spelt


# grammar


class _Parser:
    """Recursive descent over tokens; gives FTS5 text with every group in parentheses."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def parse(self) -> str | None:
        parts = []
        while self._at < len(self._tokens):
            part = self._either()
            if part is not None:
                parts.append(part)
            self._at += 1  # a ")" without its partner
        return _joined(parts, "AND")

    def _either(self) -> str | None:
        parts = [self._all()]
        while self._operator("OR"):
            self._at += 1
            parts.append(self._all())
        return _joined([part for part in parts if part is not None], "OR")

    def _all(self) -> str | None:
        """Units side by side, or joined by AND, less those after NOT."""
        parts: list[str] = []
        without: list[str] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token == _Mark(")") or (parts and self._operator("OR")):
                break
            negated = False
            if parts:
                if self._operator("AND"):
                    self._at += 1
                    if self._is_word("NOT") and self._starts(self._at + 1):
                        self._at += 1
                        negated = True
                elif self._operator("NOT"):
                    self._at += 1
                    negated = True
            part = self._unit()
            if part is not None:
                (without if negated else parts).append(part)
        wanted = _joined(parts, "AND")
        if wanted is None or not without:
            return wanted
        return f"({wanted} NOT {_joined(without, 'OR')})"

    def _unit(self) -> str | None:
        token = self._tokens[self._at]
        self._at += 1
        if isinstance(token, _Term):
            return token.expression
        if token.sign == "(":
            return self._group()
        columns = token.sign  # a column filter; of several in a row the last speaks
        while self._at < len(self._tokens):
            following = self._tokens[self._at]
            if isinstance(following, _Term) or following.sign == "(":
                inside = self._unit()
                return None if inside is None else f"{columns} : ({inside})"
            if following.sign == ")":
                break
            columns = following.sign
            self._at += 1
        return None

    def _group(self) -> str | None:
        if self._depth >= _DEEPEST:
            return None  # the parenthesis is passed over, its contents stay
        self._depth += 1
        inside = self._either()
        self._depth -= 1
        if self._at < len(self._tokens):
            self._at += 1  # ")"
        return inside

    def _is_word(self, operator: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        return isinstance(token, _Term) and token.word == operator

    def _operator(self, operator: str) -> bool:
        """Whether the next token is this operator with something to speak of behind it."""
        if not self._is_word(operator):
            return False
        after = self._at + 1
        if operator == "AND" and after < len(self._tokens):
            token = self._tokens[after]
            if isinstance(token, _Term) and token.word == "NOT" and self._starts(after + 1):
                return True
        return self._starts(after)

    def _starts(self, at: int) -> bool:
        return at < len(self._tokens) and self._tokens[at] != _Mark(")")


def _joined(parts: list[str], operator: str) -> str | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return f"({f' {operator} '.join(parts)})"
