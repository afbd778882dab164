"""Fetching a data set from a host on this machine: cut connections, checksums, archives, and a second run that does nothing."""
from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agir_plugin.cohort import download, unpack
from agir_plugin.cohort import fetch as fetching
from agir_plugin.cohort.fetch import DATASETS, fetch
from agir_plugin.errors import UnreadableFile, UsageError

SHIDA = DATASETS["shida"]
TABLE, ARCHIVE = (file.number for file in SHIDA.files)


def archive(files: dict[str, bytes]) -> bytes:
    """A zip archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


FILES = {"C3Dfiles/SUB01_off/SUB01_off_walk_1.c3d": b"\x02P" + bytes(range(256)) * 300, "C3Dfiles/SUB01_on/a.txt": b"a"}


class Host:
    """A host with files by number; it can cut its first answers short, ignore ranges, or answer with a status."""

    def __init__(self, address: str) -> None:
        """Hold a table and an archive."""
        self.url = f"{address}/files"
        self.files = {TABLE: b"PK table" * 100, ARCHIVE: archive(FILES)}
        self.cuts, self.cut_at, self.ranges, self.status, self.marks = 0, 100, True, {}, True
        self.asked: list[tuple[int, str]] = []

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One answer to GET."""
        number = int(request.path.rpartition("/")[2])
        wanted = request.headers.get("Range", "")
        self.asked.append((number, wanted))
        content, status = self.files.get(number, b""), self.status.get(number, 200 if number in self.files else 404)
        mark = hashlib.sha256(content).hexdigest()[:8]
        start = int(wanted[6:-1]) if wanted and self.ranges and request.headers.get("If-Range") == f'"{mark}"' else 0
        if status == 200 and start:
            status = 206 if start < len(content) else 416
        request.send_response(status)
        if status == 206:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.marks:
            request.send_header("ETag", f'"{mark}"')
        body = content[start:] if status < 300 else b""
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.cuts and number == ARCHIVE:
            self.cuts -= 1
            body = body[: self.cut_at]
        request.wfile.write(body)


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the host."""

    def do_GET(self) -> None:
        """Answer, and close the connection."""
        self.close_connection = True
        self.server.host.answer(self)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host on this machine; cut connections are made anew at once, and lose less than 50 bytes."""
    monkeypatch.setattr(download, "CHUNK", 50)
    monkeypatch.setattr(fetching, "ResumingDownloader", partial(download.ResumingDownloader, pause_s=0.0))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.host = Host(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.host
    server.shutdown()
    server.server_close()
    thread.join()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but the record."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "fetched.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_fetches_unpacks_and_records_once(host: Host, tmp_path: Path) -> None:
    done = fetch(SHIDA, tmp_path, host.url)
    digest = hashlib.sha256(host.files[ARCHIVE]).hexdigest()
    assert done[1:] == [f"C3Dfiles.zip: fetched, SHA-256 {digest}", f"C3Dfiles.zip: 2 files unpacked into {tmp_path / 'C3Dfiles'}"]
    assert tree(tmp_path) == {**FILES, "PDGinfo.xlsx": host.files[TABLE], "C3Dfiles.zip": host.files[ARCHIVE]}
    record = json.loads((tmp_path / "fetched.json").read_text())
    assert record["licence"].startswith("CC BY 4.0") and "10.3389/fnins.2023.992585" in record["citation"]
    assert record["files"]["C3Dfiles.zip"]["sha256"] == digest
    asked = len(host.asked)
    assert fetch(SHIDA, tmp_path, host.url) == [] and len(host.asked) == asked


def test_a_cut_connection_goes_on_where_it_stopped(host: Host, tmp_path: Path) -> None:
    host.cuts = 2
    fetch(SHIDA, tmp_path, host.url)
    assert [wanted for number, wanted in host.asked if number == ARCHIVE] == ["", "bytes=100-", "bytes=200-"]
    assert tree(tmp_path)["C3Dfiles.zip"] == host.files[ARCHIVE]


def test_an_interrupted_run_is_continued_by_the_next(host: Host, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    part = tmp_path / ".C3Dfiles.zip.part"
    with pytest.raises(KeyboardInterrupt):
        download.ResumingDownloader(part, stop)(f"{host.url}/{ARCHIVE}", tmp_path / "whole.zip")
    have = part.stat().st_size
    assert have and not (tmp_path / "whole.zip").exists()
    fetch(SHIDA, tmp_path, host.url)
    assert host.asked[-1] == (ARCHIVE, f"bytes={have}-")
    assert tree(tmp_path) == {**FILES, "PDGinfo.xlsx": host.files[TABLE], "C3Dfiles.zip": host.files[ARCHIVE]}


@pytest.mark.parametrize("oddity", [{"ranges": False}, {"marks": False}])
def test_a_host_that_cannot_go_on_is_asked_for_all(host: Host, tmp_path: Path, oddity: dict) -> None:
    vars(host).update(oddity, cuts=1)
    fetch(SHIDA, tmp_path, host.url)
    assert tree(tmp_path)["C3Dfiles.zip"] == host.files[ARCHIVE]


def test_two_versions_of_a_file_are_never_mixed(host: Host, tmp_path: Path) -> None:
    host.cuts, host.cut_at = 9, 0
    with pytest.raises(UnreadableFile, match="the download broke off"):
        fetch(SHIDA, tmp_path, host.url)
    host.cuts, host.cut_at = 1, 100
    part = tmp_path / ".C3Dfiles.zip.part"
    part.write_bytes(host.files[ARCHIVE][:100])
    host.files[ARCHIVE] = archive({"C3Dfiles/other.c3d": b"other" * 50})
    fetch(SHIDA, tmp_path, host.url)
    assert tree(tmp_path)["C3Dfiles.zip"] == host.files[ARCHIVE]


def test_a_line_that_is_cut_again_and_again_is_given_up_and_nothing_counts_as_done(host: Host, tmp_path: Path) -> None:
    host.cuts, host.cut_at = 99, 0
    with pytest.raises(UnreadableFile, match=r"broke off \(.*\); check the network to 127.0.0.1"):
        fetch(SHIDA, tmp_path, host.url)
    assert "C3Dfiles.zip" not in tree(tmp_path) and not (tmp_path / "C3Dfiles").exists()


def test_no_network(tmp_path: Path, host: Host) -> None:
    with pytest.raises(UnreadableFile, match=r"http://127.0.0.1:9/\d+: the download broke off .*; check the network to 127.0.0.1$"):
        fetch(SHIDA, tmp_path, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("status", "match"), [(404, "status 404: there is no such file"), (403, "the host refuses"), (503, "try again later")]
)
def test_a_refusal_of_the_host_is_told(host: Host, tmp_path: Path, status: int, match: str) -> None:
    host.status[ARCHIVE] = status
    with pytest.raises(UnreadableFile, match=match):
        fetch(SHIDA, tmp_path, host.url)
    host.status.clear()
    assert fetch(SHIDA, tmp_path, host.url)[0].startswith("C3Dfiles.zip: fetched")


def test_a_known_checksum_is_compared(host: Host, tmp_path: Path) -> None:
    known = tuple(replace(file, sha256=hashlib.sha256(host.files[file.number]).hexdigest()) for file in SHIDA.files)
    fetch(replace(SHIDA, files=known), tmp_path / "good", host.url)
    host.files[TABLE] += b"!"
    with pytest.raises(UnreadableFile, match=f"expected PDGinfo.xlsx with the SHA-256 {known[0].sha256}, got another file"):
        fetch(replace(SHIDA, files=known), tmp_path / "bad", host.url)
    assert tree(tmp_path / "bad") == {}


def test_a_file_that_was_changed_since_is_fetched_again_and_compared(host: Host, tmp_path: Path) -> None:
    fetch(SHIDA, tmp_path, host.url)
    (tmp_path / "PDGinfo.xlsx").write_bytes(b"changed")
    assert [line.partition(",")[0] for line in fetch(SHIDA, tmp_path, host.url)] == ["PDGinfo.xlsx: fetched"]
    (tmp_path / "PDGinfo.xlsx").unlink()
    host.files[TABLE] = b"another version"
    with pytest.raises(UnreadableFile, match=r"got another file; .* remove .*fetched.json to accept a new version"):
        fetch(SHIDA, tmp_path, host.url)


def test_a_file_put_there_by_hand_is_taken(host: Host, tmp_path: Path) -> None:
    (tmp_path / "C3Dfiles.zip").write_bytes(host.files[ARCHIVE])
    assert fetch(SHIDA, tmp_path, host.url)[1].startswith("C3Dfiles.zip: was there, SHA-256")
    assert [number for number, _ in host.asked] == [TABLE]


def test_the_archive_may_be_removed_and_lost_files_come_back(host: Host, tmp_path: Path) -> None:
    fetch(SHIDA, tmp_path, host.url)
    (tmp_path / "C3Dfiles.zip").unlink()
    assert fetch(SHIDA, tmp_path, host.url) == []
    (tmp_path / "C3Dfiles" / "SUB01_on" / "a.txt").unlink()
    assert len(fetch(SHIDA, tmp_path, host.url)) == 2
    assert (tmp_path / "C3Dfiles" / "SUB01_on" / "a.txt").read_bytes() == b"a"


@pytest.mark.parametrize("name", ["../out.c3d", "/abs.c3d", "C3Dfiles/../../out.c3d", "C:\\out.c3d", "a\\..\\b.c3d"])
def test_archives_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    info = zipfile.ZipInfo("place")
    info.filename = name
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("good.c3d", b"1")
        packed.writestr(info, b"2")
    with pytest.raises(UnreadableFile, match="expected files within one folder"):
        unpack.unpack(path, tmp_path / "into" / "folder")
    assert [file.name for file in tmp_path.rglob("*.c3d")] == []


def test_links_and_twins_in_archives_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as packed:
        packed.writestr(link, "/etc")
    with pytest.raises(UnreadableFile, match="got a link or device 'link'"):
        unpack.unpack(tmp_path / "link.zip", tmp_path / "a")
    (tmp_path / "twins.zip").write_bytes(archive({"a.c3d": b"1", "A.c3d": b"2"}))
    with pytest.raises(UnreadableFile, match="names of their own"):
        unpack.unpack(tmp_path / "twins.zip", tmp_path / "b")


def test_an_archive_too_big_for_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big.zip").write_bytes(archive({"a.c3d": bytes(5_000_000)}))
    usage: Callable = lambda path: type("Usage", (), {"free": 1_000_000})  # noqa: E731
    monkeypatch.setattr(unpack.shutil, "disk_usage", usage)
    with pytest.raises(UnreadableFile, match=r"expected 0.0 GB of free space to unpack it in .*, got 0.0 GB; make room"):
        unpack.unpack(tmp_path / "big.zip", tmp_path / "big")
    assert not list((tmp_path / "big").iterdir())


def test_damaged_archives_leave_no_half_file(host: Host, tmp_path: Path) -> None:
    damaged = bytearray(host.files[ARCHIVE])
    damaged[90:95] = b"\xff\xff\xff\xff\xff"
    for content in (bytes(damaged), damaged[:-30], b"no archive"):
        (tmp_path / "C3Dfiles.zip").write_bytes(content)
        with pytest.raises(UnreadableFile, match="expected a zip archive, but reading it failed"):
            unpack.unpack(tmp_path / "C3Dfiles.zip", tmp_path / "C3Dfiles")
        assert not list((tmp_path / "C3Dfiles").rglob("*.c3d")) and not list(tmp_path.rglob("*.part"))


def test_addresses_that_are_none(tmp_path: Path) -> None:
    for url in ("ftp://host/files", "files", "https://"):
        with pytest.raises(UsageError, match="expected an address such as https://ndownloader.figshare.com/files"):
            fetch(SHIDA, tmp_path, url)


def test_the_command_names_the_host_and_asks(host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from agir_plugin.cli.app import run

    assert run(["fetch", "shida", "--out", str(tmp_path), "--url", host.url]) == 2
    shown = capsys.readouterr().err
    assert "Download about 2.5 GB from 127.0.0.1 into" in shown and "Add --yes" in shown and "CC BY 4.0" in shown and not host.asked
    assert run(["fetch", "shida", "--out", str(tmp_path), "--url", host.url, "--yes"]) == 0
    shown = capsys.readouterr()
    assert "C3Dfiles.zip: 2 files unpacked" in shown.out and "please cite: Shida et al. (2023)" in shown.err
    assert run(["fetch", "shida", "--out", str(tmp_path), "--url", host.url, "--yes"]) == 0
    assert "whole already, nothing was downloaded" in capsys.readouterr().err
    assert run(["fetch", "shda", "--out", str(tmp_path)]) == 2
    assert "did you mean 'shida'?" in capsys.readouterr().err


def test_a_web_page_instead_of_the_file(host: Host, tmp_path: Path) -> None:
    host.files[TABLE] = b"\n<!DOCTYPE html><title>Sign in</title>"
    with pytest.raises(UnreadableFile, match="expected PDGinfo.xlsx, got a web page, perhaps a login; nothing was kept"):
        fetch(SHIDA, tmp_path, host.url)
    assert not (tmp_path / "PDGinfo.xlsx").exists() and not (tmp_path / "fetched.json").exists()


def test_a_damaged_archive_that_is_removed_is_fetched_again(host: Host, tmp_path: Path) -> None:
    whole, host.files[ARCHIVE] = host.files[ARCHIVE], host.files[ARCHIVE][:-30]
    with pytest.raises(UnreadableFile, match="expected a zip archive, .*; remove it and fetch it again"):
        fetch(SHIDA, tmp_path, host.url)
    host.files[ARCHIVE] = whole
    (tmp_path / "C3Dfiles.zip").unlink()
    assert fetch(SHIDA, tmp_path, host.url)[-1].startswith("C3Dfiles.zip: 2 files unpacked")


def test_a_file_within_a_file_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(archive({"x": b"1", "X/y": b"2"}))
    with pytest.raises(UnreadableFile, match="expected an archive of files with names of their own"):
        unpack.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("headers", "length"), [({}, 0), ({"Content-Length": "12"}, 12), ({"Content-Length": "many"}, 0)])
def test_lengths_that_a_host_tells(headers: dict[str, str], length: int) -> None:
    assert download._length(headers) == length
