"""Packages as they arrive: folders and zip and tar files, read as streams of entries and landed safely in a folder of ours.

Nothing here trusts a name, a size or a count that a package states: `paths` keeps every entry inside the folder,
`limits` counts the bytes that really come out, `landing` writes them once and digests them in the same pass.
"""

from storage.archives.entries import ArchiveKind, Entry, PackageSource
from storage.archives.landing import Landed, Landing
from storage.archives.limits import Limits
from storage.archives.opening import open_source, recognise

__all__ = ["ArchiveKind", "Entry", "Landed", "Landing", "Limits", "PackageSource", "open_source", "recognise"]
