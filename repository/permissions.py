"""Who may do what: permissions, roles, actors, and one pure function that decides.

Roles and their permissions are data. What a role may be applied to (everything, the own unit, what is open) is its
scope; the same scopes as conditions inside queries are in `repository.visibility`.
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
    """To which things a role's permissions apply."""

    EVERYTHING = "everything"
    OWN_UNIT = "own-unit"
    OPEN = "open"


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
        _P.AGENCY_READ, _P.AGENCY_MANAGE, _P.SCHEDULE_MANAGE, _P.WEBHOOK_MANAGE,
    }),
    Role.SECURITY_ADMINISTRATOR: frozenset({_P.USER_READ, _P.ROLE_GRANT, _P.AGENCY_READ, _P.TOKEN_REVOKE}),
    Role.AUDIT_ADMINISTRATOR: frozenset({_P.USER_READ, _P.EVENT_READ, _P.AUDIT_READ, _P.JOB_READ, _P.LOG_READ}),
})  # fmt: skip

#: What each role may do it to; a role that is not named here applies to everything.
ROLE_SCOPES: Final[Mapping[Role, Scope]] = MappingProxyType({Role.AGENCY_OFFICER: Scope.OWN_UNIT, Role.RESEARCHER: Scope.OPEN})

#: The three administrators (三员): nobody holds two of them (GB/T 22239-2019, separation of duties).
ADMINISTRATORS: Final = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR})

#: Values of the sharing class with which anybody may read a record (无条件共享, Measures Art. 19, 20), as packages write it.
OPEN_SHARING: Final = frozenset({"无条件共享", "无条件", "1"})

#: Values of the security classification (密级) that do not close a record.
OPEN_SECURITY: Final = frozenset({"", "公开", "非密"})


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does something.

    Args:
        id: id of the account, or a word for what has none (``local:alice``, ``system:worker``).
        name: unique name as it stands in events (account name, name of the operating-system user, name of the program).
        roles: what the actor is in the archive.
        unit: the agency an agency officer belongs to, as records write it (立档单位名称).
        kind: a person with an account; somebody on the command line, who holds the home folder and therefore may do
            everything; or the system itself.
    """

    id: str
    name: str
    roles: frozenset[Role] = frozenset()
    unit: str = ""
    kind: Literal["person", "system", "local"] = "person"

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
    """Something with a sharing class and a security classification: a record."""

    @property
    def sharing(self) -> str:
        """共享类型 as given."""

    @property
    def security(self) -> str:
        """密级 as given."""


def is_open(thing: Classified) -> bool:
    """Whether anybody may read it: shared unconditionally and not classified."""
    return thing.sharing in OPEN_SHARING and thing.security in OPEN_SECURITY


def allows(actor: Actor, permission: Permission, obj: object = None) -> bool:
    """Whether the actor may do this, to this object if one is given.

    Args:
        actor: who asks.
        permission: what for.
        obj: what to; a role that is limited to a unit or to open things is refused for an object that does not tell.
    """
    if actor.unrestricted:
        return True
    return any(permission in ROLE_PERMISSIONS[role] and (obj is None or _reaches(actor, role, obj)) for role in actor.roles)


def _reaches(actor: Actor, role: Role, obj: object) -> bool:
    match ROLE_SCOPES.get(role, Scope.EVERYTHING):
        case Scope.EVERYTHING:
            return True
        case Scope.OWN_UNIT:
            return bool(actor.unit) and isinstance(obj, OfUnit) and obj.unit == actor.unit
        case Scope.OPEN:
            return isinstance(obj, Classified) and is_open(obj)


def validate_roles(names: Iterable[str]) -> frozenset[Role]:
    """The roles named, if one person may hold them together.

    Raises:
        UsageError: an unknown role, none, or two of the three administrators (三员分立).
    """
    known = {str(role): role for role in Role}
    roles: set[Role] = set()
    for name in names:
        if name not in known:
            raise UsageError(N_("There is no role “{name}”."), remedy=N_("Choose from: {known}."), name=name, known=", ".join(known))
        roles.add(known[name])
    if not roles:
        raise UsageError(N_("An account needs at least one role."), remedy=N_("Choose from: {known}."), known=", ".join(known))
    held = sorted(roles & ADMINISTRATORS)
    if len(held) > 1:
        raise UsageError(
            N_("One person may not be {held} at once: the three administrators check each other."),
            remedy=N_("Give each of the three roles to a different person."),
            held=" + ".join(held),
        )
    return frozenset(roles)
