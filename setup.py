"""Only what setup.cfg cannot say: the wheel carries `configs/` and `patches/` (their one source) inside the package."""
from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["agir_plugin", "agir_plugin.*"]), "agir_plugin.configs", "agir_plugin.patches"],
    package_dir={"agir_plugin.configs": "configs", "agir_plugin.patches": "patches"},
)
