"""Archival storage (OAIS): digests, stores, OCFL, bags and archive files. Knows no Flask and no SQLAlchemy."""
