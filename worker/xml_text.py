"""The text of an XML element under the text rules of `Article` (see `grading.article`).

Other tools cut text at the first tag, put spaces in ("CO 2"), lose superscripts ("kg m" for
"kg m⁻²") or strip "P<0.001" as if it were a tag; nothing here ever goes through tag stripping.
"""

from __future__ import annotations

import html
import re
import unicodedata
from html.entities import name2codepoint

from lxml.etree import _Element as Element

# The names of HTML 4: those of HTML 5 are near to anything ("&R;").
_ESCAPED_TWICE = re.compile(
    rf"&(?:{'|'.join(sorted(name2codepoint))}|apos|#\d{{1,6}}|#x[0-9a-fA-F]{{1,5}});"
)

_SCRIPT = "0123456789+-−=()"
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾"
_LOWERED = "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎"
# There is no raised full stop: the raised dot keeps 10^5.5 from reading as 105.5.
_SUPERSCRIPT = str.maketrans(_SCRIPT + ".", _RAISED + "·")
_SUBSCRIPT = str.maketrans(_SCRIPT, _LOWERED)
_SCRIPTS = frozenset(map(ord, _RAISED + _LOWERED))  # scripts stand within scripts


def clean(text: str) -> str:
    """Whitespace to single spaces, NFC, entities that were escaped twice read once more."""
    # Nearly all texts are clean: seeing that costs a tenth of making it so.
    ascii_alone = text.isascii()
    if ascii_alone and text.isalnum():
        return text
    if "&" in text and _ESCAPED_TWICE.search(text):
        text = _ESCAPED_TWICE.sub(lambda found: html.unescape(found[0]), text)
        spaced = True
    elif ascii_alone:  # XML has no other white space of ASCII
        spaced = "\n" in text or "\t" in text or "\r" in text
    else:
        spaced = not text.isprintable()
    if spaced or text.rfind("  ") >= 0 or text != text.strip():  # rfind: thrice as fast as in
        text = " ".join(text.split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


class _Terms(dict[str, str]):
    """Clean text by text as it stood: places and headings repeat from record to record."""

    def __missing__(self, text: str) -> str:
        if len(self) >= 1 << 12:
            self.clear()
        self[text] = cleaned = clean(text)
        return cleaned


_terms = _Terms()
clean_term = _terms.__getitem__


def text_of(element: Element) -> str:
    """All text of an element, inline markup joined without adding spaces."""
    return clean(_joined(element) if len(element) else element.text or "")


def term_of(element: Element) -> str:
    """As `text_of`, for short text that stands in many records."""
    return clean(_joined(element)) if len(element) else _terms[element.text or ""]


def _joined(element: Element) -> str:
    parts = [element.text or ""]
    for child in element[:]:
        if isinstance(child.tag, str):
            match _local_name(child):
                case "sup":
                    parts.append(_script(_joined(child), _SUPERSCRIPT))
                case "sub":
                    parts.append(_script(_joined(child), _SUBSCRIPT))
                case "math":
                    parts.append(_math(child))
                case _:
                    parts.append(_joined(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _local_name(element: Element) -> str:
    """Without namespace: "math" of {http://…}math, and of mml:math where mml is not declared."""
    return element.tag.rpartition("}")[2].rpartition(":")[2]


def _script(text: str, table: dict[int, int]) -> str:
    bare = text.strip()
    known = bare and all(ord(sign) in table or ord(sign) in _SCRIPTS for sign in bare)
    return text.replace(bare, bare.translate(table)) if known else text


def _math(element: Element) -> str:
    """MathML as one run of readable text: the line breaks of its source mean nothing."""
    children = [child for child in element if isinstance(child.tag, str)]
    match _local_name(element), len(children):
        case "msup", 2:
            return _math(children[0]) + _script(_math(children[1]), _SUPERSCRIPT)
        case "msub", 2:
            return _math(children[0]) + _script(_math(children[1]), _SUBSCRIPT)
        case "msubsup", 3:
            base, low, high = (_math(child) for child in children)
            return base + _script(low, _SUBSCRIPT) + _script(high, _SUPERSCRIPT)
        case "mfrac", 2:
            return "/".join(_math(child) for child in children)
    parts = [(element.text or "").strip()]
    for child in element:
        if isinstance(child.tag, str):
            parts.append(_math(child))
        parts.append((child.tail or "").strip())
    return "".join(parts)
