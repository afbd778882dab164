"""Helpers of the host: safe arithmetic, config search, checkpoints, run folders."""
