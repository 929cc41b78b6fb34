"""Access (OAIS): search, view and deliver what a reader may see, as dissemination packages."""
