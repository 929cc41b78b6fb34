"""The secrets of the installation: given in the settings, or made once and kept in the home, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def kept_key(folder: Path, name: str, given: str) -> str:
    """A secret.

    Args:
        folder: the home.
        name: of the file it is kept in.
        given: the one from the settings, which goes before; empty: make one.
    """
    if given:
        return given
    path = folder / name
    if not path.exists():
        made = folder / f".{name}.{secrets.token_hex(4)}"
        made.touch(mode=0o600, exist_ok=False)
        made.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            # a link fails where another process was first, and never shows half a file
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text(encoding="ascii")
