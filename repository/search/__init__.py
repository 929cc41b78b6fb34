"""Search: one protocol, two engines, one small query language, and the use case that finds records."""
