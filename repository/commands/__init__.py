"""The repository's own commands, one module each."""
