"""Sharing classes, and the tiers in which a reader gets at a record: pure rules, as data.

Measures Art. 18 to 20: sharing is the rule and not sharing the exception; each record carries 无条件共享, 有条件共享 or
不予共享 (国发〔2016〕51号, Art. 9), and 密级 (GB/T 7156) stands above it. “Unconditionally shared” means shared among departments;
the public reads it where nothing marks it as internal. A hold stops destruction and changes no class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from repository.findings import N_
from repository.states import RecordState


class SharingClass(StrEnum):
    """What a record's sharing class and security classification come to."""

    #: for everybody
    OPEN = "open"
    #: for the government, not for the public
    SHARED = "shared"
    #: under conditions that somebody must look at
    CONDITIONAL = "conditional"
    #: not at all; also where nothing is said
    RESTRICTED = "restricted"
    #: destroyed; a notice is left
    DESTROYED = "destroyed"


class Tier(StrEnum):
    """How far a reader gets; each tier includes those before it."""

    NONE = "none"
    #: that the record exists, its title, agency and year, its class and why no more is shown
    LISTED = "listed"
    #: description, list of files, previews
    READ = "read"
    #: a copy for use
    COPY = "copy"
    #: the files as they are kept
    ORIGINAL = "original"

    def reaches(self, other: Tier) -> bool:
        """Whether this tier includes the other."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER: Final = tuple(Tier)

#: 共享类型 as packages write it, in words or as the codes of the service-affair scheme.
UNCONDITIONAL: Final = frozenset({"无条件共享", "无条件", "1"})
CONDITIONAL: Final = frozenset({"有条件共享", "有条件", "2"})
#: 密级 that closes a record to nobody, and 密级 that closes it to the public.
PUBLIC: Final = frozenset({"", "公开", "公开级", "非密"})
INTERNAL: Final = frozenset({"内部", "内部级", "国内", "国内级"})

#: Words for the classes, and what they mean for a reader.
CLASS_WORDS: Final[Mapping[SharingClass, str]] = MappingProxyType({
    SharingClass.OPEN: N_("open to everybody"),
    SharingClass.SHARED: N_("shared within the government"),
    SharingClass.CONDITIONAL: N_("shared under conditions"),
    SharingClass.RESTRICTED: N_("not shared"),
    SharingClass.DESTROYED: N_("destroyed"),
})  # fmt: skip

#: Why a record that is only listed is not shown, in a line.
LISTED_REASONS: Final[Mapping[SharingClass, str]] = MappingProxyType({
    SharingClass.CONDITIONAL: N_("Shared under conditions: the archive must see whether they apply to you."),
    SharingClass.DESTROYED: N_("Destroyed: only this notice is kept."),
})  # fmt: skip

#: The combinations that make a class, in words of the catalogue's columns; what stands in none of them is restricted.
COMBINATIONS: Final[Mapping[SharingClass, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType({
    SharingClass.OPEN: (UNCONDITIONAL, PUBLIC),
    # what is internal is not even named to the public, whatever its conditions are
    SharingClass.SHARED: (UNCONDITIONAL | CONDITIONAL, INTERNAL),
    SharingClass.CONDITIONAL: (CONDITIONAL, PUBLIC),
})  # fmt: skip


def class_of(*, sharing: str, security: str, state: str) -> SharingClass:
    """The class of a record.

    Args:
        sharing: 共享类型 as given.
        security: 密级 as given; a word that is not known closes the record.
        state: a `RecordState`.
    """
    if state == RecordState.DESTROYED:
        return SharingClass.DESTROYED
    for found, (sharings, securities) in COMBINATIONS.items():
        if sharing in sharings and security in securities:
            return found
    return SharingClass.RESTRICTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How far somebody gets, by class; a class that is not named is hidden.

    Args:
        own: with records of the own agency.
        other: with records of others.
    """

    own: Mapping[SharingClass, Tier]
    other: Mapping[SharingClass, Tier]

    def tier(self, sharing_class: SharingClass, *, own: bool) -> Tier:
        """The tier for a record of a class, of the own agency or another's."""
        return (self.own if own else self.other).get(sharing_class, Tier.NONE)


def _everywhere(tiers: Mapping[SharingClass, Tier]) -> Reach:
    return Reach(own=tiers, other=tiers)


def _stored(tier: Tier) -> Mapping[SharingClass, Tier]:
    """The same tier for whatever is stored, and the notice of what is destroyed."""
    return {**dict.fromkeys(SharingClass, tier), SharingClass.DESTROYED: Tier.LISTED}


#: Those who keep the archive.
STAFF: Final = _everywhere(_stored(Tier.ORIGINAL))
#: Those who decide about records and need to look at them.
DECIDING: Final = _everywhere(_stored(Tier.READ))
#: Those who formed the records: their own, all of them; nobody else's.
FORMING: Final = Reach(own=_stored(Tier.COPY), other={})
#: The public.
PUBLIC_READERS: Final = _everywhere({SharingClass.OPEN: Tier.COPY, SharingClass.CONDITIONAL: Tier.LISTED})
#: Those whom records are none of their business.
NOBODY: Final = _everywhere({})
