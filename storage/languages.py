"""NLM's language codes as tags of BCP 47, which asks for the shortest code there is.

NLM writes the bibliographic codes of ISO 639-2 (nlm.nih.gov/bsd/language_table.html), and in older
records "scr" and "scc" for Croatian and Serbian.
"""

from __future__ import annotations

from typing import Final

_SHORTEST: Final = {
    "afr": "af", "alb": "sq", "amh": "am", "ara": "ar", "arm": "hy", "aze": "az", "bel": "be",
    "ben": "bn", "bos": "bs", "bul": "bg", "cat": "ca", "chi": "zh", "cze": "cs", "dan": "da",
    "dut": "nl", "eng": "en", "epo": "eo", "est": "et", "fin": "fi", "fre": "fr", "geo": "ka",
    "ger": "de", "gla": "gd", "gle": "ga", "glg": "gl", "gre": "el", "guj": "gu", "heb": "he",
    "hin": "hi", "hrv": "hr", "hun": "hu", "ice": "is", "ind": "id", "ita": "it", "jpn": "ja",
    "kan": "kn", "kin": "rw", "kor": "ko", "lat": "la", "lav": "lv", "lit": "lt", "mac": "mk",
    "mal": "ml", "mao": "mi", "may": "ms", "mon": "mn", "nob": "nb", "nor": "no", "per": "fa",
    "pol": "pl", "por": "pt", "pus": "ps", "rum": "ro", "rus": "ru", "san": "sa", "scc": "sr",
    "scr": "hr", "slo": "sk", "slv": "sl", "spa": "es", "srp": "sr", "swe": "sv", "tam": "ta",
    "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "uzb": "uz", "vie": "vi", "wel": "cy",
}  # fmt: skip
_NONE: Final = frozenset({"", "mul", "und"})


def language_tag(code: str) -> str:
    """ "en" of "eng"; the code itself where it has no shorter one; "" where it names no language."""
    code = code.lower()
    return "" if code in _NONE else _SHORTEST.get(code, code)
