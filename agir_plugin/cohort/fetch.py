"""The name of a public data set in, its files in a folder out: fetched once, compared with their checksums ever after."""
from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agir_plugin.cohort.download import ResumingDownloader
from agir_plugin.cohort.files import write_json
from agir_plugin.cohort.unpack import unpack, whole
from agir_plugin.errors import UnreadableFile, UsageError

#: What was fetched: addresses, checksums, sizes, unpacked files, licence.
RECORD = "fetched.json"
#: A title -> a context that yields `update(done, total)`, in megabytes.
Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set: its name, its number at the host, its SHA-256 where that is known, and whether it is unpacked."""

    name: str
    number: int
    sha256: str = ""
    unpacked: bool = False


@dataclass(frozen=True)
class Dataset:
    """A public data set: where its files lie (`url`/number), how big they are, and under which terms."""

    name: str
    title: str
    url: str
    about_gb: float
    files: tuple[RemoteFile, ...]
    licence: str
    citation: str


#: Data sets that can be fetched. Numbers as in figshare's article 14896881; the host publishes no SHA-256.
DATASETS = {
    "shida": Dataset(
        name="shida",
        title="walks of 26 people with Parkinson's disease (figshare article 14896881)",
        url="https://ndownloader.figshare.com/files",
        about_gb=2.5,
        files=(RemoteFile("PDGinfo.xlsx", 37907001), RemoteFile("C3Dfiles.zip", 28739484, unpacked=True)),
        licence="CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
        citation=(
            "Shida et al. (2023). A public data set of walking full-body kinematics and kinetics in individuals with Parkinson's "
            "disease. Frontiers in Neuroscience 17:992585. doi:10.3389/fnins.2023.992585"
        ),
    ),
}


def host_of(dataset: Dataset, url: str | None = None) -> str:
    """The host that `fetch` will ask; UsageError when `url` is no address of the web."""
    parts = urlsplit(url or dataset.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"expected an address such as {dataset.url}, got {url!r}; correct --url")
    return parts.hostname


def fetch(dataset: Dataset, out: Path | str, url: str | None = None, progress: Progress | None = None) -> list[str]:
    """Make the data set whole in `out` and tell what was done ("PDGinfo.xlsx: fetched", ...); nothing when it is whole.

    Files lie at `url`/number. A checksum that is known is compared, any other is written to fetched.json and compared from
    then on; a file that differs is fetched again. Archives are unpacked into a folder of their name and may then be removed.

    A file that was put there by hand is taken as it is. Raises UnreadableFile when the host cannot be reached, does not have a
    file, or sends one with another checksum, when an archive is not safe to unpack, or when the disk is full; what has come so
    far is kept and continued the next time.
    """
    out, done = Path(out), []
    host_of(dataset, url)
    record = _read_record(out / RECORD)
    for file in dataset.files:
        entry = record.setdefault(file.name, {})
        folder = out / Path(file.name).stem
        if file.unpacked and not (out / file.name).exists() and whole(folder, entry.get("unpacked", {})):
            continue
        told = _fetch_file(file, out, f"{(url or dataset.url).rstrip('/')}/{file.number}", entry, progress)
        if told:
            entry.pop("unpacked", None)
            done.append(f"{file.name}: {told}, SHA-256 {entry['sha256']}")
            _write_record(out, dataset, record)
        if file.unpacked and not whole(folder, entry.get("unpacked", {})):
            try:
                with _megabytes(progress, f"unpacking {file.name}") as update:
                    entry["unpacked"] = unpack(out / file.name, folder, update)
            except UnreadableFile:  # a damaged file's checksum must not be asked of the next one
                _write_record(out, dataset, {name: known for name, known in record.items() if name != file.name})
                raise
            done.append(f"{file.name}: {len(entry['unpacked'])} files unpacked into {folder}")
            _write_record(out, dataset, record)
    return done


def _fetch_file(file: RemoteFile, out: Path, url: str, entry: dict[str, Any], progress: Progress | None) -> str:
    """What was done to have the file ("" for nothing); `entry` then tells where it is from, its checksum and its size."""
    pooch = _pooch()
    known = file.sha256 or entry.get("sha256", "")
    path = out / file.name
    here = pooch.file_hash(str(path)) if path.is_file() else ""
    if here and not known:  # put there by hand, from a browser
        entry.update(url="", sha256=here, bytes=path.stat().st_size)
        return "was there"
    if here and here == known == entry.get("sha256"):
        return ""
    with _megabytes(progress, file.name) as update:
        downloader = ResumingDownloader(out / f".{file.name}.part", update)
        try:
            pooch.retrieve(url, known_hash=f"sha256:{known}" if known else None, fname=file.name, path=out, downloader=downloader)
        except ValueError as error:
            raise UnreadableFile(
                f"{url}: expected {file.name} with the SHA-256 {known}, got another file; nothing was kept, try again, and if it "
                f"happens again remove {out / RECORD} to accept a new version ({_first(error)})"
            ) from None
    _refuse_page(path, url)
    path.chmod(0o644)
    entry.update(url=url, sha256=pooch.file_hash(str(path)), bytes=path.stat().st_size)
    return "fetched"


def _refuse_page(path: Path, url: str) -> None:
    """Hosts answer with a page, and status 200, where they want a login or doubt that a person asks."""
    with path.open("rb") as file:
        page = file.read(512).lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))
    if page:
        path.unlink()
        raise UnreadableFile(
            f"{url}: expected {path.name}, got a web page, perhaps a login; nothing was kept; download it with a browser into "
            f"{path.parent}, or name a mirror with --url"
        )


def _first(error: Exception) -> str:
    return str(error).split(".")[0][:100]


def _pooch() -> Any:
    try:
        import pooch
    except ImportError:
        raise UnreadableFile("fetching data sets needs the package pooch; `pip install 'agir-plugin[shida]'`") from None
    pooch.get_logger().setLevel(logging.ERROR)  # what it does is told here
    return pooch


@contextmanager
def _megabytes(progress: Progress | None, title: str) -> Iterator[Callable[[int, int], None] | None]:
    if progress is None:
        yield None
        return
    with progress(f"{title} (MB)") as update:
        yield lambda done, total: update(done // _MEGABYTE, -(-total // _MEGABYTE))


def _read_record(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf8"))["files"]
        return {str(name): dict(entry) for name, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFile(
            f"{path}: expected the record of an earlier fetch, but reading it failed ({error}); remove it to fetch all anew"
        ) from None


def _write_record(out: Path, dataset: Dataset, record: Mapping[str, Any]) -> None:
    files = {name: entry for name, entry in record.items() if entry}
    write_json(out / RECORD, {"data": dataset.name, "licence": dataset.licence, "citation": dataset.citation, "files": files})
