"""A rationale in, the lines of HumanML3D's `texts/W.txt` out."""
from __future__ import annotations

import re

from agir_plugin.records import Rationale

#: Tag of every word. HumanML3D tags parts of speech for its own text encoder; AGIR trains a T5, which reads the
#: caption, so one tag that HumanML3D's readers accept for any word is enough.
TAG = "OTHER"
#: The line speaks of the whole motion: HumanML3D's start and end times are both 0.0.
WHOLE = "0.0#0.0"


def humanml3d_line(rationale: Rationale) -> str:
    """`caption#word/OTHER word/OTHER ...#0.0#0.0` of the Foot and Arm text, without a line break.

    `#` separates fields and `/` separates word and tag in this format, so both become blanks. The Overall text
    judges the walk and is left to the reasoning stage.
    """
    caption = " ".join(re.sub(r"[#/]", " ", f"Foot: {rationale.foot} Arm: {rationale.arm}").split())
    words = re.findall(r"\w+(?:[-'’]\w+)*", caption.lower())
    return f"{caption}#{' '.join(f'{word}/{TAG}' for word in words)}#{WHOLE}"
