"""Logs: loguru to stderr and, where wished, to a rotating file; and no secret in either.

`hide` is told of every secret when it is read from the configuration. `redact` takes them out of a
text; the sinks made by `set_up` do so with every line, tracebacks included. loguru's `diagnose`,
which prints the values of variables, and `backtrace` are off. Warnings that libraries give to
`logging` (APScheduler: a run that was missed or is still busy) go the same way.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from loguru import Record

MASK: Final = "***"

_secrets: set[str] = set()
_ASSIGNED = re.compile(r"(?i)\b(api[_-]?key)(\"?\s*[=:]\s*\"?)[^\s&\"',;)}]+")


def hide(secret: str | None) -> None:
    """Keep `secret` out of all logs and messages from now on."""
    if secret and len(secret) >= 4:  # less is no secret, and would mask half of every line
        _secrets.update({secret, quote(secret, safe="")})


def redact(text: str) -> str:
    """`text` without secrets: those told to `hide`, and whatever is given as an api_key."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _ASSIGNED.sub(rf"\1\2{MASK}", text)


def _write(line: str) -> None:
    sys.stderr.write(line)


def set_up(
    level: str,
    *,
    json_lines: bool = False,
    file: Path | None = None,
    rotate_mb: float = 10.0,
    keep: int = 5,
) -> None:
    """Send logs of `level` and above to stderr, and to `file`, replacing earlier sinks.

    `file` grows to `rotate_mb` megabytes, then a new one is begun; `keep` old ones are kept.
    `json_lines`: one JSON object a line with time (UTC), level, module and message.

    Raises OSError when the file cannot be written.
    """
    from loguru import logger

    root = logging.getLogger()
    if not any(isinstance(handler, _FromLogging) for handler in root.handlers):
        root.addHandler(_FromLogging(logging.WARNING))
    render = _as_json if json_lines else _as_text
    logger.remove()
    # stderr is looked up with each line: while a progress bar is shown, rich stands in for it.
    logger.add(
        _write,
        level=level,
        format=lambda record: _line(record, render(record)),
        colorize=False,
        diagnose=False,
        backtrace=False,
    )
    if file is not None:
        logger.add(
            file.expanduser(),
            level=level,
            format=lambda record: _line(record, render(record, colour=False)),
            rotation=int(rotate_mb * 1_000_000),
            retention=keep,
            encoding="utf-8",
            colorize=False,
            diagnose=False,
            backtrace=False,
        )


class _FromLogging(logging.Handler):
    """Hands what libraries say to loguru, so that it is redacted and keeps to the format."""

    def emit(self, record: logging.LogRecord) -> None:
        from loguru import logger

        def name(line: Record) -> None:
            line["name"] = record.name

        logger.patch(name).opt(exception=record.exc_info).log(
            record.levelname, "{}", record.getMessage()
        )


def _line(record: Record, text: str) -> str:
    # loguru fills a template; the line is ready, and may hold braces.
    record["extra"]["line"] = text
    return "{extra[line]}\n"


_COLOURS = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


def _as_text(record: Record, *, colour: bool = True) -> str:
    """ "2026-11-24 12:48:00 WARNING message", in local time, tracebacks below."""
    level = f"{record['level'].name:<7}"
    if colour and sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        level = f"\x1b[{_COLOURS.get(record['level'].name, '0')}m{level}\x1b[0m"
    text = f"{record['time']:YYYY-MM-DD HH:mm:ss} {level} {record['message']}"
    return redact(text + "".join(f"\n{line}" for line in _traceback(record)))


def _as_json(record: Record, *, colour: bool = True) -> str:
    moment = record["time"].astimezone(UTC).isoformat(timespec="milliseconds")
    value: dict[str, Any] = {
        "time": moment.replace("+00:00", "Z"),
        "level": record["level"].name,
        "module": record["name"],
        "message": redact(record["message"]),
    }
    value |= {key: redact(str(item)) for key, item in record["extra"].items() if key != "line"}
    if lines := _traceback(record):
        value["traceback"] = redact("\n".join(lines))
    return json.dumps(value, ensure_ascii=False)


def _traceback(record: Record) -> list[str]:
    error = record["exception"]
    if error is None or error.type is None:
        return []
    lines = traceback.format_exception(error.type, error.value, error.traceback)
    return "".join(lines).rstrip().splitlines()
