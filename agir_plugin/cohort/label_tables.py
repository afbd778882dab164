"""A CSV or Excel file in, its cells as text out."""
from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

from agir_plugin.errors import UnreadableFile

#: First bytes of an Excel file of today (a zip archive) and of Excel 97.
XLSX, XLS = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
#: Sheet of the clinical table of Shida et al. (2023); of another file the first one that is not empty is read.
SHEET = "PDGinfo"
#: Most bytes that the parts of an Excel file may unpack to.
MOST_BYTES = 1 << 25
#: Most rows and columns of a sheet that are looked at; formatting alone can make a sheet 17 thousand million cells big.
MOST_ROWS, MOST_COLUMNS = 20_000, 500
#: What may stand between cells, and the line by which Excel tells which it is.
DELIMITERS = (",", ";", "\t")
DELIMITER_LINE = re.compile(r"sep=([,;\t])", re.IGNORECASE)


def read_cells(path: Path) -> list[list[str]]:
    """The rows of a table, stripped text in each cell, "" for an empty one; a whole number has no decimals.

    The content decides: Excel (.xlsx), or text with commas, semicolons or tabs, in UTF-8, UTF-16 or Windows-1252, as Excel saves
    it. UnreadableFile when it is missing, damaged, too big, or Excel 97.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(XLS))
        if head.startswith(XLSX):
            return _excel(path)
        if head != XLS:
            return _text(_decoded(path))
    except FileNotFoundError:
        raise UnreadableFile(
            f"{path}: expected a labels file (CSV or .xlsx with walk or subject,state and score, or PDGinfo.xlsx), but there is "
            "no such file; check the path"
        ) from None
    except UnreadableFile:
        raise
    except (OSError, UnicodeError, csv.Error) as error:
        raise UnreadableFile(
            f"{path}: expected a labels file (CSV or .xlsx), but reading it failed ({error}); check the path"
        ) from None
    raise UnreadableFile(f"{path}: expected a labels file (CSV or .xlsx), got one of Excel 97; save it as .xlsx or CSV")


def _decoded(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableFile(f"{path}: expected a table of gait scores, got a file of over {MOST_BYTES >> 20} MB")
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _text(text: str) -> list[list[str]]:
    lines = [line for line in text.split("\n") if line.strip()]
    told = DELIMITER_LINE.fullmatch(lines[0].strip()) if lines else None
    line = next((line for line in lines if any(map(line.count, DELIMITERS))), "")
    delimiter = told[1] if told else max(DELIMITERS, key=line.count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    return [[] if told and row and DELIMITER_LINE.fullmatch(delimiter.join(row)) else row for row in rows]


def _excel(path: Path) -> list[list[str]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UnreadableFile(
            f"{path}: reading an Excel table needs the package openpyxl; `pip install 'agir-plugin[shida]'`, or save it as CSV"
        ) from None
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > MOST_BYTES:
                raise UnreadableFile(
                    f"{path}: expected a table of gait scores, got an Excel file of over {MOST_BYTES >> 20} MB; save it as CSV"
                )
        book = load_workbook(path, read_only=True, data_only=True)
        pages = [book[SHEET]] if SHEET in book.sheetnames else book.worksheets
        tables = (
            [[_cell(value) for value in row] for row in page.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)]
            for page in pages
        )
        rows = next((table for table in tables if any(map(any, table))), [])
        book.close()
    except UnreadableFile:
        raise
    except Exception as error:  # openpyxl parses XML in many places: a damaged file can raise almost anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableFile(f"{path}: expected an Excel table, but reading it failed ({reason}); save it again as CSV") from None
    return rows


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else f"{value:.15g}"
    return str(value).strip()
