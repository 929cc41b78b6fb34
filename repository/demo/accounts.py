"""The agencies and the accounts of the demo, one a role, and the job that brings the demo packages in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from repository.accounts import create_user, has_users
from repository.accounts.tables import User
from repository.demo.affairs import AGENCIES
from repository.features import demos
from repository.findings import N_
from repository.holdings import Submission
from repository.permissions import Actor, Role
from repository.recordkeeping.agencies import create_agency

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.context import JobContext

#: Of all demo accounts. It is no secret: the demo is for looking at, on one's own machine.
PASSWORD: Final = "cloud-dwelling-tower"

_DEMO: Final = Actor.system("demo")


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoAccount:
    """An account of the demo.

    Args:
        name: what to log in with.
        title: what the person is, English, marked with `N_`.
        full_name: the invented person.
        role: the one role.
        unit: the agency of an agency officer.
    """

    name: str
    title: str
    full_name: str
    role: Role
    unit: str = ""


ACCOUNTS: Final = (
    DemoAccount(name="archivist", title=N_("archivist"), full_name="云知秋", role=Role.ARCHIVIST),
    DemoAccount(
        name="officer", title=N_("agency officer"), full_name="溪听雨", role=Role.AGENCY_OFFICER, unit=next(iter(AGENCIES.values())).name
    ),
    DemoAccount(name="keeper", title=N_("preservation officer"), full_name="柏长风", role=Role.PRESERVATION_OFFICER),
    DemoAccount(name="approver", title=N_("approver"), full_name="岚清和", role=Role.APPROVER),
    DemoAccount(name="researcher", title=N_("researcher"), full_name="禾望舒", role=Role.RESEARCHER),
    DemoAccount(name="sysadmin", title=N_("system administrator"), full_name="砚白露", role=Role.SYSTEM_ADMINISTRATOR),
    DemoAccount(name="secadmin", title=N_("security administrator"), full_name="汀立春", role=Role.SECURITY_ADMINISTRATOR),
    DemoAccount(name="auditor", title=N_("audit administrator"), full_name="榆南星", role=Role.AUDIT_ADMINISTRATOR),
)


def begin_demo(archive: Archive) -> bool:
    """Makes agencies and accounts and enqueues the loading of the packages, if there is no account and no submission yet.

    Returns:
        Whether it did.
    """
    with archive.transaction(_DEMO) as tx:
        if has_users(tx) or tx.session.scalar(select(Submission.id).limit(1)) is not None:
            return False
        for agency in AGENCIES.values():
            create_agency(tx, name=agency.name, code=agency.code)
        for account in ACCOUNTS:
            create_user(tx, name=account.name, password=PASSWORD, roles=[account.role], full_name=account.full_name, unit=account.unit)
        tx.enqueue("demo.load", {}, key="demo.load")
    return True


def is_demo(archive: Archive) -> bool:
    """Whether the home has the demo's accounts."""
    with archive.read(_DEMO) as tx:
        names = set(tx.session.scalars(select(User.name)))
    return names >= {account.name for account in ACCOUNTS}


def load(context: JobContext) -> Mapping[str, Any]:
    """Has the slices bring in their demo data."""
    folder = context.archive.settings.under_home("demo")
    folder.mkdir(exist_ok=True)
    for number, fill in enumerate(demos(), start=1):
        context.check()
        context.progress(N_("Making demo packages"), number, len(demos()), "")
        fill(context.archive, folder)
    return {}
