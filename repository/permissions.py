"""Who may do what: permissions, roles, actors, and one pure function that decides.

Roles and their permissions are data. How far a role gets with a record is its reach (`repository.recordkeeping.sharing`),
by the record's class and agency; what it may be applied to beside records (everything, what belongs to the own unit) is
its scope. The same reaches and scopes as conditions inside queries are in `repository.visibility`.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, Protocol, runtime_checkable

from repository.errors import UsageError
from repository.findings import N_
from repository.recordkeeping.sharing import DECIDING, FORMING, NOBODY, PUBLIC_READERS, STAFF, Reach, Tier, class_of
from repository.states import RecordState


class Permission(StrEnum):
    """One thing somebody may be allowed to do."""

    RECORD_READ = "record.read"
    RECORD_EXPORT = "record.export"
    SUBMISSION_CREATE = "submission.create"
    SUBMISSION_READ = "submission.read"
    PACKAGE_CHECK = "package.check"
    AGREEMENT_READ = "agreement.read"
    AUDIT_RUN = "audit.run"
    AUDIT_READ = "audit.read"
    FORMAT_READ = "format.read"
    FORMAT_MANAGE = "format.manage"
    STORE_READ = "store.read"
    JOB_READ = "job.read"
    JOB_MANAGE = "job.manage"
    EVENT_READ = "event.read"
    DIP_CREATE = "dip.create"
    CATALOGUE_REBUILD = "catalogue.rebuild"
    USER_READ = "user.read"
    USER_MANAGE = "user.manage"
    ADMINISTRATOR_RESET = "administrator.reset"
    ROLE_GRANT = "role.grant"
    AGENCY_READ = "agency.read"
    AGENCY_MANAGE = "agency.manage"
    TOKEN_REVOKE = "token.revoke"
    LOG_READ = "log.read"
    SCHEDULE_MANAGE = "schedule.manage"
    WEBHOOK_MANAGE = "webhook.manage"
    HOLD_MANAGE = "hold.manage"


class Role(StrEnum):
    """What somebody is in the archive."""

    ARCHIVIST = "archivist"
    AGENCY_OFFICER = "agency-officer"
    PRESERVATION_OFFICER = "preservation-officer"
    APPROVER = "approver"
    RESEARCHER = "researcher"
    SYSTEM_ADMINISTRATOR = "system-administrator"
    SECURITY_ADMINISTRATOR = "security-administrator"
    AUDIT_ADMINISTRATOR = "audit-administrator"


class Scope(StrEnum):
    """To which things beside records a role's permissions apply."""

    EVERYTHING = "everything"
    OWN_UNIT = "own-unit"
    NOTHING = "nothing"


_P = Permission

#: What each role may do.
ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType({
    Role.ARCHIVIST: frozenset({
        _P.RECORD_READ, _P.RECORD_EXPORT, _P.SUBMISSION_CREATE, _P.SUBMISSION_READ, _P.PACKAGE_CHECK, _P.AGREEMENT_READ,
        _P.AUDIT_READ, _P.FORMAT_READ, _P.STORE_READ, _P.JOB_READ, _P.JOB_MANAGE, _P.EVENT_READ, _P.DIP_CREATE,
        _P.AGENCY_READ, _P.HOLD_MANAGE,
    }),
    Role.AGENCY_OFFICER: frozenset({
        _P.RECORD_READ, _P.SUBMISSION_CREATE, _P.SUBMISSION_READ, _P.PACKAGE_CHECK, _P.AGREEMENT_READ, _P.DIP_CREATE,
    }),
    Role.PRESERVATION_OFFICER: frozenset({
        _P.RECORD_READ, _P.RECORD_EXPORT, _P.SUBMISSION_READ, _P.PACKAGE_CHECK, _P.AGREEMENT_READ, _P.AUDIT_RUN, _P.AUDIT_READ,
        _P.FORMAT_READ, _P.FORMAT_MANAGE, _P.STORE_READ, _P.JOB_READ, _P.JOB_MANAGE, _P.EVENT_READ, _P.DIP_CREATE, _P.CATALOGUE_REBUILD,
    }),
    Role.APPROVER: frozenset({_P.RECORD_READ, _P.SUBMISSION_READ, _P.AGREEMENT_READ, _P.AUDIT_READ, _P.FORMAT_READ, _P.EVENT_READ}),
    Role.RESEARCHER: frozenset({_P.RECORD_READ, _P.DIP_CREATE}),
    Role.SYSTEM_ADMINISTRATOR: frozenset({
        _P.STORE_READ, _P.AUDIT_READ, _P.FORMAT_READ, _P.JOB_READ, _P.JOB_MANAGE, _P.USER_READ, _P.USER_MANAGE, _P.CATALOGUE_REBUILD,
        _P.ADMINISTRATOR_RESET,
        _P.AGENCY_READ, _P.AGENCY_MANAGE, _P.SCHEDULE_MANAGE, _P.WEBHOOK_MANAGE,
    }),
    Role.SECURITY_ADMINISTRATOR: frozenset({_P.USER_READ, _P.ROLE_GRANT, _P.ADMINISTRATOR_RESET, _P.AGENCY_READ, _P.TOKEN_REVOKE}),
    Role.AUDIT_ADMINISTRATOR: frozenset({_P.USER_READ, _P.ADMINISTRATOR_RESET, _P.EVENT_READ, _P.AUDIT_READ, _P.JOB_READ, _P.LOG_READ}),
})  # fmt: skip

