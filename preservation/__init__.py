"""Preservation (OAIS preservation planning and the actions on content): identify, audit, repair, migrate, dispose."""
