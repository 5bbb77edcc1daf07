"""Whatever is wrong with what a person gives: one or two lines, the exit status, nothing lost."""

from __future__ import annotations

import gzip
import json
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from storage import Store

if TYPE_CHECKING:
    from conftest import Pubgrade

EMAIL = {"PUBGRADE_EMAIL": "a@example.org"}
TOPIC = '\n[[topics]]\nname = "gout"\nquery = "{}"\nsince = 2024-01-01\n'


def _records(pubgrade: Any, count: int = 3) -> bytes:
    from eutils_server import Library

    items = sorted(Library.generate(count).items(), key=lambda item: item.pmid)
    return f"<PubmedArticleSet>{''.join(item.xml() for item in items)}</PubmedArticleSet>".encode()


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.strip()]


def _write(name: str, content: bytes | str) -> Callable[[Any], None]:
    def prepare(pubgrade: Any) -> None:
        path: Path = pubgrade.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return prepare


def _cut(pubgrade: Any) -> None:
    records = _records(pubgrade)
    (pubgrade.folder / "cut.xml").write_bytes(records[: records.rindex(b"<AbstractText")])


def _bad_tail(pubgrade: Any) -> None:
    packed = gzip.compress(_records(pubgrade))
    (pubgrade.folder / "tail.xml.gz").write_bytes(packed[:-8] + b"\0\1\2\3\4\5\6\7")


def _cut_gz(pubgrade: Any) -> None:
    # stored, not packed, so that the cut stands within the third record
    packed = gzip.compress(_records(pubgrade), compresslevel=0)
    (pubgrade.folder / "cut.xml.gz").write_bytes(packed[:-900])


def _deleted(pubgrade: Any) -> None:
    assert pubgrade("fetch", "30000001", **EMAIL).returncode == 0
    notice = "<DeleteCitation><PMID>30000001</PMID></DeleteCitation>"
    path = pubgrade.folder / "update.xml"
    path.write_text(f"<PubmedArticleSet>{notice}</PubmedArticleSet>")
    assert pubgrade("load", str(path)).returncode == 0
    pubgrade.server.library.delete(30000001)


def _stored(pubgrade: Any) -> None:
    (pubgrade.folder / "three.xml").write_bytes(_records(pubgrade))
    assert pubgrade("load", "three.xml").returncode == 0


def _folder(pubgrade: Any) -> None:
    (pubgrade.folder / "nothing").mkdir()


