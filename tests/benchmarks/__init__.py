"""Benchmarks: ratios against named peers, measured in the same run. Not tests: nothing here passes or fails."""
