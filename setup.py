"""Only what setup.cfg cannot say: the wheel carries `configs/` (their one source) as `agir_plugin/configs`."""
from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["agir_plugin", "agir_plugin.*"]), "agir_plugin.configs"],
    package_dir={"agir_plugin.configs": "configs"},
)
