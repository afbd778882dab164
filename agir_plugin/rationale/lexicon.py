"""The words of gait descriptions: text in, a list of tagged `Token`s out (features, cues, degrees, sides, negation).

A *feature* token names what is spoken of ("arm swing"), a *cue* says something of it ("reduced", "asymmetry"); the other
kinds are the small words that tell which cue belongs to which feature. Longer expressions win over shorter ones.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from agir_plugin.rationale.features import Degree

Kind = Literal[
    "feature", "adjective", "noun", "degree", "negation", "side", "link", "have", "with", "preposition", "and", "or",
    "comma", "stop", "than", "article", "void", "filler", "word",
]

#: What a text can name. "gait" and "steps" are general: the cue decides which feature is meant.
FEATURE_WORDS: dict[str, str] = {
    "speed": r"(?:walking|gait|walk|movement|forward)? ?(?:speeds?|velocity|pace)|rate of walking",
    "cadence": r"(?:walking |gait )?cadence|step(?:ping)? (?:rate|frequency)|steps per minute|tempo",
    "step_length": r"(?:average |mean )?step[- ](?:lengths?|sizes?|amplitude)|(?:length|size) of (?:the |each |every )?steps?|lengths?",
    "stride_length": r"stride[- ](?:lengths?|amplitude)|length of (?:the )?strides?|strides?",
    "step_time": r"step[- ](?:times?|timings?|durations?|intervals?)|timings?|times?|time (?:between|of) steps|timing of (?:the )?steps",
    "stride_time": r"stride[- ](?:times?|timings?|durations?)|gait cycle (?:time|duration)",
    "step_width": r"(?:step|stance|stride)[- ]widths?|widths?|base(?: of support)?|(?:walking|support) base",
    "foot_lift": (
        r"(?:vertical )?(?:foot|feet|toe|step|ground|swing)[- ](?:lift(?:ing)?|clearance|height|elevation|raise)"
        r"|(?:minimal )?vertical (?:foot )?height|clearance|heights?|(?:lift(?:ing)?|elevation|raising) of the (?:foot|feet)"
    ),
    "stance": r"stance (?:phase|time|duration)s?|single support",
    "swing_phase": r"swing (?:phase|time|duration)s?",
    "double_support": r"double[- ](?:limb )?support(?: (?:phase|time|duration))?|time on both feet",
    "rhythm": r"(?:walking |gait |stepping |step )?rhythm(?:icity)?|(?:temporal|step) pattern",
    "arm": (
        r"(?:(?:upper[- ])?(?:arm|limb)s?(?:'s?|s')?|upper extremit(?:y|ies)|hands?)"
        r"(?: (?:swing(?:s|ing)?|movements?|motion|amplitude|range))*"
        r"|(?:swing(?:ing)?|movements?|motion|amplitude|use) of (?:the |his |her |their )?(?=(?:left |right |both )*(?:arm|upper))"
        r"|swings?|angular displacements?|range of (?:motion|movement)"
    ),
    "trunk": r"trunk|torso|upper body|(?:body )?posture|back(?!ward)",
    "steps": r"(?:foot)?steps?|stepping(?: patterns?)?|footfalls?|foot (?:placement|movements?)|feet|foot|legs?|step (?:patterns?|parameters|measurements|indices|dimensions)",
    "gait": r"(?:overall )?(?:gait|walk(?:s|ing|ed)?|locomotion|ambulat(?:ion|es?)|movements?|moves?|mobility|performance)(?: (?:patterns?|mechanics|parameters|characteristics))?|patterns?",
    "balance": r"balance|(?:postural |dynamic |gait )?stability|margins? of stability|control",
    "coordination": r"(?:arm[- ](?:leg|foot) |inter-?limb |motor )?coordination|synchron(?:y|isation|ization)|(?:upper-lower|upper and lower) limb coordination",
}

#: Cues as adjectives, participles or adverbs: family -> pattern.
ADJECTIVES: dict[str, str] = {
    "less": (
        r"reduced|decreased|diminished|lessened|lowered|low(?:er)?|less|fewer|limited|restricted|weak(?:er|ened)?|poor(?:er)?"
        r"|insufficient|inadequate|deficient|subdued|suppressed|curtailed|below (?:the )?(?:normal|average|usual|typical|expected)(?: (?:range|values?|limits?|levels?))?"
        r"|declin(?:ed|ing)|decreas(?:es|ing)|(?:is|are) lacking|lacking|hypokinetic|stiff(?:ly)?|rigid(?:ly)?"
    ),
    "absent": r"absent|missing|hardly any|barely (?:any|present|visible|moves?|swings?)|almost no|virtually no|motionless|immobile|minimal to no",
    "minimal": r"minimal(?:ly)?|little|scant|negligible|very few",
    "small": r"small(?:er)?|tiny",
    "more": (
        r"increased|elevated|raised|high(?:er)?|heightened|excessive(?:ly)?|more|great(?:er)?|exaggerated|prominent(?:ly)?|enhanced"
        r"|above (?:the )?(?:normal|average|usual|typical|expected)(?: (?:range|values?|limits?|levels?))?|prolonged"
    ),
    "large": r"large(?:r)?|big(?:ger)?|ample|generous|wide-ranging",
    "normal": (
        r"normal(?:ly)?|(?:within|in) (?:the )?normal (?:limits?|ranges?)|typical(?:ly)?|usual|adequate(?:ly)?|appropriate(?:ly)?|suitable|proper(?:ly)?|good"
        r"|natural(?:ly)?|ordinary|healthy|sufficient(?:ly)?|satisfactory|acceptable|reasonable|preserved|intact|correct|unremarkable|unimpaired|unaffected"
        r"|as expected|expected|well[- ](?:maintained|preserved)|maintained|functional|free(?:ly)?|full(?:y)?|fine|average|comfortable|effective|efficient|ideal|strong"
    ),
    "abnormal": r"abnormal(?:ly)?|impaired|altered|affected|disturbed|compromised|atypical|unusual|deviant|pathological|outside (?:the )?normal (?:limits?|range)",
    "slow": r"slow(?:er|ly|ed|ish)?|sluggish(?:ly)?|unhurried|delayed|leisurely|bradykinetic",
    "fast": r"fast(?:er)?|quick(?:er|ly)?|brisk(?:ly)?|rapid(?:ly)?|hurried|swift(?:ly)?",
    "short": r"short(?:er|ened)?",
    "long": r"long(?:er)?|lengthened",
    "narrow": r"narrow(?:er|ed)?",
    "wide": r"wide(?:r|ned)?|broad(?:er|ened)?",
    "regular": r"regular(?:ly)?|consistent(?:ly)?|uniform(?:ly)?|constant|rhythmic(?:al|ally)?|repeatable|even(?:ly)? (?:timed|spaced|paced)|regularly timed|metronomic",
    "irregular": r"irregular(?:ly)?|inconsistent(?:ly)?|variable|erratic(?:ally)?|fluctuating|arrhythmic|unrhythmic|unpredictable|haphazard|halting|jerky|disrupted|varies|vary|varying|fluctuates?",
    "stable": r"stable|steady|steadily|stabilised|stabilized|smooth(?:ly)?|fluid|confident(?:ly)?",
    "unstable": r"unstable|unsteady|wobbly|shaky",
    "even": r"even|evenly|equal(?:ly)?|matched|balanced|well-balanced|alike|comparable|similar",
    "uneven": r"uneven(?:ly)?|unequal(?:ly)?|unbalanced|imbalanced|mismatched|lopsided|one-sided|unilateral(?:ly)?",
    "symmetric": r"(?:bilaterally )?symmetric(?:al|ally)?",
    "asymmetric": r"a[s]?symmetric(?:al|ally)?|asymetrical",
    "stooped": r"stoop(?:ed|ing)|hunched|bent(?: forwards?)?|flexed(?: forwards?)?|forward[- ](?:lean(?:ing)?|flexed|bent)|lean(?:s|ing|ed)? forwards?|kyphotic|forward (?:flexion|inclination|lean)",
    "upright": r"upright|erect|straight",
    "coordinated": r"(?:well[- ])?coordinat(?:ed|es?|ing)(?: well)?|(?:well[- ])?synchroni[sz]ed|in (?:sync|step|synchrony)|harmonious",
    "uncoordinated": r"un-?coordinated|poorly coordinated|desynchroni[sz]ed",
}

#: Cues as nouns: family -> pattern.
NOUNS: dict[str, str] = {
    "less": r"reductions?|decreases?|diminution|declines?|limitations?|restrictions?|shortfall|deficits?|hypokinesia|drop",
    "absent": r"(?:lack|absence|loss) of|loss",
    "more": r"increases?|elevation|excess",
    "slow": r"slowness|slowing|bradykinesia|slow-down",
    "short": r"shortening",
    "irregular": r"irregularit(?:y|ies)|variabilit(?:y|ies)|variations?|inconsistenc(?:y|ies)|fluctuations?|unevenness|unsteadiness|variances?|arrhythmia",
    "asymmetric": r"asymmetr(?:y|ies)|disparit(?:y|ies)|discrepanc(?:y|ies)|differences?|inequality|imbalances?|mismatch|side-to-side differences?",
    "symmetric": r"symmetry|equality",
    "regular": r"regularity|consistency|uniformity",
    "abnormal": r"abnormalit(?:y|ies)|impairments?|deviations?|problems?|issues?|disturbances?|changes?|alterations?|difficult(?:y|ies)|anomal(?:y|ies)|concerns?",
    "shuffling": r"(?:foot[- ])?(?:shuffl(?:ing|es?)|drag(?:s|ging)?|scuff(?:s|ing)?)(?: (?:of|on|along) (?:the )?(?:feet|foot|floor|ground))?",
    "independent": (
        r"independen(?:t|tly|ce)|unaided|unassisted|without (?:any )?(?:assistance|(?:assistive|walking) (?:devices?|aids?)|aids?|help|support|an assistive device)"
        r"|(?:no|without the) need (?:for|of) (?:an |any )?(?:assistive devices?|assistance|help|aids?|support)|not require (?:any )?assist(?:ance|ive devices?)"
    ),
    "wide_based": r"wide[- ]based|broad[- ]based",
    "narrow_based": r"narrow[- ]based",
    "short_stepped": r"(?:short|small)[- ]stepped|festinat(?:ing|ion)",
}

_NOTICEABLE_UP: tuple[Degree, ...] = ("noticeable", "marked")
#: Words of degree -> the degrees they admit.
DEGREE_WORDS: dict[str, tuple[tuple[Degree, ...], str]] = {
    "slight": (("slight",), r"slight(?:ly)?|mild(?:ly)?|minor|subtl[ey]|somewhat|a (?:little|bit|touch)|marginal(?:ly)?|modest(?:ly)?|faint(?:ly)?"),
    "noticeable": (
        ("noticeable",),
        r"noticeabl[ey]|notabl[ey]|clear(?:ly)?|evident(?:ly)?|obvious(?:ly)?|visibl[ey]|moderate(?:ly)?|apparent(?:ly)?|distinct(?:ly)?|definite(?:ly)?|observable|detectable|recognizable",
    ),
    "marked": (
        ("marked",),
        r"marked(?:ly)?|severe(?:ly)?|strong(?:ly)?|pronounced|extreme(?:ly)?|profound(?:ly)?|drastic(?:ally)?|gross(?:ly)?|dramatic(?:ally)?|greatly|heavily|major",
    ),
    "considerable": (_NOTICEABLE_UP, r"significant(?:ly)?|considerabl[ey]|substantial(?:ly)?|very|much|highly|quite a bit"),
    "near": (
        ("normal", "slight"),
        r"near(?:ly)?-?|almost|mostly|largely|generally|close to|essentially|fairly|reasonably|roughly|broadly|virtually|predominantly|for the most part|relatively|mainly|overall",
    ),
}

_LINKS = (
    r"is|are|was|were|be|been|being|remains?|appears?|seems?|stays?|looks?|becomes?|became|keeps?|feels?|falls?|lies?|runs?|(?:is|are) (?:rather|quite)"
    r"|swing(?:s|ing)? ?(?=(?:\w+ly|less|more|well|in|with|out)\b)|mov(?:es?|ing) (?=(?:\w+ly|less|more|little|well)\b)"
)
_HAVES = (
    r"shows?|showing|exhibit(?:s|ing)?|displays?|displaying|demonstrat(?:es?|ing)|has|have|having|presents?|features?|featuring|reveals?|maintain(?:s|ing)"
    r"|reflect(?:s|ing)|takes?|taking|uses?|indicat(?:es?|ing)|suggest(?:s|ing)|there (?:is|are|was|were)(?! (?:not|no)\b)|retains?|swing(?:s|ing)? with|walks? (?:with|at)"
)
_OTHERS: tuple[tuple[Kind, str, str], ...] = (
    ("void", "unmeasured", (
        r"(?:could|can) ?not be (?:\w+ )?(?:measured|assessed|evaluated|judged|described|determined)(?: \w+)*|(?:is|are|was|were|has|have)? ?not (?:been )?(?:\w+ )?"
        r"(?:measured|described|provided|assessed|available|specified|given|evaluated)|not applicable|unknown|no (?:\w+ ){1,5}(?:are|is) (?:provided|available|given)"
    )),
    ("filler", "", r"(?:range|amount|degree|level|extent|kind|signs?|evidence|indications?|episodes?|terms|sense) of|a (?:slight )?lack of clarity"),
    ("filler", "", r"than (?:is )?(?:normal|usual|typical|expected|average|in (?:healthy|normal)[\w ]*)|compared (?:to|with) (?:the )?(?:norms?|normal|healthy|typical|expected|average)[\w ]*"),
    ("filler", "", r"normal (?:gait|walking|movement) (?:pattern )?(?=in sustaining)|in sustaining a normal gait|(?:upper|lower) limbs(?= coordination)"),
    ("than", "", r"than|compared (?:to|with)|relative to|in comparison (?:to|with)|versus|as opposed to"),
    ("negation", "", r"no|not|without|neither|never|none|free (?:of|from)|nor(?= is| are)|devoid of|isn't|aren't|doesn't|don't|cannot|nothing"),
    ("side", "both", r"both(?= (?:the |of the )?(?:arms?|sides?|feet|legs?|hands?|upper))|bilateral(?:ly)?|on (?:both|either|each) sides?|in both(?= arms)|(?:the )?two (?=sides|arms)|between (?:the )?(?:left and right|sides)|left (?:to|and|versus) right"),
    ("side", "one", r"(?:on |to )?(?:one|a single)(?: (?=arm|side|foot)| side)|one side"),
    ("side", "left", r"(?:(?:on|at|to|towards?) (?:the |his |her |their )?)?left(?:[- ]hand(?:ed)?)?(?: (?:body )?side)?(?:'s)?|leftward"),
    ("side", "right", r"(?:(?:on|at|to|towards?) (?:the |his |her |their )?)?right(?:[- ]hand(?:ed)?)?(?: (?:body )?side)?(?:'s)?|rightward"),
    ("link", "", _LINKS),
    ("have", "", _HAVES),
    ("with", "", r"with|along with|together with|accompanied by|characteri[sz]ed by|including|giving|leading to|resulting in|marked by|due to|because of|owing to|despite|in spite of|as the"),
    ("preposition", "", r"in|of|between|for|across|to|at|on|during|among|throughout|regarding|within|over"),
    ("and", "", r"and|as well as|plus|&"),
    ("or", "", r"or|nor"),
    ("comma", "", r","),
    ("stop", "", r"[.;:!?]|but|while|whereas|although|though|however|yet|even though|whilst|so(?= (?:the|that|arm|its|their))|which|that"),
    ("article", "", r"an?|the|its|his|her|their|this|these|any|each|every"),
    ("word", "", r"[\w'-]+"),
)


@dataclass(frozen=True)
class Token:
    """One tagged expression; `value` is its feature, cue family or side, `degrees` what a degree word admits."""

    kind: Kind
    value: str
    text: str
    start: int
    end: int
    degrees: tuple[Degree, ...] = ()

    @property
    def is_cue(self) -> bool:
        """True for words that say something of a feature."""
        return self.kind in ("adjective", "noun")


def tokens(text: str) -> list[Token]:
    """Tag a text from left to right; at each place the longest expression wins, cues before plain words."""
    lowered = text.lower().replace("\u2019", "'")
    found: list[Token] = []
    place = 0
    while place < len(lowered):
        token = _longest(lowered, place)
        if token is not None:
            found.append(token)
        place = token.end if token is not None else place + 1
    return found


def _longest(text: str, place: int) -> Token | None:
    if not (text[place].isalnum() or text[place] in ",.;:!?&") or (place and text[place].isalnum() and text[place - 1].isalnum()):
        return None
    best: Token | None = None
    for kind, value, degrees, pattern in _patterns():
        match = pattern.match(text, place)
        if match and match.end() > place and (best is None or match.end() > best.end):
            matched = match.group()
            best = Token(kind, value, matched.strip(), place, place + len(matched.rstrip()), degrees)
    return best


@cache
def _patterns() -> list[tuple[Kind, str, tuple[Degree, ...], re.Pattern[str]]]:
    rows: list[tuple[Kind, str, tuple[Degree, ...], str]] = []
    rows += [("feature", name, (), words) for name, words in FEATURE_WORDS.items()]
    rows += [("noun", family, (), words) for family, words in NOUNS.items()]
    rows += [("adjective", family, (), words) for family, words in ADJECTIVES.items()]
    rows += [("degree", name, degrees, words) for name, (degrees, words) in DEGREE_WORDS.items()]
    rows += [(kind, value, (), words) for kind, value, words in _OTHERS]
    return [(kind, value, degrees, re.compile(rf"(?:{words})(?!\w)")) for kind, value, degrees, words in rows]
