"""A home for the permission matrix: two agencies, a record of each class in each, and a word in every place that may tell.

Every word is unique. Whoever finds one in an answer knows which record it came from and from where in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update

from ingest.submissions import receive
from ingest.uploads.sets import add_file, begin_set
from preservation.audits import AuditedCopy, Selection, start
from preservation.incidents import note_incident
from repository.accounts import create_user
from repository.accounts.groups import create_group
from repository.accounts.tables import LoginSession
from repository.accounts.tokens import create_token
from repository.archive import Archive
from repository.events import ObjectType, events_of
from repository.holdings import Agency, Agreement, File, Record, RecordState, Submission
from repository.identifiers import aip_id
from repository.notices.tables import Notice, Webhook
from repository.permissions import Actor, Role
from repository.recordkeeping.agencies import create_agency
from repository.recordkeeping.holds import place_hold
from repository.search.pending import prepare, refresh
from repository.search.saved import save_search
from repository.transaction import Transaction
from storage.ocfl.verify import CopyCheck, CopyOutcome, Problem
from tests.tools.console import PASSWORD, bag, packed, record_of, work_off

#: The agency of the officer, and another.
OWN: Final = "云栖市甲字局"
OTHER: Final = "云栖市乙字局"
#: Sharing class and security classification that make a class.
CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "open": ("无条件共享", "公开"),
    "shared": ("无条件共享", "内部"),
    "conditional": ("有条件共享", ""),
    "restricted": ("不予共享", "秘密"),
    "held": ("不予共享", ""),
    "destroyed": ("无条件共享", "公开"),
}
YEARS: Final = {OWN: "2021", OTHER: "2022"}
#: Somebody without any role.
NOBODY: Final = "nobody"
#: Somebody who owns things and asks for nothing.
STRANGER: Final = "stranger"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A record of the matrix.

    Args:
        name: agency and class, as differences name it.
        unit: its agency.
        kind: its class, a key of `CLASSES`.
        words: what stands where in it: ``title``, ``file``, ``applicant``, ``case``, ``affair``, ``abstract``, ``content``.
        places: values for the places of addresses: ``record_id``, ``file_id``, ``event_id``, ``submission_id``.
    """

    name: str
    unit: str
    kind: str
    words: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """What belongs to somebody else than those who ask, and what there is none of.

    Args:
        places: values for the places of addresses.
    """

    places: Mapping[str, str]


def plant(archive: Archive, folder: Path) -> tuple[list[Planted], Foreign]:
    """Fills a home; gives what stands in it, and what somebody else owns."""
    system = Actor.system("matrix")
    with archive.transaction(Actor.local()) as tx:
        for unit, code in ((OWN, "jia"), (OTHER, "yi")):
            create_agency(tx, name=unit)
            tx.session.add(Agreement(code=code, title=f"agreement {code}", unit=unit))
        for role in Role:
            create_user(tx, name=str(role), password=PASSWORD, roles=[role], unit=OWN if role is Role.AGENCY_OFFICER else "")
        create_user(tx, name=NOBODY, password=PASSWORD, roles=[])
        owner = create_user(tx, name=STRANGER, password=PASSWORD, roles=[Role.ARCHIVIST])
    prepare(archive)
    received = {}
    for number, (unit, kind) in enumerate((unit, kind) for unit in (OWN, OTHER) for kind in CLASSES):
        words = {
            place: f"{place}{number:02d}zq"
            for place in ("title", "file", "applicant", "case", "affair", "abstract", "content", "identifier")
        }
        package = packed(folder / f"{words['title']}.zip", bag({f"{words['file']}.txt": words["content"].encode()}))
        with archive.transaction(system) as tx:
            received[receive(tx, source=package, agreement="jia" if unit == OWN else "yi")] = (unit, kind, words)
    work_off(archive)
    planted = [_classify(archive, submission, *about) for submission, about in received.items()]
    with archive.transaction(system) as tx:
        audit = start(tx, Selection())
    work_off(archive)
    with archive.transaction(system) as tx:
        incident = _incident(tx, planted[0])
    refresh(archive)
    places = {"audit_id": audit, "incident_id": incident}
    return planted, Foreign(places=owned(archive, Actor(id=owner, name=STRANGER, roles=frozenset({Role.ARCHIVIST}))) | places)