@pytest.mark.parametrize(
    ("prepare", "arguments", "status", "says"),
    [
        # PMIDs
        (None, "fetch abc", 2, "not a PMID: 'abc'. A PMID is a number such as 33301246"),
        (None, "fetch 0 -- -5", 2, "not a PMID: '-5'"),
        (None, "fetch 99", 1, "PMID 99 is not in PubMed. Check the number"),
        (_deleted, "fetch 30000001", 1, "PMID 30000001 was deleted by NLM"),
        (None, "fetch", 2, "no PMIDs given"),
        (_write("list.txt", "# none yet\n\n"), "fetch --file list.txt", 2, "no PMIDs given"),
        (_write("list.txt", "12\nx9\n"), "fetch --file list.txt", 1, "'x9' (list.txt, line 2)"),
        (None, "fetch --file nowhere.txt", 2, "nowhere.txt: cannot be read"),
        (None, f"fetch {'1' * 5000}", 2, "not a PMID: '1111"),
        (None, "show 77", 3, "there is no store"),
        (None, "show seven", 2, "not a PMID"),
        # files
        (None, "load nowhere.xml", 2, "nowhere.xml: there is no such file or folder"),
        (_folder, "load nothing", 2, "nothing in this folder looks like PubMed records"),
        (_write("empty.xml", ""), "load empty.xml", 2, "empty.xml: is empty"),
        (_write("empty.xml.gz", gzip.compress(b"")), "load empty.xml.gz", 2, "is empty"),
        (_write("a.xml", "<html><body>Sorry"), "load a.xml", 2, "is a web page (HTML)"),
        (_write("a.xml", "<feed><a/></feed>"), "load a.xml", 2, "a.xml: is not PubMed XML"),
        (_write("a.txt", "Dear reader"), "load a.txt", 2, "it begins with 'Dear reader'"),
        (
            _write("bad.nbib", "PMID- x\nTI  - A title.\n"),
            "load bad.nbib",
            1,
            "failed: bad.nbib: a record without PMID",
        ),
        (_cut, "load cut.xml", 1, "is cut short inside record 3"),
        (_cut, "grade cut.xml", 1, "is cut short inside record 3"),
        (_bad_tail, "load tail.xml.gz", 1, "the compressed file is damaged"),
        (_cut_gz, "load cut.xml.gz", 1, "the compressed file is cut short"),
        (_write("x.xml", ""), "grade x.xml", 2, "x.xml: is empty"),
        (_write("._a.xml", "of a Mac"), "load .", 2, "nothing in this folder looks like PubMed"),
        (None, "load http://127.0.0.1:9/x.xml", 4, "cannot be reached"),
        # words of the command
        (None, "query --design rct", 2, "--design rct: unknown"),
        (None, "query --design randomised_controlled_trial", 2, "did you mean randomized_"),
        (None, "schemes OCEBM-2009", 2, "did you mean ocebm_2009?"),
        (None, "query --design RCT", 2, "did you mean randomized_controlled_trial?"),
        (None, "query --level 9", 2, "the levels of ocebm_2011 are 1, 2, 3, 4, 5"),
        (None, "query --since yesterday", 2, "a date is 2020, 2020-12 or 2020-12-14"),
        (_stored, "query --since 2020-02-31", 2, "--since 2020-02-31: no such date"),
        (_stored, "query --until 2020-13", 2, "--until 2020-13: no such date"),
        (_stored, "query --topic goat", 2, "the store has no topic 'goat'"),
        (_stored, "export out.csv --topic goat", 2, "the store has no topic 'goat'"),
        (None, "query --store", 2, "--store needs a value"),
        (None, "query --store=", 2, "--store needs a value"),
        (
            _folder,
            "init nothing",
            2,
            "nothing is a folder: name the file, as in nothing/config.toml",
        ),
        (None, "querry", 2, "No such command"),
        (None, "fetch --emial x 1", 2, "--email"),
        (None, "export out.xyz", 2, "the format cannot be told"),
        (None, "export nowhere/out.csv", 3, "there is no store"),
        # configuration
        (_write("config.toml", '[entrez]\nemial = "a"'), "status", 2, "did you mean email?"),
        (_write("config.toml", "[demon]\nx = 1"), "status", 2, "did you mean [daemon]?"),
        (_write("config.toml", '[entrez]\ntimeout = "long"'), "status", 2, "must be a number"),
        (_write("config.toml", "[entrez"), "status", 2, "config.toml: not valid TOML"),
        (_write("config.toml", "[[topics]]\nname = 'a'"), "sync", 2, "[[topics]] a: query is miss"),
        (_write("config.toml", TOPIC.format("x") + 'cron = "9"'), "sync", 2, "five fields"),
        (
            _write("config.toml", "[entrez]\ntimeout = true"),
            "status",
            2,
            "timeout must be a number",
        ),
        (_write("config.toml", '[store]\nkeep_raw = "yes"'), "status", 2, "must be true or false"),
        (_write("config.toml", 'entrez = "x"'), "status", 2, "[entrez] must be a section"),
        (
            _write("config.toml", TOPIC.format("x") + 'cron = "0 0 31 2 *"'),
            "sync",
            2,
            "[[topics]] gout: cron names a time that never comes",
        ),
        (None, "status --config other.toml", 2, "other.toml: the configuration file is not there"),
        (None, "sync", 2, "no topics"),
        (_write("config.toml", TOPIC.format("gout")), "sync goat", 2, "the topics are gout"),
        # NCBI
        (_write("config.toml", TOPIC.format("unknownword")), "sync", 2, "phrase not found"),
    ],
)
def test_bad_input(
    pubgrade: Pubgrade,
    prepare: Callable[[Any], None] | None,
    arguments: str,
    status: int,
    says: str,
) -> None:
    if prepare is not None:
        prepare(pubgrade)
    done = pubgrade(*arguments.split(), **EMAIL)
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(_lines(done)) <= 2, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PUBGRADE_ENTREZ__TIMEOUT", "soon", "PUBGRADE_ENTREZ__TIMEOUT must be a number"),
        ("PUBGRADE_STORE__KEEP_RAW", "perhaps", "must be true or false"),
        ("PUBGRADE_ENTREZ__TIMOUT", "5", "unknown key PUBGRADE_ENTREZ__TIMOUT; did you mean"),
        ("PUBGRADE_DEMON__THREADS", "5", "PUBGRADE_DEMON__THREADS; did you mean [daemon]?"),
    ],
)
def test_a_wrong_variable(pubgrade: Pubgrade, name: str, value: str, says: str) -> None:
    done = pubgrade("status", **{name: value})
    assert done.returncode == 2
    assert says in done.stderr


