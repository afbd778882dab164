"""The errors of agir-plugin: each message says what was expected, what came, and what to do."""
from __future__ import annotations


class AgirError(Exception):
    """Something could not be done. The command line prints the message alone and exits with `exit_code`."""

    exit_code = 1


class UsageError(AgirError, ValueError):
    """A command, key or value was used wrongly (exit code 2)."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration or template file holds a key or value that is not understood."""


class UnreadableFile(AgirError, OSError):
    """A file is missing, empty, truncated, or not what its name says."""


class UnusableRecording(AgirError, ValueError):
    """A recording was read, but a walk cannot be made of it (no usable markers, too short, one joint missing)."""


class LabelError(AgirError, ValueError):
    """A gait score outside 0, 1, 2 was met, or a walk and its label do not fit."""


class CohortError(AgirError, ValueError):
    """A cohort folder is incomplete or contradicts itself."""


class ModelError(AgirError, RuntimeError):
    """A trained model is missing, incomplete, or does not belong to the data it is used on."""


class HostError(AgirError, ImportError):
    """No MotionGPT was found, or the one found cannot do what is asked."""
