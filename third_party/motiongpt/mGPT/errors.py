"""The errors of the host: each message says what was expected, what came, and what to do."""

from __future__ import annotations


class HostError(Exception):
    """Something could not be done. The command line prints the message alone and exits with `exit_code`."""

    exit_code = 1


class ConfigError(HostError, ValueError):
    """A configuration file, key, value or command-line word is not understood (exit code 2)."""

    exit_code = 2


class DataError(HostError, ValueError):
    """A data folder or file is missing, empty, or not what its name says."""


class CheckpointError(HostError, RuntimeError):
    """Weights are missing, unreadable, or do not fit the model."""
