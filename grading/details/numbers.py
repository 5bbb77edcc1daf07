"""Numbers as abstracts print them."""

from __future__ import annotations

import re

MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: number for number, word in enumerate(_UNITS)} | {
    word: 20 + 10 * number for number, word in enumerate(_TENS)
}
_WORD = "(?:" + "|".join((*_TENS, *reversed(_UNITS[1:]))) + ")"
# "forty-two", "seventy five", "one hundred and twenty", "two hundred-forty", "one thousand two hundred"
_TWO = "(?:(?:" + "|".join(_TENS) + ")[- ](?:" + "|".join(reversed(_UNITS[1:10])) + rf")|{_WORD})"
IN_WORDS = (
    rf"(?:{_TWO}[- ](?:hundred|thousand)(?:,?[- ](?:and )?{_TWO}[- ]hundred)?"
    rf"(?:,?[- ](?:and )?{_TWO})?|{_TWO})"
)
# "1,234", "1 234" with a thin or plain space, "45". RE2 has no look-around: `stands_alone` says
# whether what was found is a whole number and not part of a decimal, a range, a rate or a date.
INTEGER = r"\b\d{1,3}(?:[,\f ]\d{3})+\b|\b\d{1,7}\b"
COUNT = rf"(?:{INTEGER}|{IN_WORDS})"
# "0.85", ".85", "-1.2", "12", "1,45" with a decimal comma. Text is folded: "·" is ".", "−" is "-".
DECIMAL = r"(?:-?\d{0,6}\.\d+|-?\d{1,4},\d{1,2}\b|-?\d{1,6})"


def integer(text: str) -> int | None:
    """Of "1,234" or "forty-two"; None where it is neither."""
    digits = re.sub(r"[,\s]", "", text)
    if digits.isdigit():
        return int(digits)
    total = current = 0
    for word in re.split(r"[\s,-]+", text.lower()):
        if word == "and":
            continue
        if word == "hundred":
            current = (current or 1) * 100
        elif word == "thousand":
            total, current = total + (current or 1) * 1000, 0
        elif word in _VALUES:
            current += _VALUES[word]
        else:
            return None
    return total + current


def decimal(text: str) -> float | None:
    """Of "0.85", "-1.2" or, with a decimal comma, "1,45"; None where it is no number."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def stands_alone(data: bytes, start: int, end: int) -> bool:
    """Whether ``data[start:end]`` is not a part of "12.5", "10-12", "1/3" or "CoV-2"."""
    digits, joints = b"0123456789", b".,/-"
    if start >= 2 and data[start - 1] in b"-/" and data[start - 2 : start - 1].isalnum():
        return False
    if start >= 2 and data[start - 1] in joints and data[start - 2] in digits:
        return False
    return not (end + 1 < len(data) and data[end] in joints and data[end + 1] in digits)
