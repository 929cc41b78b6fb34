"""Ingest (OAIS): submission packages come in, are recognised, checked and made into archival packages."""