#: How far each role gets with records; the administrators, who are not named, do not get to see any.
ROLE_REACHES: Final[Mapping[Role, Reach]] = MappingProxyType({
    Role.ARCHIVIST: STAFF,
    Role.PRESERVATION_OFFICER: STAFF,
    Role.APPROVER: DECIDING,
    Role.AGENCY_OFFICER: FORMING,
    Role.RESEARCHER: PUBLIC_READERS,
})  # fmt: skip

#: What each role's permissions apply to beside records; a role that is not named here applies to everything.
ROLE_SCOPES: Final[Mapping[Role, Scope]] = MappingProxyType({Role.AGENCY_OFFICER: Scope.OWN_UNIT, Role.RESEARCHER: Scope.NOTHING})

#: The tier of a record that a permission needs; for one that is not named, `Tier.READ`.
NEEDED_TIERS: Final[Mapping[Permission, Tier]] = MappingProxyType({
    Permission.DIP_CREATE: Tier.COPY, Permission.RECORD_EXPORT: Tier.ORIGINAL,
})  # fmt: skip

#: The three administrators (三员): nobody holds two of them (GB/T 22239-2019, separation of duties).
ADMINISTRATORS: Final = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR})

#: What nobody may do without a role for it, the system and the command line included. The logbook tells of the administrators
#: too, and only the audit administrator reads it (三员分立); who holds the home can prove the chain (``jingui log verify``), and
#: would have to go past the program to read it.
NOT_WITHOUT_ROLE: Final = frozenset({Permission.LOG_READ})


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does something.

    Args:
        id: id of the account, or a word for what has none (``local:alice``, ``system:worker``).
        name: unique name as it stands in events (account name, name of the operating-system user, name of the program).
        roles: what the actor is in the archive.
        unit: the agency an agency officer belongs to, by the name it bears now (立档单位名称).
        units: every name under which records of that agency are known: the present one and the former ones.
        scopes: what a program that acts for the actor may do at most (an API token's permissions); None: no such limit.
        kind: a person with an account; somebody on the command line, who holds the home folder and therefore may do
            everything; or the system itself.
    """

    id: str
    name: str
    roles: frozenset[Role] = frozenset()
    unit: str = ""
    units: frozenset[str] = frozenset()
    scopes: frozenset[Permission] | None = None
    kind: Literal["person", "system", "local"] = "person"

    def __post_init__(self) -> None:
        """The present name is one of the names."""
        if self.unit and self.unit not in self.units:
            object.__setattr__(self, "units", self.units | {self.unit})

    @staticmethod
    def local() -> Actor:
        """The operating-system user at the command line."""
        name = getpass.getuser()
        return Actor(id=f"local:{name}", name=name, kind="local")

    @staticmethod
    def system(name: str) -> Actor:
        """A part of the system that acts on its own: ``worker``, ``timetable``."""
        return Actor(id=f"system:{name}", name=name, kind="system")

    @property
    def unrestricted(self) -> bool:
        """Whether no role limits the actor: the system, and who holds the home folder."""
        return self.kind != "person"


@runtime_checkable
class OfUnit(Protocol):
    """Something that belongs to an agency: a record, a submission, an agreement."""

    @property
    def unit(self) -> str:
        """The agency's name."""


@runtime_checkable
class Classified(Protocol):
    """Something with an agency, a sharing class and a security classification: a record."""

    @property
    def unit(self) -> str:
        """The agency's name."""

    @property
    def state(self) -> str:
        """A `RecordState`."""

    @property
    def sharing(self) -> str:
        """共享类型 as given."""

    @property
    def security(self) -> str:
        """密级 as given."""


def allows(actor: Actor, permission: Permission, obj: object = None) -> bool:
    """Whether the actor may do this, to this object if one is given.

    Args:
        actor: who asks.
        permission: what for.
        obj: what to; a role that is limited is refused for an object that does not tell what its limit asks.
    """
    if actor.unrestricted:
        return permission not in NOT_WITHOUT_ROLE and (not isinstance(obj, Classified) or _gets_to(actor, STAFF, permission, obj))
    if actor.scopes is not None and permission not in actor.scopes:
        return False
    return any(permission in ROLE_PERMISSIONS[role] and (obj is None or _reaches(actor, role, permission, obj)) for role in actor.roles)


def tier_of(actor: Actor, record: Classified, *, conditional_listed: bool = True) -> Tier:
    """How far the actor gets with a record at most, by any of the roles with which records may be read.

    Args:
        actor: who asks.
        record: the record.
        conditional_listed: whether those who may not read what is shared under conditions learn that it exists
            (`Settings.conditional_listed`).
    """
    found = max((reach_tier(actor, reach, record) for reach in reading_reaches(actor)), key=list(Tier).index, default=Tier.NONE)
    hidden = found is Tier.LISTED and not conditional_listed and record.state == RecordState.STORED
    return Tier.NONE if hidden else found


def reading_reaches(actor: Actor) -> list[Reach]:
    """The reaches of the roles with which the actor may read records."""
    if actor.unrestricted:
        return [STAFF]
    if actor.scopes is not None and Permission.RECORD_READ not in actor.scopes:
        return []
    roles = sorted(role for role in actor.roles if Permission.RECORD_READ in ROLE_PERMISSIONS[role])
    return [ROLE_REACHES.get(role, NOBODY) for role in roles]


def reach_tier(actor: Actor, reach: Reach, record: Classified) -> Tier:
    """The tier that one reach gives to a record; a record that is not stored yet is nobody's to read."""
    if record.state not in {RecordState.STORED, RecordState.DESTROYED}:
        return Tier.NONE
    found = class_of(sharing=record.sharing, security=record.security, state=record.state)
    return reach.tier(found, own=record.unit in actor.units)


def _reaches(actor: Actor, role: Role, permission: Permission, obj: object) -> bool:
    if isinstance(obj, Classified):
        return _gets_to(actor, ROLE_REACHES.get(role, NOBODY), permission, obj)
    match ROLE_SCOPES.get(role, Scope.EVERYTHING):
        case Scope.EVERYTHING:
            return True
        case Scope.OWN_UNIT:
            return isinstance(obj, OfUnit) and obj.unit in actor.units
        case Scope.NOTHING:
            return False


def _gets_to(actor: Actor, reach: Reach, permission: Permission, record: Classified) -> bool:
    return reach_tier(actor, reach, record).reaches(NEEDED_TIERS.get(permission, Tier.READ))


def validate_roles(names: Iterable[str]) -> frozenset[Role]:
    """The roles named, if one person may hold them together.

    Raises:
        UsageError: an unknown role, or two of the three administrators (三员分立).
    """
    known = {str(role): role for role in Role}
    roles: set[Role] = set()
    for name in names:
        if name not in known:
            raise UsageError(N_("There is no role “{name}”."), remedy=N_("Choose from: {known}."), name=name, known=", ".join(known))
        roles.add(known[name])
    held = sorted(roles & ADMINISTRATORS)
    if len(held) > 1:
        raise UsageError(
            N_("One person may not be {held} at once: the three administrators check each other."),
            remedy=N_("Give each of the three roles to a different person."),
            held=" + ".join(held),
        )
    return frozenset(roles)
