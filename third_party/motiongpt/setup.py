"""Only what setup.cfg cannot say: the wheel carries `configs/` (their one source) as `mGPT/configs`."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["mGPT", "mGPT.*"]), "mGPT.configs"],
    package_dir={"mGPT.configs": "configs"},
)
