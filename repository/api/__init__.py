"""The HTTP API, version 1: its frame, which every slice adds operations to."""