def _incident(tx: Transaction, about: Planted) -> str:
    """An incident about a copy of a record."""
    record = about.places["record_id"]
    problem = Problem("v1/content/METS.xml", CopyOutcome.DAMAGED, "sha256:00", "sha256:01")
    found = AuditedCopy.of("b", aip_id(record), CopyCheck(outcome=CopyOutcome.DAMAGED, problems=(problem,)), tx.now)
    return note_incident(tx, found, record_id=record, last_good_at=None).id


def owned(archive: Archive, owner: Actor) -> dict[str, str]:
    """Things of one person, by the names of their places; and ids of which there is nothing."""
    with archive.transaction(owner) as tx:
        search = save_search(tx, name="mine", query="q=open")
        token = create_token(tx, name="mine", scopes=["record.read"], expires=tx.now + timedelta(days=1))
        notice = Notice(
            id=archive.new_id(),
            user_id=owner.id,
            kind="test",
            severity="info",
            template="For you alone",
            values={},
            path="",
            created_at=tx.now,
        )
        session = LoginSession(id="0" * 64, user_id=owner.id, method="password", created_at=tx.now, seen_at=tx.now, awaits_code=False)
        tx.session.add_all([notice, session])
        uploads = begin_set(tx, name="mine", agreement="jia")
    with archive.transaction(owner) as tx:
        upload = add_file(tx, uploads.id, path="a.txt", length=3)
    with archive.transaction(Actor.local()) as tx:
        agency = tx.session.scalars(select(Agency.id).where(Agency.name == OTHER)).one()
        group = create_group(tx, name="a group")
        webhook = Webhook(
            id=archive.new_id(),
            name="a webhook",
            url="https://192.0.2.1/",
            secret="s",
            kinds=[],
            active=False,
            created_by="s",
            created_at=tx.now,
        )
        tx.session.add(webhook)
    return {
        "name": STRANGER,
        "agency_id": agency,
        "group_id": group,
        "webhook_id": webhook.id,
        "search_id": search,
        "token_id": token.id,
        "notice_id": notice.id,
        "id": session.id,
        "set_id": uploads.id,
        "upload_id": upload.id,
        **dict.fromkeys(("reset_id", "delivery_id"), archive.new_id()),
    }


def _classify(archive: Archive, submission: str, unit: str, kind: str, words: Mapping[str, str]) -> Planted:
    record_id = record_of(archive, submission)
    sharing, security = CLASSES[kind]
    columns: dict[str, Any] = {
        "title": words["title"],
        "unit": unit,
        "year": YEARS[unit],
        "sharing": sharing,
        "security": security,
        "case_number": words["case"],
        "affair": words["affair"],
        "identifier": words["identifier"],
        "description": {
            "title": words["title"],
            "unit": unit,
            "abstract": words["abstract"],
            "applicant": words["applicant"],
            "case_number": words["case"],
            "affair": words["affair"],
            "identifier": words["identifier"],
        },
    }
    if kind == "destroyed":
        columns["state"] = RecordState.DESTROYED
    with archive.transaction(Actor.local()) as tx:
        if kind == "held":
            place_hold(tx, record_id, f"hold on {words['case']}")
        tx.session.execute(update(Record).where(Record.id == record_id).values(**columns))
        tx.changed(record_id)
    with archive.read(Actor.local()) as tx:
        file_id = tx.session.scalars(
            select(File.id).where(File.aip_id == aip_id(record_id), File.role == "content", File.path.contains(words["file"]))
        ).one()
        event = events_of(tx.session, [(ObjectType.AIP, aip_id(record_id))])[0]
        job_id = tx.session.get_one(Submission, submission).job_id
    places = {"record_id": record_id, "file_id": str(file_id), "event_id": event.id, "submission_id": submission, "job_id": job_id or ""}
    return Planted(name=f"{'own' if unit == OWN else 'other'} {kind}", unit=unit, kind=kind, words=words, places=places)
