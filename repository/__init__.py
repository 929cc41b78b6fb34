"""The repository: catalogue, rules, events, accounts, jobs, search and the shell of web, API and command line."""

__version__ = "0.1.0"
