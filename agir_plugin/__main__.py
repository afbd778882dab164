"""`python -m agir_plugin` is the `agir` command."""
from agir_plugin.cli.app import main

main()
