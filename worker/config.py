"""The configuration: what `config.toml`, the environment and the command line say.

`load_config` reads the first of --config, $PUBGRADE_CONFIG, ./config.toml and
~/.config/pubgrade/config.toml; without any, the defaults hold. The command line goes before the
environment, the environment before the file. A wrong key or value is a `ConfigError` that names
the file or variable, the key and, where one is near, the right key.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    Strict,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from worker.errors import ConfigError

CONFIG_VARIABLE = "PUBGRADE_CONFIG"
PREFIX = "PUBGRADE_"
# Short names of environment variables, and the key that each sets.
SHORT_NAMES: dict[str, tuple[str, str]] = {
    "NCBI_API_KEY": ("entrez", "api_key"),
    "PUBGRADE_EMAIL": ("entrez", "email"),
    "PUBGRADE_STORE": ("store", "url"),
}

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"\s*(\d+)\s*([smhdw])\s*")
_DATE = re.compile(r"(\d{4})(?:[-/](\d{1,2}))?(?:[-/](\d{1,2}))?")


def duration(text: object) -> timedelta:
    """ "30s", "15m", "6h", "1d" or "2w" as a timedelta. Raises ValueError."""
    if isinstance(text, timedelta):
        return text
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not int(found[1]):
        raise ValueError('must be a number and s, m, h, d or w, such as "6h" or "1d"')
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise ValueError("is too long a time") from None


def _spoken(time: timedelta) -> str:
    """A duration as `duration` reads it, in the longest unit that it is a multiple of."""
    units = ((unit, timedelta(**{name: 1})) for unit, name in reversed(_UNITS.items()))
    return next(f"{time // one}{unit}" for unit, one in units if not time % one)


def _day(value: object) -> date | None:
    if value is None or (isinstance(value, date) and type(value) is date):
        return value
    found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found is not None:
            return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        pass
    raise ValueError('must be a date such as 2024-01-31, "2024-01" or "2024"')


def _web_address(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError("must be an address that begins with https:// or http://")
    return value


def _level(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(duration)]
Day = Annotated[date | None, BeforeValidator(_day)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_level)]


# TOML tells numbers, texts and switches apart; what the environment gives has its type already.
Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
Switch = Annotated[bool, Strict()]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EntrezSettings(_Section):
    email: str | None = None
    api_key: SecretStr | None = None
    tool: str = Field(default="pubgrade", min_length=1)
    base_url: WebAddress = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
    timeout: Number = Field(default=30.0, gt=0)  # seconds

    @field_validator("email", "api_key", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("email")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\s*[^\s@]+@[^\s@]+\s*", value):
            raise ValueError("must be an e-mail address such as you@example.org")
        return value.strip() if value else None


class StoreSettings(_Section):
    url: str = Field(default="sqlite:///pubgrade.db", min_length=1)
    keep_raw: Switch = True


class _Scheduled(_Section):
    """What the daemon does time and again."""

    every: Duration | None = None
    cron: str | None = None

    @field_validator("cron")
    @classmethod
    def _is_a_cron_line(cls, value: str | None) -> str | None:
        if value is None:
            return None
        from worker.cron import next_time

        try:
            comes = next_time(value) is not None
        except ValueError as error:
            raise ValueError(
                "must be five fields: minute hour day month weekday, "
                f'such as "30 5 * * mon-fri" ({error})'
            ) from None
        if not comes:
            raise ValueError("names a time that never comes")
        return value

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if self.every is not None and self.cron is not None:
            raise ValueError("has both every and cron: keep one of them")
        return self

    @property
    def interval(self) -> timedelta:
        """How often to look, where no cron line says when."""
        return self.every or timedelta(days=1)


class MirrorSettings(_Scheduled):
    base_url: WebAddress = "https://ftp.ncbi.nlm.nih.gov/pubmed/"
    folder: Path = Path("pubmed")
    keep: Switch = False
    filter: str = ""
    abstracts: Switch = True

    @field_validator("filter")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        if value:
            from worker.selection import Selection

            try:
                Selection.of(value)
            except ConfigError as error:
                raise ValueError(
                    f"must be what may stand behind `pubgrade query` ({error})"
                ) from None
        return value

    @property
    def schedule(self) -> str | None:
        """When the daemon mirrors, in words; None where it does not."""
        if self.cron is not None:
            return f"at {self.cron}"
        return None if self.every is None else f"every {_spoken(self.every)}"


class TopicSettings(_Scheduled):
    name: str = Field(min_length=1)
    query: str = Field(min_length=1)
    since: Day = None

    @field_validator("name")
    @classmethod
    def _is_one_word(cls, value: str) -> str:
        if not re.fullmatch(r"[^\s,]+", value) or value.startswith("-"):
            raise ValueError('must be one word, such as "gout" or "heart-failure"')
        return value

    @field_validator("query")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must say what to look for in PubMed")
        return " ".join(value.split())


class DaemonSettings(_Section):
    threads: Whole = Field(default=2, ge=1, le=32)
    misfire_grace: Duration = timedelta(hours=1)
    retry: Duration = timedelta(minutes=1)
    retry_most: Duration = timedelta(hours=1)


class LogSettings(_Section):
    level: LogLevel = "INFO"
    json_lines: Switch = Field(default=False, alias="json")
    file: Path | None = None
    rotate_mb: Number = Field(default=10.0, gt=0)  # megabytes
    keep: Whole = Field(default=5, ge=0)  # files


class Config(BaseSettings):
    """Everything that can be set. Made by `load_config`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    entrez: EntrezSettings = EntrezSettings()
    store: StoreSettings = StoreSettings()
    mirror: MirrorSettings = MirrorSettings()
    topics: tuple[TopicSettings, ...] = ()
    daemon: DaemonSettings = DaemonSettings()
    log: LogSettings = LogSettings()

    _path: Path | None = PrivateAttr(None)

    @property
    def path(self) -> Path | None:
        """The file that was read, None where there was none."""
        return self._path

    @model_validator(mode="after")
    def _names_differ(self) -> Config:
        seen: set[str] = set()
        for topic in self.topics:
            if topic.name in seen:
                raise ValueError(f"two topics are called {topic.name!r}: rename one of them")
            seen.add(topic.name)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load_config` has put the layers on top of each other


def load_config(
    path: Path | None = None, *, store: str | None = None, email: str | None = None
) -> Config:
    """The configuration as it holds now. `path`, `store` and `email` come from the command line.

    Raises ConfigError, with one line for each thing that is wrong.
    """
    found = find_config(path)
    table = _read(found) if found is not None else {}
    environment = _environment()
    spoken: dict[str, Any] = {}
    if store:
        spoken["store"] = {"url": store}
    if email:
        spoken["entrez"] = {"email": email}
    try:
        config = Config(**_merged(_merged(table, environment), spoken))
    except ValidationError as error:
        problems = [
            _explained(problem, found, table, environment, spoken) for problem in error.errors()
        ]
        raise ConfigError("\n".join(dict.fromkeys(problems))) from None
    config._path = found
    return config


def searched_places() -> tuple[Path, Path]:
    """Where a configuration is looked for when none is named, first one first."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path("config.toml"), Path(base).expanduser() / "pubgrade" / "config.toml"


def find_config(path: Path | None = None) -> Path | None:
    """The file to read: the one named, else the first that is there. None where there is none.

    Raises ConfigError when a named file is not there.
    """
    named = path or (Path(value) if (value := os.environ.get(CONFIG_VARIABLE)) else None)
    if named is None:
        return next((place for place in searched_places() if place.is_file()), None)
    named = named.expanduser()
    if not named.is_file():
        asked = "" if path else f" (from ${CONFIG_VARIABLE})"
        what = "is a folder" if named.is_dir() else "is not there"
        raise ConfigError(
            f"{named}: the configuration file{asked} {what}. `pubgrade init` writes one"
        )
    return named


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path}: the configuration cannot be read: {reason}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f'{path}: not valid TOML: {error}. Texts stand in quotes, as in email = "a@b.org"'
        ) from None


def _environment() -> dict[str, Any]:
    """What the environment sets, in the shape of the file."""
    source = EnvSettingsSource(Config)
    # The short names are texts, not the JSON objects that the names of sections would take.
    source.env_vars = {
        name: value for name, value in source.env_vars.items() if name.upper() not in SHORT_NAMES
    }
    try:
        layer = source()
    except SettingsError as error:
        raise ConfigError(
            f"environment: {error}. A key is set as {PREFIX}SECTION__KEY, "
            f"as in {PREFIX}ENTREZ__TIMEOUT=60"
        ) from None
    for section, model in _SECTIONS.items():
        values = layer.get(section)
        for key, field in model.model_fields.items():
            name = field.alias or key
            if isinstance(values, dict) and isinstance(values.get(name), str):
                values[name] = _typed(values[name], field.annotation)
    for name, (section, key) in SHORT_NAMES.items():
        if value := os.environ.get(name, "").strip():
            # Whoever wrote the long name meant it as much: the short one only fills in.
            layer.setdefault(section, {}).setdefault(key, value)
    for name in os.environ:
        section, divided, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and divided and section.lower() not in _SECTIONS:
            near = _nearest((section.lower(),), section=True)
            raise ConfigError(f"environment: unknown section in {name}{near}")
    return layer


def _typed(text: str, kind: Any) -> object:
    """The text of a variable as the number or switch that its key wants; itself if it is none."""
    if kind not in (bool, int, float):
        return text
    try:
        value: object = TypeAdapter(kind).validate_strings(text)
    except ValidationError:
        return text
    return value


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, section by section."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(old, value)
        elif old is None or not isinstance(value, Mapping):
            result[key] = value  # what should be a section and is none is told, not replaced
    return result


# -- saying what is wrong


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


_SECTIONS: dict[str, type[BaseModel]] = {
    "entrez": EntrezSettings,
    "store": StoreSettings,
    "mirror": MirrorSettings,
    "topics": TopicSettings,
    "daemon": DaemonSettings,
    "log": LogSettings,
}

_WORDS = {  # of pydantic's error types, for people
    "missing": "is missing",
    "string_type": "must be a text in quotes",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "path_type": "must be the path of a file, in quotes",
}


def _explained(
    problem: Any,
    path: Path | None,
    table: Mapping[str, Any],
    environment: Mapping[str, Any],
    spoken: Mapping[str, Any],
) -> str:
    """One line about one problem: where it stands, which key, what is wrong, what is right."""
    place: tuple[str | int, ...] = problem["loc"]
    names = [str(part) for part in place]
    value = problem.get("input")
    if _holds(spoken, place):
        where, key = "command line", f"--{names[0] if names[0] == 'store' else names[-1]}"
    elif _holds(environment, place):
        where, key = "environment", _variable(names)
    else:
        where, key = str(path or "configuration"), _key(place, table)

    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key {key}{_nearest(place, isinstance(value, Mapping | list))}"
    if kind in ("model_type", "model_attributes_type", "tuple_type"):
        shape = "[[topics]]" if names[0] == "topics" else f"[{names[0]}]"
        return f"{where}: {key} must be a section: its keys stand in lines below {shape}"
    if kind == "value_error":
        what = str(problem["ctx"]["error"])
    elif kind in ("greater_than", "greater_than_equal", "less_than_equal"):
        bound = next(iter(problem["ctx"].values()))
        sign = {"greater_than": "more than", "greater_than_equal": "at least"}.get(kind, "at most")
        what = f"must be {sign} {bound:g}"
    elif kind == "literal_error":
        what = f"must be one of {problem['ctx']['expected']}"
    else:
        what = _WORDS.get(kind) or problem["msg"]
    shown = isinstance(value, str | int | float | bool) and names[-1] != "api_key"
    return f"{where}: {key} {what}" + (f", not {_toml(value)}" if shown else "")


def _holds(layer: Mapping[str, Any], place: tuple[str | int, ...]) -> bool:
    """Whether the layer gives the value there; of a section it gives no more than keys."""
    inner: Any = layer
    for part in place:
        if not isinstance(inner, Mapping) or part not in inner:
            return False
        inner = inner[part]
    return bool(place) and not isinstance(inner, Mapping)


def _variable(names: list[str]) -> str:
    """The environment variable that set a key."""
    long = PREFIX + "__".join(names).upper()
    short = next((s for s, place in SHORT_NAMES.items() if list(place) == names), long)
    return long if long in os.environ else short


def _key(place: tuple[str | int, ...], table: Mapping[str, Any]) -> str:
    """The key as a person finds it: "[entrez] timeout", "[[topics]] gout: every"."""
    if not place:
        return "[[topics]]"
    if len(place) == 1:
        return f"[{place[0]}]" if place[0] in _SECTIONS else str(place[0])
    if place[0] == "topics" and isinstance(place[1], int):
        try:
            name = table["topics"][place[1]].get("name")
        except (KeyError, IndexError, AttributeError, TypeError):
            name = None
        return f"[[topics]] {name or f'number {place[1] + 1}'}" + (
            f": {place[2]}" if len(place) > 2 else ""
        )
    return f"[{place[0]}] " + ".".join(str(part) for part in place[1:])


def _nearest(place: tuple[str | int, ...], section: bool) -> str:
    """ "; did you mean …?" with the right key, from this section or another."""
    from rapidfuzz import fuzz, process

    def best(choices: list[str]) -> str | None:
        found = process.extractOne(
            str(place[-1]).lower().replace("-", "_"), choices, scorer=fuzz.ratio, score_cutoff=60
        )
        return found[0] if found else None

    if len(place) == 1 and (near := best(list(_SECTIONS))):
        return f"; did you mean {'[[topics]]' if near == 'topics' else f'[{near}]'}?"
    if len(place) == 1 and section:
        return f"; the sections are {', '.join(_SECTIONS)}"
    own = _SECTIONS.get(str(place[0])) if len(place) > 1 else None
    if own is not None and (near := best(_keys(own))):
        return f"; did you mean {near}?"
    for name, model in _SECTIONS.items():
        if (near := best(_keys(model))) and model is not own:
            return (
                f"; did you mean {near} under {'[[topics]]' if name == 'topics' else f'[{name}]'}?"
            )
    return f"; the keys here are {', '.join(_keys(own))}" if own is not None else ""


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
