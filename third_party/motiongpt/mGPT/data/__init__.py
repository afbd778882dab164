"""Data modules: `BASEDataModule` makes the loaders, `HumanML3D` reads folders of the HumanML3D layout."""

from __future__ import annotations

from mGPT.data.base import BASEDataModule

__all__ = ["BASEDataModule"]