def test_variables_have_the_type_of_their_key(pubgrade: Pubgrade) -> None:
    done = pubgrade(
        "status",
        PUBGRADE_ENTREZ__TIMEOUT="5",
        PUBGRADE_STORE__KEEP_RAW="false",
        PUBGRADE_DAEMON__THREADS="3",
        PUBGRADE_LOG__JSON="1",
    )
    assert done.returncode == 3, done.stderr  # there is no store yet: the configuration is right


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff30000001\r\n30000002 # twice\r\n\r\n30000001\r\n",
        "PMID: 30000001\nPMID:30000002\n",
        "pmid30000001, PMID- 30000002;",
    ],
)
def test_lists_of_pmids_as_people_have_them(pubgrade: Pubgrade, text: str) -> None:
    (pubgrade.folder / "list.txt").write_bytes(text.encode())
    for done in (
        pubgrade("fetch", "--file", "-", "--json", stdin=text, **EMAIL),
        pubgrade("fetch", "--file", "list.txt", "--json", **EMAIL),
        pubgrade("fetch", "30000001,", "PMID:30000002", "--json", **EMAIL),
    ):
        assert (done.returncode, done.stderr) == (0, "")
        pmids = [json.loads(line)["pmid"] for line in done.stdout.splitlines()]
        assert pmids == [30000001, 30000002]


@pytest.mark.parametrize(
    ("command", "status"), [("fetch 30000001", 2), ("sync", 2), ("run", 2), ("status", 3)]
)
def test_no_email(pubgrade: Pubgrade, command: str, status: int) -> None:
    (pubgrade.folder / "config.toml").write_text(TOPIC.format("gout"))
    done = pubgrade(*command.split())
    assert done.returncode == status
    assert ("PUBGRADE_EMAIL" in done.stderr) == (status == 2)
    assert len(_lines(done)) <= 2


