"""Metadata formats: METS, PREMIS, E-ARK, Dublin Core and the Chinese schemes. Knows no Flask and no SQLAlchemy."""
