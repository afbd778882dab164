"""Steps and the frame rate that they were timed with in; whether that rate can be true out."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agir_plugin.consts import JOINT
from agir_plugin.gait.course import Walk
from agir_plugin.gait.geometry import horizontal, leg_length
from agir_plugin.gait.spatiotemporal import Step, Stride
from agir_plugin.records import Motion

#: Files whose rate may be wrong: a Frame Time that a converter filled in, a rate that was assumed or given by hand. C3D and
#: TRC files carry the capture's own.
UNSURE = ("bvh", "amc", "joints", "features", "csv", "smpl")
#: Walk ratio (step length / cadence), m/(steps/min), that nobody shows: it is about 0.0065 at all usual speeds (Sekiya & Nagasaki
#: 1998, Gait Posture 7:225; 0.0064, SD 0.0007 in Rota et al. 2011, Int J Rehabil Res 34:265), rises to about 0.010 in very slow
#: walking (Murakami & Otaka 2017, J Phys Ther Sci 29:722), and falls in shuffling. A rate wrong by a factor changes it by that
#: factor.
LONGEST_WALK_RATIO = 0.0115
SHORTEST_WALK_RATIO = 0.0025
#: A shuffling walk is as short; it is the rate's fault where the steps are also this quick, steps/min.
QUICK_SPM = 150.0
#: Cadences that nobody walks at, steps/min, with legs of `LEG_M`; shorter legs swing faster, by the root of their length
#: (Hof 1996, Gait Posture 4:222): a child of one year takes 176 (Sutherland et al. 1980, JBJS 62:336).
SLOWEST_SPM, FASTEST_SPM = 30.0, 200.0
LEG_M = 0.9
#: Nobody walks at this speed, m/s.
FASTEST_MPS = 3.0


def impossible_cadence(walk: Walk, steps: Sequence[Step], fps: float) -> str:
    """Why a walk's steps cannot have been timed rightly; empty when they can. The median step counts, not a pause.

    Steps are also counted by how often one foot passes the other, because heel strikes that follow one another faster
    than anybody walks are not looked for.
    """
    times = [step.time_s for step in steps]
    if not times:
        return ""
    passing = _passing_times_s(walk)
    seconds = min(float(np.median(times)), float(np.median(passing)) if len(passing) else np.inf)
    fastest = FASTEST_SPM * max(1.0, (LEG_M / leg_length(walk.points)) ** 0.5)
    if SLOWEST_SPM <= 60.0 / seconds <= fastest:
        return ""
    return (
        f"nobody takes {60.0 / seconds:.0f} steps per minute of {abs(walk.speed_mps) * seconds:.2f} m: the frame rate of "
        f"{fps:g} is probably wrong; give the true one with --fps"
    )


def in_doubt(motion: Motion, strides: Sequence[Stride]) -> bool:
    """Whether the strides of a file without a reliable rate are too long or too short for their cadence."""
    if not strides or not _unsure(motion):
        return False
    cadence = 120.0 / float(np.mean([stride.time_s for stride in strides]))
    ratio = float(np.mean([stride.length_m for stride in strides])) / 2 / cadence
    return ratio > LONGEST_WALK_RATIO or (ratio < SHORTEST_WALK_RATIO and cadence > QUICK_SPM)


def advice(motion: Motion) -> str:
    """What to do about a rate that is no good, for a file whose rate may be wrong; else empty."""
    return "; if that is not its rate, give the true one with --fps" if _unsure(motion) else ""


def hint(motion: Motion) -> str:
    """What to add to a reason when the pelvis of a file without a reliable rate is faster than anyone walks; else empty."""
    pelvis = horizontal(motion.joints_m[:, JOINT["pelvis"]])
    if not _unsure(motion) or motion.seconds <= 0 or not np.isfinite(pelvis).all():
        return ""
    speed = float(np.linalg.norm(np.ptp(pelvis, axis=0))) / motion.seconds
    if speed <= FASTEST_MPS:
        return ""
    return f" and the pelvis moves at {speed:.1f} m/s: if {motion.fps:g} frames per second is wrong, give --fps"


def _passing_times_s(walk: Walk) -> np.ndarray:
    """Times between the moments at which one heel passes the other along the way."""
    apart = (walk.points.heel_m[:, 0] - walk.points.heel_m[:, 1]) @ walk.forward
    return np.diff(np.flatnonzero(np.diff(np.sign(apart)))) / walk.points.fps


def _unsure(motion: Motion) -> bool:
    return motion.source.partition(" ")[0] in UNSURE