@pytest.mark.parametrize("kind", ["500", "html", "429", "error element", "empty", "cut", "hang"])
def test_ncbi_fails(pubgrade: Pubgrade, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NCBI down, slow, answering HTML, over limit: exit status 4, what was stored stays."""
    assert pubgrade("fetch", "30000001", **EMAIL).returncode == 0
    pubgrade.server.always = kind
    monkeypatch.setattr("worker.entrez.LONGEST_PAUSE", 0.01)
    # with a key ten calls a second are allowed, so that the limit does not part the tries
    quick = {"PUBGRADE_ENTREZ__TIMEOUT": "0.3", "NCBI_API_KEY": "akeyfortests"}
    done = pubgrade("fetch", "30000002", **quick, **EMAIL)
    assert done.returncode == 4, done.stderr
    assert "Try again later" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(pubgrade("status", "--json").stdout)["counts"]["articles"] == 1


def test_what_stood_before_the_damage_is_stored(pubgrade: Pubgrade) -> None:
    for prepare, name in ((_cut, "cut.xml"), (_bad_tail, "tail.xml.gz"), (_cut_gz, "cut.xml.gz")):
        prepare(pubgrade)
        done = pubgrade("load", name, "--json", "--store", f"sqlite:///{name}.db")
        assert json.loads(done.stdout)["new"] == (3 if name == "tail.xml.gz" else 2), name


def test_a_bad_file_does_not_stop_the_next(pubgrade: Pubgrade) -> None:
    (pubgrade.folder / "bad.xml").write_text("")
    (pubgrade.folder / "good.xml").write_bytes(_records(pubgrade))
    done = pubgrade("load", "bad.xml", "good.xml")
    assert done.returncode == 1
    assert "3 new" in done.stdout


def test_a_store_that_cannot_be_written(pubgrade: Pubgrade) -> None:
    assert pubgrade("fetch", "30000001", **EMAIL).returncode == 0

    def small_disk() -> None:  # no file may grow past this: what a full disk does
        size = (pubgrade.folder / "pubgrade.db").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    full = subprocess.run(
        [*pubgrade.command, "fetch", *(str(30000002 + n) for n in range(200))],
        cwd=pubgrade.folder,
        # Compiled modules that it cut short would stay.
        env=pubgrade.environment | EMAIL | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        preexec_fn=small_disk,
        check=False,
    )
    assert full.returncode == 3, full.stderr
    assert len(_lines(full)) <= 2, full.stderr
    assert json.loads(pubgrade("status", "--json").stdout)["counts"]["articles"] >= 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_in_a_folder_that_is_read_only(pubgrade: Pubgrade) -> None:
    closed = pubgrade.folder / "closed"
    closed.mkdir(mode=0o500)
    done = pubgrade("fetch", "30000001", "--store", f"sqlite:///{closed}/a.db", **EMAIL)
    assert done.returncode == 3
    assert len(_lines(done)) <= 2


def test_a_store_that_another_process_locks(
    pubgrade: Pubgrade, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pubgrade("fetch", "30000001", **EMAIL).returncode == 0
    other = sqlite3.connect(pubgrade.folder / "pubgrade.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(Store, "open", partial(Store.open, wait=0.2))
    try:
        done = pubgrade("fetch", "30000002", **EMAIL)
        read = pubgrade("show", "30000001")
    finally:
        other.close()
    assert done.returncode == 3
    assert "locked by another process" in done.stderr
    assert len(_lines(done)) <= 2
    assert read.returncode == 0


def test_an_unreadable_version_of_the_store(pubgrade: Pubgrade) -> None:
    (pubgrade.folder / "words.db").write_text("not a database at all, but words " * 40)
    done = pubgrade("query", "--store", "sqlite:///words.db")
    assert done.returncode == 3
    assert "not a pubgrade store" in done.stderr
    assert len(_lines(done)) <= 2


def test_verbose_gives_the_traceback_and_the_same_status(pubgrade: Pubgrade) -> None:
    done = pubgrade("load", "nowhere.xml", "-v")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_a_store_on_a_read_only_file_system(
    pubgrade: Pubgrade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = {"PUBGRADE_EMAIL": "a@example.org"}
    assert pubgrade("fetch", "30000001", **email).returncode == 0
    (tmp_path / "a snapshot?").mkdir()
    store = tmp_path / "a snapshot?" / "100%.db"
    (tmp_path / "pubgrade.db").rename(store)
    there = {"PUBGRADE_STORE": str(store)}
    true_statvfs = os.statvfs

    def read_only(path: Any) -> Any:
        found = true_statvfs(path)
        return type(found)((*found[:8], found.f_flag | os.ST_RDONLY, found[9]))

    monkeypatch.setattr(os, "statvfs", read_only)
    assert "30000001" in pubgrade("query", "--json", **there).stdout
    assert pubgrade("status", **there).returncode == 0
    assert [path.name for path in store.parent.iterdir()] == ["100%.db"]
    for command in (["fetch", "30000002"], ["regrade", "--all"]):
        refused = pubgrade(*command, **email, **there)
        assert refused.returncode == 3
        assert "cannot be written" in refused.stderr
