"""A small template without a fault, for tests to break."""
from __future__ import annotations

GOOD = {
    "name": "demo",
    "version": 1,
    "summary": "A template for tests.",
    "group": "Demo",
    "task_class": "gait",
    "max_words": 12,
    "directions": [
        {
            "kind": "motion_to_answer",
            "input": [
                "Score this walk with reasons: <Motion_Placeholder>",
                "<Motion_Placeholder> What do you see in this gait?",
            ],
            "output": ["<Rationale_Placeholder>"],
        },
        {
            "kind": "description_to_motion",
            "input": ["Show a walk like this: <Description_Placeholder>"],
            "output": ["<Motion_Placeholder>"],
        },
    ],
}
