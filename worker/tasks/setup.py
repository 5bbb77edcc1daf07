"""`pubgrade init`."""

from __future__ import annotations

from pathlib import Path

from worker.errors import ConfigError
from worker.invocation import EXIT_DONE, Invocation
from worker.tasks.output import emit, say
from worker.tasks.session import task


def config_text() -> str:
    """The commented configuration: beside the packages in a checkout, inside them when installed."""
    here = Path(__file__).parents[1]
    for place in (here / "config.toml", here.parent / "config.toml"):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise ConfigError("the packaged config.toml is missing: install pubgrade again")


@task
def init(invocation: Invocation, *, path: str, force: bool) -> int:
    target = Path(path)
    text = config_text()
    if target.is_dir():
        raise ConfigError(f"{target} is a folder: name the file, as in {target / 'config.toml'}")
    if target.exists() and not force:
        raise ConfigError(f"{target} is there already; --force replaces it")
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from None
    if invocation.json:
        emit({"written": str(target)})
    else:
        say(
            f"Wrote {target}. Fill in [entrez] email (NCBI asks for it), and add a [[topics]] entry "
            "for `pubgrade sync` and `pubgrade run`."
        )
    return EXIT_DONE
