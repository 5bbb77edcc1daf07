"""The words a person types, read into a tree. Nothing typed is an error.

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

The tree is a `Node`. Each database writes it in its own language: `storage.fts5`, `storage.tsquery`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import Stemmer

from storage.folding import compatible

_LONGEST: Final = 10_000  # characters read
_MOST_TERMS: Final = 200
_DEEPEST: Final = 8  # nested groups; FTS5's parser has a stack of 100 entries

TEXT: Final = ("title", "abstract", "keywords")  # the columns that words are looked for in


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words side by side in one column; of the last, with `prefix`, the beginning."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """Phrases in one column with at most `distance` words between."""

    phrases: tuple[Phrase, ...]
    distance: int


@dataclass(frozen=True, slots=True)
class Facet:
    """A token of the facet column (storage.indexing), which nothing that is typed can name.

    With `prefix`, all tokens that begin so.
    """

    token: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class AnyOf:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """What `wanted` finds, less what `unwanted` finds."""

    wanted: Node
    unwanted: Node


@dataclass(frozen=True, slots=True)
class Within:
    """What `node` finds in these columns; a filter within a filter narrows it."""

    columns: tuple[str, ...]
    node: Node


Node = Phrase | Near | Facet | AnyOf | AllOf | Without | Within


def has_facets(node: Node) -> bool:
    match node:
        case Facet():
            return True
        case AnyOf(nodes) | AllOf(nodes):
            return any(has_facets(each) for each in nodes)
        case Without(wanted, unwanted):
            return has_facets(wanted) or has_facets(unwanted)
        case _:
            return False


_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title",),
    "abstract": ("abstract",),
    "keyword": ("keywords",),
    "keywords": ("keywords",),
    "mesh": ("keywords",),
}
_TAGS: Final[dict[str, tuple[str, ...]]] = {
    "ti": ("title",),
    "title": ("title",),
    "tiab": ("title", "abstract"),
    "title/abstract": ("title", "abstract"),
    "tw": TEXT,
    "text word": TEXT,
    "all fields": TEXT,
    "ab": ("abstract",),
    "abstract": ("abstract",),
    "mh": ("keywords",),
    "mesh": ("keywords",),
    "mesh terms": ("keywords",),
    "majr": ("keywords",),
    "ot": ("keywords",),
    "other term": ("keywords",),
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


def read(typed: str) -> Node | None:
    """What was typed, None where it holds nothing to look for."""
    return _Parser(list(_tokens(_readable(typed)))).parse()


def _readable(typed: str) -> str:
    text = typed[:_LONGEST].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return compatible(text.translate(_QUOTES))


_QUOTES: Final = str.maketrans("“”„‟«»", '""""""')


# tokens


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of the tree that stands for itself; `word` is how it was typed."""

    node: Node
    word: str = ""


@dataclass(frozen=True, slots=True)
class _Mark:
    """ "(", ")" or the columns of a filter that speaks of what follows."""

    sign: str | tuple[str, ...]


_Token = _Term | _Mark


def _tokens(text: str) -> Iterator[_Token]:
    terms = 0
    pending: _Term | None = None  # a PubMed tag may follow it
    for found in _TOKEN.finditer(text):
        tag = found["tag"]
        if tag is not None:
            columns = _TAGS.get(tag.casefold().partition(":")[0].strip())
            if pending is not None and columns:
                pending = _Term(Within(columns, pending.node))
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
        return _Term(_joined(AnyOf, _word(pieces[0], prefix=prefix)), word)
    phrases = dict.fromkeys(
        tuple(spelt(piece) for piece in pieces) for spelt in (str, _british, _american)
    )
    return _Term(_joined(AnyOf, [Phrase(phrase, prefix) for phrase in phrases]), word)


def _near(inside: str, distance: str | None) -> _Term | None:
    phrases = []
    for found in re.finditer(r'"([^"]*)"|([^\s"]+)', inside):
        pieces = _pieces(found[1] if found[1] is not None else found[2])
        if pieces:
            phrases.append(Phrase(tuple(pieces)))
    if not phrases:
        return None
    return _Term(Near(tuple(phrases), int(distance or 10)))


