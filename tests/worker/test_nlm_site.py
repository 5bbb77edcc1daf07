"""The site of bulk files when it does not answer as it should."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bulk_site import BulkSite, baseline, bulk_file, record, update

from worker.errors import ConfigError, EntrezUnavailable, MirrorError
from worker.nlm_site import BulkFile, Site

if TYPE_CHECKING:
    from conftest import Pubgrade

DOWN = b"<!DOCTYPE html><html><title>Maintenance</title><a href='/'>Home</a> Back soon.</html>"
FIRST = BulkFile(26, 1, "baseline")


@pytest.fixture
def site() -> Iterator[BulkSite]:
    with BulkSite() as running:
        for path in (baseline(1), baseline(2), update(3)):
            running.put(path, bulk_file([record(int(path[-8]))]))
        yield running


def near(site: BulkSite) -> Site:
    return Site(site.url, tries=3, wait=0.01)


@pytest.mark.parametrize("path", ["baseline/", "updatefiles/", f"{baseline(1)}.md5"])
def test_a_notice_that_the_site_is_down_is_no_answer(
    site: BulkSite, tmp_path: Path, path: str
) -> None:
    site.instead[path] = [(200, {}, DOWN)]
    assert [file.number for file in near(site).files()] == [1, 2, 3]
    near(site).fetch(FIRST, tmp_path)
    site.instead[path] = [(200, {}, DOWN)] * 3

    def ask() -> None:
        near(site).files()
        near(site).fetch(FIRST, tmp_path)

    with pytest.raises(EntrezUnavailable, match=f"{path}: the site answers with another page"):
        ask()


def test_a_folder_without_updates_is_one(site: BulkSite) -> None:
    empty = b"<title>Index of /pubmed/updatefiles</title><a href='/pubmed/'>Parent Directory</a>"
    site.instead["updatefiles/"] = [(200, {}, empty)]
    assert [file.number for file in near(site).files()] == [1, 2]


def test_a_site_without_a_baseline(site: BulkSite) -> None:
    site.instead["baseline/"] = [(404, {}, b"")]
    with pytest.raises(
        EntrezUnavailable, match=r"/baseline/: not there. Check \[mirror\] base_url"
    ):
        near(site).files()


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_file_that_is_refused(site: BulkSite, tmp_path: Path, status: int) -> None:
    site.instead[baseline(1)] = [(status, {}, DOWN)] * 3
    expected = rf"/pubmed26n0001\.xml\.gz: the site answers {status}\. Nothing after it"
    with pytest.raises(EntrezUnavailable, match=expected):
        near(site).fetch(FIRST, tmp_path)


def test_the_site_says_when_to_try_again(site: BulkSite, tmp_path: Path) -> None:
    site.instead[baseline(1)] = [(503, {"Retry-After": "1"}, b"")]
    site.instead[baseline(2)] = [(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"")]
    began = time.monotonic()
    near(site).fetch(BulkFile(26, 2, "baseline"), tmp_path)
    assert time.monotonic() - began < 1
    near(site).fetch(FIRST, tmp_path)
    assert time.monotonic() - began >= 1


def test_a_folder_that_cannot_be_written(site: BulkSite, tmp_path: Path) -> None:
    (tmp_path / "pubmed26n0001.xml.gz.part").symlink_to("/dev/full")  # an open file on a full disk
    with pytest.raises(ConfigError, match=r"gz\.part: cannot be written: No space left on device"):
        near(site).fetch(FIRST, tmp_path)


def test_a_file_without_its_md5(site: BulkSite, tmp_path: Path) -> None:
    del site.files[f"{baseline(1)}.md5"]
    expected = r"n0001\.xml\.gz\.md5: not there, so pubmed26n0001\.xml\.gz cannot be checked"
    with pytest.raises(MirrorError, match=expected):
        near(site).fetch(FIRST, tmp_path)


def test_forms_of_an_md5(site: BulkSite, tmp_path: Path) -> None:
    right = hashlib.md5(site.files[baseline(1)]).hexdigest()  # noqa: S324
    for form in (
        "{}",
        "{}  pubmed26n0001.xml.gz\n",
        "{} *x.gz",
        "MD5 (x.gz) = {}\r\n",
        "MD5(x)= {}",
    ):
        site.files[f"{baseline(1)}.md5"] = form.format(right.upper()).encode()
        path, md5 = near(site).fetch(FIRST, tmp_path)
        assert md5 == right
        assert path.read_bytes() == site.files[baseline(1)]


def test_an_address_whose_connection_is_cut(pubgrade: Pubgrade, site: BulkSite) -> None:
    site.files["some.xml"] = gzip.decompress(bulk_file(record(pmid) for pmid in range(1, 40)))
    site.cut["some.xml"] = 1
    done = pubgrade("load", f"{site.url}some.xml", "--workers", "1")
    assert done.returncode == 1
    assert (
        "some.xml: the connection was cut. What stood before was read; load it again" in done.stderr
    )
    assert "0 failed" in done.stdout
    stored = pubgrade("status", "--json")
    assert 10 < json.loads(stored.stdout)["counts"]["articles"] < 39
    assert pubgrade("load", f"{site.url}some.xml", "--workers", "1").returncode == 0
    assert json.loads(pubgrade("status", "--json").stdout)["counts"]["articles"] == 39


def test_what_is_listed_as_deleted_comes_after_a_failure(site: BulkSite) -> None:
    site.files["deleted.pmids.gz"] = gzip.compress(b"1\n2\n")
    site.instead["deleted.pmids.gz"] = [(200, {}, DOWN), (500, {}, b"")]
    assert near(site).deleted() == [1, 2]
