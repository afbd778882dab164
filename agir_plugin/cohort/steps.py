"""The parameters of a walk in, its plan out: when and where each foot strikes the floor and leaves it."""
from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from agir_plugin.cohort.body import Body
from agir_plugin.errors import UsageError

#: Lowest and highest value that the walking model accepts, by parameter.
LIMITS = {
    "cadence_spm": (30.0, 180.0),
    "step_length_m": (0.08, 1.0),
    "step_width_m": (0.0, 0.35),
    "foot_lift_m": (0.012, 0.25),
    "arm_swing_left_deg": (0.0, 90.0),
    "arm_swing_right_deg": (0.0, 90.0),
    "step_time_asymmetry_pct": (-60.0, 60.0),
    "step_length_asymmetry_pct": (-60.0, 60.0),
    "step_time_cv_pct": (0.0, 25.0),
    "step_length_cv_pct": (0.0, 25.0),
    "trunk_flexion_deg": (-10.0, 60.0),
    "height_m": (1.2, 2.2),
    "leg_length_m": (0.55, 1.15),
}


@dataclass(frozen=True)
class WalkParameters:
    """The clinical causes of a walk; everything that is seen in the motion follows from these numbers.

    `foot_lift_m` is the highest rise of the foot joint (toe base) in swing over its height in stance.
    `arm_swing_*_deg` is the whole range of the sagittal angle of the line from shoulder to wrist. Asymmetries are
    200 (left - right) / (left + right), where a left step ends with the left foot's heel strike. The CVs are those
    of the steps of one side. `leg_length_m` is the hip-to-ankle length. Raises UsageError for a value outside
    `LIMITS`.
    """

    cadence_spm: float
    step_length_m: float
    step_width_m: float = 0.09
    foot_lift_m: float = 0.12
    arm_swing_left_deg: float = 35.0
    arm_swing_right_deg: float = 35.0
    step_time_asymmetry_pct: float = 0.0
    step_length_asymmetry_pct: float = 0.0
    step_time_cv_pct: float = 2.5
    step_length_cv_pct: float = 2.5
    trunk_flexion_deg: float = 4.0
    height_m: float = 1.70
    leg_length_m: float = 0.835

    def __post_init__(self) -> None:
        """Refuse what the model cannot walk, naming the parameter."""
        for item in fields(self):
            low, high = LIMITS[item.name]
            value = getattr(self, item.name)
            if not low <= value <= high:
                raise UsageError(
                    f"walk parameter {item.name}: expected {low} to {high}, got {value}; change that value"
                )
        if self.step_length_m > 1.15 * self.leg_length_m:
            raise UsageError(
                f"walk parameter step_length_m: expected at most 1.15 leg lengths ({1.15 * self.leg_length_m:.2f} "
                f"m), got {self.step_length_m}; shorten the step"
            )

    @property
    def speed_mps(self) -> float:
        """Mean walking speed: step length times steps per second."""
        return self.step_length_m * self.cadence_spm / 60.0

    @property
    def body(self) -> Body:
        """The walker's segment lengths."""
        return Body(self.height_m, self.leg_length_m)

    @property
    def double_support_share(self) -> float:
        """One double support as a share of the stride: 0.11 at 1.25 m/s, more when slower (about 28 % of the stride
        for both together at the usual speed of older adults; the slope is ours).
        """
        return float(np.clip(0.11 + 0.065 * (1.25 - self.speed_mps), 0.09, 0.18))


@dataclass(frozen=True)
class StepPlan:
    """The steps of one walk, one row per heel strike in order of time; seconds and metres, walking along +z.

    `left` says which foot strikes; `forward_m` and `lateral_m` place that foot's ankle when it stands flat; `lift`
    scales the foot lift of the swing that follows the stance. The plan reaches two strides beyond both ends of the
    walk.
    """

    parameters: WalkParameters
    seconds: float
    strike_s: np.ndarray
    toe_off_s: np.ndarray
    left: np.ndarray
    forward_m: np.ndarray
    lateral_m: np.ndarray
    lift: np.ndarray
    wobble: np.ndarray

    def inside(self) -> np.ndarray:
        """Mask of the heel strikes that fall within the walk."""
        return (self.strike_s >= 0) & (self.strike_s <= self.seconds)

    def realised(self) -> dict[str, float]:
        """Cadence, step length and speed of this walk's own steps, which differ from the parameters by chance."""
        inside = self.inside()
        n_steps = max(int(inside.sum()) - 1, 0)
        if n_steps == 0:
            return {
                "realised_cadence_spm": float("nan"),
                "realised_step_length_m": float("nan"),
                "realised_speed_mps": float("nan"),
            }
        took_s = float(np.ptp(self.strike_s[inside]))
        went_m = float(np.ptp(self.forward_m[inside]))
        return {
            "realised_cadence_spm": 60.0 * n_steps / took_s,
            "realised_step_length_m": went_m / n_steps,
            "realised_speed_mps": went_m / took_s,
        }


def plan_steps(parameters: WalkParameters, seconds: float, rng: np.random.Generator) -> StepPlan:
    """Draw the steps of a walk of `seconds`; nothing here knows a frame rate, so every rate samples the same walk.

    Step times and lengths vary uniformly about their side's mean: the spread has exactly the asked CV and no step
    is absurd. Raises UsageError when `seconds` is not positive.
    """
    if not seconds > 0:
        raise UsageError(f"seconds of a walk: expected more than 0, got {seconds}; give the walk a duration")
    step_s = 60.0 / parameters.cadence_spm
    n_steps = int(np.ceil(seconds / (0.6 * step_s))) + 16
    left = (np.arange(n_steps) + rng.integers(2)) % 2 == 0
    sign = np.where(left, 1.0, -1.0)
    chance = rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), size=(4, n_steps))
    times = (
        step_s
        * (1 + sign * parameters.step_time_asymmetry_pct / 200)
        * (1 + chance[0] * parameters.step_time_cv_pct / 100)
    )
    lengths = (
        parameters.step_length_m
        * (1 + sign * parameters.step_length_asymmetry_pct / 200)
        * (1 + chance[1] * parameters.step_length_cv_pct / 100)
    )
    strike_s = np.cumsum(times) - times[:5].sum() - rng.uniform() * step_s
    forward_m = np.cumsum(lengths)
    stride_s = np.append(strike_s[2:] - strike_s[:-2], [2 * step_s, 2 * step_s])
    next_strike_s = np.append(strike_s[1:], strike_s[-1] + step_s)
    return StepPlan(
        parameters=parameters,
        seconds=seconds,
        strike_s=strike_s,
        left=left,
        toe_off_s=next_strike_s + parameters.double_support_share * stride_s,
        forward_m=forward_m - forward_m[np.searchsorted(strike_s, 0.0)],
        lateral_m=sign * 0.5 * parameters.step_width_m + 0.006 * chance[2],
        lift=1 + 0.04 * chance[3],
        wobble=rng.uniform(0, 2 * np.pi, size=(4, 3)),
    )
