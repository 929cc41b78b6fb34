"""``python -m repository``: the command line."""

from repository.cli import main

main()
