"""Motion codes as words: codes go in, `<motion_id_K><motion_id_7>...<motion_id_K+1>` comes out, and back.

K is the codebook size. Codes are the words 0..K-1, K starts a motion, K+1 ends it, K+2 stands for a masked code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

#: What stands in a text where a motion was.
MOTION_SLOT = "<Motion_Placeholder>"
_WORD = re.compile(r"<motion_id_(\d+)>")


class MotionParse(NamedTuple):
    """Either the codes of a motion, or None and the reason; in `text` the motion is replaced by MOTION_SLOT.

    `ended` is false when the string stopped before the end word (a generation that reached its cap).
    """

    codes: tuple[int, ...] | None
    text: str
    reason: str | None
    ended: bool = True


def vocabulary(codebook_size: int) -> list[str]:
    """The K + 3 words in id order: codes, start, end, mask."""
    return [word(index) for index in range(codebook_size + 3)]


def word(index: int) -> str:
    """The word of one code or mark."""
    return f"<motion_id_{index}>"


def to_string(codes: Iterable[int], codebook_size: int) -> str:
    """Start word, one word per code, end word; no blanks."""
    body = "".join(word(int(code)) for code in codes)
    return f"{word(codebook_size)}{body}{word(codebook_size + 1)}"


def pieces(motion_string: str) -> list[str]:
    """The words of a motion string, marks included; blanks between them are ignored."""
    return _WORD.sub(lambda match: match[0] + "\n", motion_string).split()


def parse(text: str, codebook_size: int) -> MotionParse:
    """The first motion in a text: blanks between its words are ignored, anything else inside is refused."""
    start, end = word(codebook_size), word(codebook_size + 1)
    before, found, rest = text.partition(start)
    if not found:
        return MotionParse(None, text, f"no start word {start} in {_short(text)}")
    inside, ended, after = rest.partition(end)
    left_over = _WORD.sub("", inside).strip()
    described = f"{before}{MOTION_SLOT}{after}" if ended else f"{before}{MOTION_SLOT}"
    if left_over:
        return MotionParse(None, described, f"text inside the motion: {_short(left_over)}", bool(ended))
    codes = tuple(int(number) for number in _WORD.findall(inside))
    wrong = [code for code in codes if code >= codebook_size]
    if wrong:
        return MotionParse(
            None, described, f"word {word(wrong[0])} inside the motion is no code (0..{codebook_size - 1})"
        )
    if not codes:
        return MotionParse(None, described, "the motion holds no codes", bool(ended))
    return MotionParse(codes, described, None, bool(ended))


def _short(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
