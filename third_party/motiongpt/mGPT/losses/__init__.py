"""Losses: named parts with weights, summed for training and averaged for the log."""
