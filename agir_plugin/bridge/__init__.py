"""The one door to MotionGPT: whatever below imports `mGPT` gets the checkout in use, else the installed host."""

from __future__ import annotations

from agir_plugin.bridge.host import import_from_checkout

import_from_checkout()
