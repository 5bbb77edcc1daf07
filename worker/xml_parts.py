"""Parts of a record that are read from its bytes, instead of with the record.

Journals, dates and headings come again from record to record, letter by letter: they are read once and
then known by their text. Of those that are new nearly all are written in one plain form, which a regular
expression reads in a third of the time that elements take; any other is parsed by itself.

What is cut out leaves its element behind, empty, at its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from lxml import etree
from lxml.etree import _Element as Element

Value = TypeVar("Value")
Parts = dict[str, str]  # what stood in each, by its tag

_KNOWN: Final = 1 << 10  # values of each kind: at most a MB or two

# What plain forms are made of. WORDS need no unescaping and no cleaning (see `worker.xml_text`): single
# spaces between them, and letters that Unicode's NFC leaves as they are.
_WHITE: Final = " \t\r\n"
SPACE: Final = f"[{_WHITE}]*"
_WORD: Final = "[!-%'-;=?-~\xa1-\u02ff\u2010-\u2027]+"
WORDS: Final = f"(?:{_WORD}(?: {_WORD})*)?"
NAME: Final = "[A-Za-z0-9-]+"  # an attribute's value

# A record stands without a prolog, so it cannot declare entities; those it uses are errors.
_PARSER: Final = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    strip_cdata=True,
)


def element_of(xml: bytes) -> Element:
    """Raises ValueError where it is not well-formed."""
    try:
        return etree.fromstring(xml, _PARSER)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not well-formed XML: {error}") from None


# From the last to the first: most of them stand near the end of a record.
_CUT: Final = tuple(
    (tag, f"<{tag}>".encode(), f"</{tag}>".encode())
    for tag in ("History", "MeshHeadingList", "MedlineJournalInfo", "Journal")
)


def cut_parts(xml: bytes) -> tuple[bytes, Parts]:
    """A PubmedArticle with these elements empty, and what stood in each. Nothing is cut out where only
    a parser can tell where they stand. Raises ValueError where that is no UTF-8."""
    parts: Parts = {}
    if not xml.startswith(b"<PubmedArticle>") or (b"!" in xml and b"<!" in xml):
        return xml, parts
    kept = []
    done = len(xml)
    for tag, opening, closing in _CUT:
        end = xml.rfind(closing, 0, done)
        start = xml.rfind(opening, 0, end) + len(opening) if end >= 0 else 0
        if start >= len(opening):
            kept.append(xml[end:done])
            parts[tag] = xml[start:end].decode()
            done = start
    kept.append(xml[:done])
    kept.reverse()
    return b"".join(kept), parts


class Whole(Generic[Value]):
    """Reads an element that comes again and again as it is."""

    def __init__(self, tag: str, read: Callable[[Element], Value]) -> None:
        self._read = read
        self._known = _Known(lambda text: read(element_of(f"<{tag}>{text}</{tag}>".encode())))

    def of(self, element: Element, parts: Parts) -> Value:
        """Raises ValueError where it was cut out and is not well-formed."""
        text = "" if len(element) else parts.pop(element.tag, "")
        value: Value = self._known[text] if text else self._read(element)
        return value


class Items(Generic[Value]):
    """Reads the items of a list. `read` takes an element, `plain` the text of an item without its end
    tag, and gives None where that is in no plain form."""

    def __init__(
        self,
        tag: str,
        read: Callable[[Element], Value | None],
        plain: Callable[[str], Value | None],
    ) -> None:
        self._end = f"</{tag}>"
        self._read = read
        self._plain = plain
        self._known = _Known(self._item)

    def of(self, element: Element, parts: Parts) -> tuple[Value, ...]:
        """All that say something. Raises ValueError where the list was cut out and something else
        than such items stands in it."""
        text = "" if len(element) else parts.pop(element.tag, "")
        if text:
            *items, rest = text.split(self._end)
            if rest.strip(_WHITE):
                raise ValueError(f"no list: {element.tag}")
            found = [self._known[item] for item in items]
        else:
            found = [self._read(part) for part in element]
        return tuple([item for item in found if item is not None])

    def _item(self, text: str) -> Value | None:
        item = self._plain(text)
        return self._read(element_of((text + self._end).encode())) if item is None else item


class _Known(dict[str, Any]):
    """What was read, by its text."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def __missing__(self, text: str) -> Any:
        if len(self) >= _KNOWN:
            self.clear()
        self[text] = value = self._read(text)
        return value
