"""The logbook: who logged in, read, searched, exported and changed what; a chain that only grows."""
