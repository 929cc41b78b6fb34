"""What roles and permissions are called, for those who grant them and for those who wonder what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from repository.findings import N_
from repository.permissions import Permission, Role

_P = Permission

#: What a role is for, in a sentence.
ROLE_TEXTS: Final[Mapping[Role, str]] = {
    Role.ARCHIVIST: N_("Takes packages in, arranges and describes, finds and gives out what the archive holds."),
    Role.AGENCY_OFFICER: N_("Hands over the packages of one agency and follows what becomes of them."),
    Role.PRESERVATION_OFFICER: N_("Looks after copies, formats and storage."),
    Role.APPROVER: N_("Is the second hand in decisions that cannot be taken back."),
    Role.RESEARCHER: N_("Searches and reads what is open to everybody."),
    Role.SYSTEM_ADMINISTRATOR: N_("Makes accounts and agencies and looks after the system; grants nothing and reads no records."),
    Role.SECURITY_ADMINISTRATOR: N_("Grants and takes roles; makes no accounts and reads no records."),
    Role.AUDIT_ADMINISTRATOR: N_("Reads the logbook; changes nothing but, as second hand, a lost password of another administrator."),
}

#: What a permission allows. The first word of its code says which part it belongs to.
PERMISSION_WORDS: Final[Mapping[Permission, str]] = {
    _P.RECORD_READ: N_("find and read records"),
    _P.RECORD_EXPORT: N_("export records"),
    _P.SUBMISSION_CREATE: N_("hand packages in"),
    _P.SUBMISSION_READ: N_("see what became of packages"),
    _P.PACKAGE_CHECK: N_("check packages without handing them in"),
    _P.AGREEMENT_READ: N_("see submission agreements"),
    _P.AUDIT_RUN: N_("have copies audited and repaired"),
    _P.AUDIT_READ: N_("see the state of copies"),
    _P.FORMAT_READ: N_("see formats and their risks"),
    _P.FORMAT_MANAGE: N_("change the rules for formats"),
    _P.STORE_READ: N_("see the stores"),
    _P.JOB_READ: N_("see the jobs"),
    _P.JOB_MANAGE: N_("cancel and repeat jobs"),
    _P.EVENT_READ: N_("see the events of records"),
    _P.DIP_CREATE: N_("make copies for use"),
    _P.CATALOGUE_REBUILD: N_("make the catalogue again from storage"),
    _P.USER_READ: N_("see accounts and groups"),
    _P.USER_MANAGE: N_("make, disable, unlock and reset accounts"),
    _P.ADMINISTRATOR_RESET: N_("with another administrator, reset an administrator's password"),
    _P.ROLE_GRANT: N_("grant and take roles, directly and by groups"),
    _P.AGENCY_READ: N_("see the agencies"),
    _P.AGENCY_MANAGE: N_("make and change agencies"),
    _P.TOKEN_REVOKE: N_("revoke anybody's API tokens"),
    _P.LOG_READ: N_("read the logbook"),
    _P.SCHEDULE_MANAGE: N_("change timetables"),
    _P.WEBHOOK_MANAGE: N_("change webhooks"),
    _P.HOLD_MANAGE: N_("place and lift holds"),
}

#: What the parts are called in which the table stands, by the first word of the permissions.
PART_WORDS: Final[Mapping[str, str]] = {
    "record": N_("Records"),
    "submission": N_("Ingest"),
    "package": N_("Ingest"),
    "agreement": N_("Ingest"),
    "dip": N_("Records"),
    "event": N_("Records"),
    "hold": N_("Records"),
    "audit": N_("Preservation"),
    "format": N_("Preservation"),
    "store": N_("Preservation"),
    "catalogue": N_("Preservation"),
    "job": N_("System"),
    "schedule": N_("System"),
    "webhook": N_("System"),
    "user": N_("Accounts"),
    "role": N_("Accounts"),
    "administrator": N_("Accounts"),
    "agency": N_("Accounts"),
    "token": N_("Accounts"),
    "log": N_("Logbook"),
}


def permission_word(permission: Permission) -> str:
    """What it allows, English; a permission without words stands for itself."""
    return PERMISSION_WORDS.get(permission, str(permission))


def by_part() -> list[tuple[str, list[Permission]]]:
    """Every permission, by the part it belongs to."""
    parts: dict[str, list[Permission]] = {}
    for permission in Permission:
        parts.setdefault(PART_WORDS.get(permission.partition(".")[0], N_("Other")), []).append(permission)
    return list(parts.items())
