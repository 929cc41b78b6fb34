"""What people are told about, and by which way each wants to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from repository.findings import N_
from repository.permissions import ROLE_PERMISSIONS, Actor, Permission, Role


class Kind(StrEnum):
    """What a notice is about; webhooks choose by it too."""

    SUBMISSION_STORED = "submission.stored"
    SUBMISSION_REJECTED = "submission.rejected"
    SUBMISSION_FAILED = "submission.failed"
    AUDIT_DAMAGE = "audit.damage"
    REPAIR_STOPPED = "repair.stopped"
    AUDIT_SILENT = "audit.silent"
    JOB_FAILED = "job.failed"
    STORE_TROUBLE = "store.trouble"
    SCHEDULE_SILENT = "schedule.silent"
    ACCOUNT_LOCKED = "account.locked"
    ACCOUNT_RESET = "account.reset"
    SEARCH_NEWS = "saved-search"


class Channel(StrEnum):
    """How somebody is told. What is mailed stands in the page too."""

    PAGE = "page"
    MAIL = "mail"
    DIGEST = "digest"
    NONE = "none"


class Severity(StrEnum):
    """How grave it is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class KindOfNotice:
    """What is known of a kind.

    Args:
        label: when somebody is told of it; English, marked with `N_`.
        announced: what webhooks are told of; English, or empty where they are not.
        usual: how it is told to who has chosen nothing.
        permission: only who holds it is ever told; None: everybody.
        roles: only who holds one of these is ever told; None: whatever role.
        kept: whether it concerns the safety of the own account, so that it cannot be switched off.
    """

    label: str
    usual: Channel
    permission: Permission | None = None
    roles: frozenset[Role] | None = None
    kept: bool = False
    announced: str = ""

    def concerns(self, actor: Actor) -> bool:
        """Whether this person may ever be told of it."""
        if self.roles is not None and not actor.roles & self.roles:
            return False
        return self.permission is None or any(self.permission in ROLE_PERMISSIONS[role] for role in actor.roles)


#: Every kind, in the order in which the page of preferences shows them.
KINDS: Final[Mapping[Kind, KindOfNotice]] = {
    Kind.SUBMISSION_STORED: KindOfNotice(
        announced=N_("A package was stored"),
        label=N_("A package of mine or of my agency was stored"),
        usual=Channel.PAGE,
        permission=Permission.SUBMISSION_READ,
    ),
    Kind.SUBMISSION_REJECTED: KindOfNotice(
        announced=N_("A package was rejected"),
        label=N_("A package of mine or of my agency was rejected"),
        usual=Channel.DIGEST,
        permission=Permission.SUBMISSION_READ,
    ),
    Kind.SUBMISSION_FAILED: KindOfNotice(
        announced=N_("The archive could not finish a package"),
        label=N_("The archive could not finish a package"),
        usual=Channel.MAIL,
        permission=Permission.SUBMISSION_READ,
    ),
    Kind.AUDIT_DAMAGE: KindOfNotice(
        announced=N_("An audit found copies that are not as they should be"),
        label=N_("An audit found copies that are not as they should be"),
        usual=Channel.MAIL,
        roles=frozenset({Role.PRESERVATION_OFFICER}),
    ),
    Kind.REPAIR_STOPPED: KindOfNotice(
        announced=N_("A damaged copy waits for somebody to decide"),
        label=N_("A damaged copy waits for somebody to decide"),
        usual=Channel.MAIL,
        roles=frozenset({Role.PRESERVATION_OFFICER}),
    ),
    Kind.AUDIT_SILENT: KindOfNotice(
        announced=N_("No copy was audited for more than a day"),
        label=N_("No copy was audited for more than a day"),
        usual=Channel.MAIL,
        roles=frozenset({Role.SYSTEM_ADMINISTRATOR, Role.PRESERVATION_OFFICER}),
    ),
    Kind.JOB_FAILED: KindOfNotice(
        announced=N_("A job was given up"),
        label=N_("A job was given up"),
        usual=Channel.DIGEST,
        roles=frozenset({Role.SYSTEM_ADMINISTRATOR}),
    ),
    Kind.STORE_TROUBLE: KindOfNotice(
        announced=N_("A store cannot be used, or has little room"),
        label=N_("A store cannot be used, or has little room"),
        usual=Channel.MAIL,
        roles=frozenset({Role.SYSTEM_ADMINISTRATOR, Role.PRESERVATION_OFFICER}),
    ),
    Kind.SCHEDULE_SILENT: KindOfNotice(
        announced=N_("Something that should happen regularly does not"),
        label=N_("Something that should happen regularly does not"),
        usual=Channel.MAIL,
        roles=frozenset({Role.SYSTEM_ADMINISTRATOR}),
    ),
    Kind.ACCOUNT_LOCKED: KindOfNotice(label=N_("An account was locked after wrong passwords"), usual=Channel.MAIL, kept=True),
    Kind.ACCOUNT_RESET: KindOfNotice(label=N_("A password was replaced by somebody else"), usual=Channel.MAIL, kept=True),
    Kind.SEARCH_NEWS: KindOfNotice(label=N_("A saved search finds something new"), usual=Channel.DIGEST, permission=Permission.RECORD_READ),
}

#: What the ways of telling are called.
CHANNEL_WORDS: Final[Mapping[Channel, str]] = {
    Channel.PAGE: N_("In the page"),
    Channel.MAIL: N_("Page and mail at once"),
    Channel.DIGEST: N_("Page and daily digest"),
    Channel.NONE: N_("Not at all"),
}
