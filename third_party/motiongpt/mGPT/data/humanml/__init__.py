"""Readers, datasets and formulas for folders of the HumanML3D layout."""
