"""The gait parameters this package measures: each name with its unit, in the order in which they are reported."""
from __future__ import annotations

STEPS_PER_MINUTE = "steps/min"

#: Parameter name -> unit. A `_left` or `_right` at the end of a name is that side alone.
UNITS = {
    "cadence_spm": STEPS_PER_MINUTE,
    "speed_mps": "m/s",
    "speed_cv_pct": "%",
    "step_length_m": "m",
    "step_length_m_left": "m",
    "step_length_m_right": "m",
    "step_length_cv_pct": "%",
    "step_length_asymmetry_pct": "%",
    "stride_length_m": "m",
    "step_time_s": "s",
    "step_time_s_left": "s",
    "step_time_s_right": "s",
    "step_time_cv_pct": "%",
    "step_time_asymmetry_pct": "%",
    "stride_time_s": "s",
    "stride_time_cv_pct": "%",
    "step_width_m": "m",
    "step_width_cv_pct": "%",
    "stance_pct": "%",
    "swing_pct": "%",
    "double_support_pct": "%",
    "walk_ratio": "m/(steps/min)",
    "foot_lift_m": "m",
    "foot_lift_m_left": "m",
    "foot_lift_m_right": "m",
    "arm_swing_deg": "deg",
    "arm_swing_deg_left": "deg",
    "arm_swing_deg_right": "deg",
    "arm_swing_asymmetry_pct": "%",
    "margin_of_stability_ml_m": "m",
    "trunk_flexion_deg": "deg",
}
