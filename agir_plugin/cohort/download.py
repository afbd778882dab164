"""An address in, a whole file out; a download that was cut goes on where it stopped."""
from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agir_plugin.errors import UnreadableFile

#: Called with the bytes that are there and the bytes of the whole file (0 when the host does not say).
Progress = Callable[[int, int], None]
#: Seconds to wait for a connection, and for the next bytes.
TIMEOUT_S = (15.0, 60.0)
#: Bytes written at a time; a cut connection loses at most so many.
CHUNK = 1 << 16
#: Attempts one after the other that bring no new byte, before the download is given up.
MOST_FRUITLESS = 3
#: What the statuses of HTTP mean for the user.
STATUSES = {
    202: "the host wants to see a browser", 401: "the host wants a login", 403: "the host refuses",
    404: "there is no such file", 410: "the file was withdrawn", 429: "the host asks for a pause",
}


class ResumingDownloader:
    """A downloader for `pooch` that keeps what it has in `part`, and asks only for the rest the next time.

    The host's mark of the file's version (ETag or date) is kept beside it, so that two versions are never mixed.
    """

    def __init__(self, part: Path, progress: Progress | None = None, pause_s: float = 2.0) -> None:
        """Collect in `part`; wait `pause_s` before a cut connection is made anew."""
        self.part, self.progress, self.pause_s = part, progress, pause_s
        self.mark = part.with_name(f"{part.name}.json")

    def __call__(self, url: str, output_file: Any, pooch: Any = None, check_only: bool = False) -> None:
        """Download `url` into `output_file`; UnreadableFile when the host cannot be reached, refuses, or keeps cutting the line."""
        from requests import RequestException

        fruitless = 0
        while True:
            before = self._have()
            try:
                self._receive(url)
                break
            except RequestException as error:
                fruitless = 0 if self._have() > before else fruitless + 1
                if fruitless >= MOST_FRUITLESS or not _transient(error):
                    raise UnreadableFile(self._trouble(url, error)) from None
                time.sleep(self.pause_s)
        shutil.move(self.part, os.fspath(output_file))
        self.mark.unlink(missing_ok=True)

    def _receive(self, url: str) -> None:
        """One connection, until the file is whole; requests' exceptions when the line is cut."""
        import requests

        have, mark = self._have(), self._known_mark(url)
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-", "If-Range": mark} if have and mark else {})}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == 416:  # beyond the end: the part is no part of this file
                self._forget()
                raise requests.ConnectionError("the file has changed")
            if answer.status_code not in (200, 206):
                raise UnreadableFile(_refused(url, answer.status_code))
            if url.startswith("https:") and not answer.url.startswith("https:"):
                raise UnreadableFile(f"{url}: expected a safe connection, but the host led to {answer.url[:100]}; name a mirror")
            start = _start(answer.headers, answer.status_code, have)
            total = start + _length(answer.headers)
            _check_space(self.part, total - start)
            self._remember(url, answer.headers)
            self._write(answer, start, total)
        if total > start and self._have() < total:
            raise requests.ConnectionError("the connection was cut")

    def _write(self, answer: Any, start: int, total: int) -> None:
        with self.part.open("ab" if start else "wb") as file:
            done = start
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                file.flush()
                done += len(chunk)
                if self.progress is not None:
                    self.progress(done, total)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _known_mark(self, url: str) -> str:
        try:
            known = json.loads(self.mark.read_text(encoding="utf8"))
            return known["mark"] if known["url"] == url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""  # a part without its mark is begun anew

    def _remember(self, url: str, headers: Any) -> None:
        etag = headers.get("ETag", "")
        mark = headers.get("Last-Modified", "") if etag.startswith("W/") or not etag else etag  # RFC 9110: only strong ones
        self.mark.write_text(json.dumps({"url": url, "mark": mark}), encoding="utf8")

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)

    def _trouble(self, url: str, error: Exception) -> str:
        kept = f"; {self._have() / 1e6:.1f} MB are kept, run the same command again to go on" if self._have() else ""
        why = re.sub(r"\s+", " ", str(error))[:150] or type(error).__name__
        return f"{url}: the download broke off ({why}); check the network to {urlsplit(url).hostname}{kept}"


def _transient(error: Exception) -> bool:
    import requests

    return isinstance(error, (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError))


def _start(headers: Any, status: int, have: int) -> int:
    """Where the bytes of an answer belong: at the end of what is there, or at the beginning of a file that is begun anew."""
    import requests

    if status == 200:
        return 0
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    if found is None or int(found[1]) != have:
        raise requests.RequestException("the host sent another part than was asked for")
    return have


def _length(headers: Any) -> int:
    """Bytes of the answer, 0 when the host does not say."""
    told = headers.get("Content-Length", "")
    return int(told) if re.fullmatch(r"\d{1,15}", told) else 0


def _refused(url: str, status: int) -> str:
    why = STATUSES.get(status, "the host is in trouble, try again later" if status >= 500 else "the host refuses")
    return f"{url}: expected the file, got HTTP status {status}: {why}; download it with a browser, or name a mirror with --url"


def _check_space(part: Path, needed: int) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise UnreadableFile(
            f"{part.parent}: expected {needed / 1e9:.1f} GB of free space for the download, got {free / 1e9:.1f} GB; make room or "
            "choose another folder"
        )