def _pieces(text: str) -> list[str]:
    """The words that the index's tokeniser sees in a text: runs of letters, digits and accents."""
    return "".join(letter if _is_word(letter) else " " for letter in text).split()


def _is_word(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category[0] in "LNM" or category == "Co"


# endings and spellings

# Endings that the stemmer takes off together with the end of a typed prefix.
_ENDINGS: Final = (
    "able", "al", "ally", "ance", "ate", "ated", "ating", "ation", "ble", "c", "cal", "ce", "d",
    "e", "ed", "ement", "ence", "ent", "er", "es", "g", "ible", "ic", "ility", "ing", "ion", "ions", "ise",
    "ised", "ism", "ity", "ive", "ize", "ized", "le", "ly", "ment", "n", "nce", "ness", "ng", "nt",
    "on", "ons", "ous", "s", "sation", "sed", "se", "sm", "ss", "t", "te", "ted", "ting", "tion",
    "ty", "us", "ve", "y", "zation", "ze", "zed", "zing",
)  # fmt: skip
_SHORTEST_STEM: Final = 4  # of a typed prefix that endings are tried on


def _word(piece: str, *, prefix: bool) -> list[Node]:
    spellings = list(dict.fromkeys((piece, _british(piece), _american(piece))))
    found: list[Node] = [Phrase((spelling,), prefix) for spelling in spellings]
    if prefix and len(piece) >= _SHORTEST_STEM and piece.isascii() and piece.isalpha():
        found += [Phrase((word,)) for spelling in spellings for word in _beginning(spelling)]
    return found


def _beginning(prefix: str) -> list[str]:
    """Words of usual endings whose stem does not begin as the prefix does: one for each stem.

    The fewer they are the less there is to score.
    """
    stem = Stemmer.Stemmer("porter").stemWord  # as both databases have it; one for each thread
    known = stem(prefix.lower())
    words: dict[str, str] = {}
    for ending in _ENDINGS:
        stemmed = further = stem((prefix + ending).lower())
        # SQLite's stemmer knows two endings more: -bly as -ble, -logy as -log.
        if stemmed.endswith("bli"):
            further = stem(stemmed[:-1] + "e")
        elif stemmed.endswith("logi"):
            further = stemmed[:-1]
        if not (stemmed.startswith(known) and further.startswith(known)):
            words.setdefault(stemmed, prefix + ending)
    return list(words.values())


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
    """Recursive descent over tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def parse(self) -> Node | None:
        parts: list[Node] = []
        while self._at < len(self._tokens):
            part = self._either()
            if part is not None:
                parts.append(part)
            self._at += 1  # a ")" without its partner
        return _joined(AllOf, parts) if parts else None

    def _either(self) -> Node | None:
        parts = [self._all()]
        while self._operator("OR"):
            self._at += 1
            parts.append(self._all())
        found = [part for part in parts if part is not None]
        return _joined(AnyOf, found) if found else None

    def _all(self) -> Node | None:
        """Units side by side, or joined by AND, less those after NOT."""
        parts: list[Node] = []
        without: list[Node] = []
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
        if not parts:
            return None
        wanted = _joined(AllOf, parts)
        return Without(wanted, _joined(AnyOf, without)) if without else wanted

    def _unit(self) -> Node | None:
        token = self._tokens[self._at]
        self._at += 1
        if isinstance(token, _Term):
            return token.node
        if token.sign == "(":
            return self._group()
        columns = token.sign  # of several filters in a row the last speaks
        while self._at < len(self._tokens):
            following = self._tokens[self._at]
            if isinstance(following, _Term) or following.sign == "(":
                inside = self._unit()
                return None if inside is None else Within(tuple(columns), inside)
            if following.sign == ")":
                break
            columns = following.sign
            self._at += 1
        return None

    def _group(self) -> Node | None:
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


def _joined(kind: type[AnyOf] | type[AllOf], nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else kind(tuple(nodes))
