"""Previews: what a reader sees of a file without the file itself leaving the archive."""
