"""Tables of gait scores as people keep them: encodings, delimiters, titles, spellings, cells without a score."""
from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from agir_plugin.cohort.labels import read_labels
from agir_plugin.errors import LabelError


def table(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "scores.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path) -> list[tuple]:
    return [(row.subject, row.state, row.score) for row in read_labels(path).rows]


@pytest.mark.parametrize("content", [
    "\ufeffsubject;state;score\r\nMüller;ON;1,0\r\n".encode(), "subject;state;score\r\nMüller;on;1\r\n".encode("cp1252"),
    "subject\tstate\tscore\r\nMüller\ton\t1\r\n".encode("utf-16"), "sep=;\nsubject;state;score\nMüller;on;1.00\n".encode(),
    "\n\nsubject,state,score\n,,\nMüller,on,1\n\n,,\n".encode(),
    "Scores of 2024;;\n;;\nSubject;State;Score\nMüller;med-on;1\n".encode(),
    'subject,state,score,remark\nMüller,On medication,1,"two\nlines"\n'.encode(),
])  # fmt: skip
def test_as_spreadsheets_save_them(content: bytes, tmp_path: Path) -> None:
    assert rows(table(tmp_path, content)) == [("Müller", "on", 1)]


def test_an_excel_sheet_with_a_title_numbers_as_text_dates_and_gaps(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Our scores"], ["subject", "state", "score", "born"], [7, "Off", "1.0", datetime.date(1950, 1, 1)], [],
                ["SUB03", "on", "#N/A"], ["SUB04", "on", None], ["SUB05", None, 2.0]):
        book.active.append(row)
    book.active.merge_cells("A1:C1")
    book.active.cell(row=1_048_576, column=16_384).value = " "  # a sheet that was formatted to its end
    book.save(tmp_path / "scores.xlsx")
    assert rows(tmp_path / "scores.xlsx") == [("7", "off", 1), ("SUB05", "", 2)]


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "-", "NaN", "?"])
def test_a_row_without_a_score_is_a_session_without_a_score(cell: str, tmp_path: Path) -> None:
    assert rows(table(tmp_path, f"subject,state,score\nSUB01,on,{cell}\nSUB02,on,0\n")) == [("SUB02", "on", 0)]


@pytest.mark.parametrize(("header", "row"), [("subject,state,score,score", "SUB01,on,2,1"), ("subject,Subject,score", "A,B,1")])
def test_a_column_that_stands_there_twice(header: str, row: str, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="expected one column (score|subject), got 2; remove or rename the others"):
        read_labels(table(tmp_path, f"{header}\n{row}\n"))


def test_a_decimal_comma_between_commas(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="line 2: expected 3 cells as in the header, got more; put quotes around"):
        read_labels(table(tmp_path, "subject,state,score\nSUB01,on,1,5\n"))


def test_a_state_that_says_both(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="line 2: expected the state on, off or nothing for SUB01, got 'on-off'; correct it"):
        read_labels(table(tmp_path, "subject,state,score\nSUB01,on-off,1\n"))


@pytest.mark.parametrize(("told", "walk"), [
    ("SUB01", "sub01_on_walk_1"), ("sub1", "SUB01_on_walk_1"), ("1", "01_on_walk_1"), ("1.0", "01_on_walk_1"),
    ("Mu\u0308ller", "Müller_on_walk_1"),
])  # fmt: skip
def test_spellings_of_a_subject(told: str, walk: str, tmp_path: Path) -> None:
    subject, state, label = read_labels(table(tmp_path, f"subject,state,score\n{told},on,2\n")).find(walk)
    assert (subject, state, label.score) == (told, "on", 2)


def test_two_spellings_in_the_table_are_two_people(tmp_path: Path) -> None:
    labels = read_labels(table(tmp_path, "subject,state,score\n1,on,0\n01,on,2\n"))
    assert labels.find("1_on_walk_1")[2].score == 0 and labels.find("01_on_walk_1")[2].score == 2
    assert labels.find("001_on_walk_1") == ("001", "on", None)


def test_a_walk_with_its_ending(tmp_path: Path) -> None:
    labels = read_labels(table(tmp_path, "walk,subject,state,score\nCorridor_3.C3D,P7,off,1\n"))
    assert labels.find("corridor_3")[2].score == 1 and labels.find("corridor_33")[2] is None
