"""Agencies 单位: who forms records and hands them over, under which names, with which code and fonds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select

from repository.errors import Conflict, NotFound, UsageError
from repository.findings import N_
from repository.holdings import Agency
from repository.logbook.recording import note
from repository.permissions import Permission
from repository.recordkeeping.identity_numbers import check_credit_code, plain_number

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: Longest name of an agency and longest 全宗号, in characters.
LONGEST_NAME: Final = 200
LONGEST_FONDS: Final = 32


def create_agency(tx: Transaction, *, name: str, code: str = "", fonds: str = "", other_names: Iterable[str] = ()) -> str:
    """Makes an agency.

    Args:
        tx: the transaction.
        name: its name, as records write it (立档单位名称).
        code: its 统一社会信用代码 (GB 32100-2015); empty for one that ended before there were such codes.
        fonds: its 全宗号 in this archive, or empty.
        other_names: names it bore before, under which its older records are known.

    Returns:
        Its id.

    Raises:
        PermissionDenied: without `Permission.AGENCY_MANAGE`.
        UsageError: name, code or fonds cannot be.
        Conflict: an agency has the name or the code already.
    """
    tx.require(Permission.AGENCY_MANAGE)
    agency = Agency(
        id=tx.archive.new_id(),
        name=checked_name(name),
        code=checked_code(code),
        fonds=checked_fonds(fonds),
        other_names=_checked_names(other_names, name),
        active=True,
        created_at=tx.now,
    )
    _refuse_taken(tx, agency)
    tx.session.add(agency)
    tx.session.flush()
    note(tx, "agency.created", object_type="agency", object_id=agency.id, detail={"after": _told(agency)})
    return agency.id


def change_agency(
    tx: Transaction,
    agency_id: str,
    *,
    name: str | None = None,
    code: str | None = None,
    fonds: str | None = None,
    other_names: Iterable[str] | None = None,
) -> None:
    """Changes what is known of an agency; None leaves a value as it is.

    With another name the present one becomes one of the former names, so that the records formed under it stay the agency's.

    Raises:
        PermissionDenied, NotFound: not allowed, no such agency.
        UsageError, Conflict: see `create_agency`.
    """
    tx.require(Permission.AGENCY_MANAGE)
    agency = _agency(tx, agency_id)
    before = _told(agency)
    with tx.session.no_autoflush:
        if code is not None:
            agency.code = checked_code(code)
        if fonds is not None:
            agency.fonds = checked_fonds(fonds)
        if other_names is not None:
            agency.other_names = _checked_names(other_names, agency.name)
        if name is not None and (wanted := checked_name(name)) != agency.name:
            agency.other_names = _checked_names([*agency.other_names, agency.name], wanted)
            agency.name = wanted
        _refuse_taken(tx, agency)
    tx.session.flush()
    if before != _told(agency):
        note(tx, "agency.changed", object_type="agency", object_id=agency.id, detail={"before": before, "after": _told(agency)})


def rename_agency(tx: Transaction, agency_id: str, name: str) -> None:
    """Gives an agency the name it bears from now on; the old one is kept among the former names.

    Raises:
        PermissionDenied, NotFound, UsageError, Conflict: see `change_agency`.
    """
    change_agency(tx, agency_id, name=name)


def close_agency(tx: Transaction, agency_id: str) -> None:
    """Notes that an agency has ended: nobody becomes its officer any more. Its records and its officers stay what they are.

    Raises:
        PermissionDenied, NotFound: not allowed, no such agency.
    """
    _set_active(tx, agency_id, active=False)


def reopen_agency(tx: Transaction, agency_id: str) -> None:
    """Takes back that an agency has ended.

    Raises:
        PermissionDenied, NotFound: not allowed, no such agency.
    """
    _set_active(tx, agency_id, active=True)


def list_agencies(tx: Transaction, *, text: str = "", active: bool | None = None) -> Sequence[Agency]:
    """The agencies, by name.

    Args:
        tx: the transaction.
        text: only those with this in the name, in a former name, in the code or in the fonds.
        active: only those that exist, or only those that ended.

    Raises:
        PermissionDenied: without `Permission.AGENCY_READ`.
    """
    tx.require(Permission.AGENCY_READ)
    statement = select(Agency).order_by(Agency.name)
    if active is not None:
        statement = statement.where(Agency.active == active)
    found = tx.session.scalars(statement).all()
    wanted = text.strip().casefold()
    # former names are a list in one column, which neither database searches alike; there are some hundreds of agencies
    return [agency for agency in found if not wanted or any(wanted in value.casefold() for value in _words(agency))]


def find_agency(tx: Transaction, wanted: str) -> Agency:
    """The agency of this id, code, name or former name.

    Raises:
        PermissionDenied: without `Permission.AGENCY_READ`.
        NotFound: there is none.
    """
    tx.require(Permission.AGENCY_READ)
    return agency_named(tx, wanted)


def agency_named(tx: Transaction, wanted: str) -> Agency:
    """The agency of this id, code, name or former name, for use cases that have asked for their own permission.

    Raises:
        NotFound: there is none.
    """
    plain = wanted.strip()
    found = tx.session.scalar(select(Agency).where(or_(Agency.name == plain, Agency.id == plain, Agency.code == plain_number(plain))))
    if found is None:
        found = next((agency for agency in tx.session.scalars(select(Agency)) if plain and plain in agency.other_names), None)
    if found is None:
        raise NotFound(
            N_("There is no agency “{subject}”."),
            subject=wanted,
            remedy=N_("Make it first, with “jingui agency add” or on the page of agencies; “jingui agency list” names those there are."),
        )
    return found


def count_agencies(tx: Transaction) -> int:
    """How many agencies there are.

    Raises:
        PermissionDenied: without `Permission.AGENCY_READ`.
    """
    tx.require(Permission.AGENCY_READ)
    return tx.session.scalar(select(func.count()).select_from(Agency)) or 0


def _set_active(tx: Transaction, agency_id: str, *, active: bool) -> None:
    tx.require(Permission.AGENCY_MANAGE)
    agency = _agency(tx, agency_id)
    if agency.active == active:
        return
    agency.active = active
    action = "agency.reopened" if active else "agency.closed"
    note(tx, action, object_type="agency", object_id=agency.id, detail={"name": agency.name})


def _agency(tx: Transaction, agency_id: str) -> Agency:
    agency = tx.session.get(Agency, agency_id)
    return agency if agency is not None else agency_named(tx, agency_id)


def checked_name(name: str) -> str:
    """A name as it is kept.

    Raises:
        UsageError: it cannot be one.
    """
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise UsageError(
            N_("“{name}” cannot be the name of an agency."),
            subject=plain[:LONGEST_NAME],
            remedy=N_("Write the name as it stands in the records, in at most {most} characters."),
            name=plain[:LONGEST_NAME],
            most=LONGEST_NAME,
        )
    return plain


def _checked_names(names: Iterable[str], present: str) -> list[str]:
    """Former names, each once, without the present one."""
    plain = (checked_name(name) for name in names if name.strip())
    return [name for name in dict.fromkeys(plain) if name != present]


def checked_fonds(fonds: str) -> str:
    """A fonds number 全宗号 as it is kept.

    Raises:
        UsageError: it cannot be one.
    """
    plain = "".join(fonds.split())
    if len(plain) > LONGEST_FONDS or not plain.isprintable():
        raise UsageError(
            N_("“{fonds}” cannot be a fonds number."),
            subject=plain[:LONGEST_FONDS],
            remedy=N_("Write the fonds number (全宗号) in at most {most} characters."),
            fonds=plain[:LONGEST_FONDS],
            most=LONGEST_FONDS,
        )
    return plain


def checked_code(code: str) -> str | None:
    """A 统一社会信用代码 as it is kept, or None for none (GB 32100-2015, clauses 4 and 5).

    Raises:
        UsageError: it is none, or its check character does not hold.
    """
    plain = plain_number(code)
    if not plain:
        return None
    check = check_credit_code(plain)
    if check is None:
        raise UsageError(
            N_("“{code}” is no unified social credit code: it has 18 digits and capital letters, none of them I, O, S, V or Z."),
            subject=plain[:64],
            remedy=N_("Copy it from the agency's certificate; leave it empty for an agency that never had one."),
            code=plain[:64],
        )
    if not check.valid:
        raise UsageError(
            N_("The credit code “{code}” does not hold: its last character is {found}, the others ask for {expected}."),
            subject=plain,
            remedy=N_("Compare it with the agency's certificate: at least one character is mistyped."),
            code=plain,
            found=check.found,
            expected=check.expected,
        )
    return plain


def _refuse_taken(tx: Transaction, agency: Agency) -> None:
    """Two agencies never share a name, present or former: records know their agency by it."""
    names = {agency.name, *agency.other_names}
    with tx.session.no_autoflush:
        others = [other for other in tx.session.scalars(select(Agency)) if other.id != agency.id]
    for other in others:
        for name in sorted(names & {other.name, *other.other_names}):
            raise Conflict(
                N_("“{subject}” is a name of the agency “{other}” already."),
                subject=name,
                remedy=N_("Change that agency, or choose another name."),
                other=other.name,
            )
        if agency.code and agency.code == other.code:
            raise Conflict(
                N_("The agency “{other}” has the credit code {subject} already."),
                subject=agency.code,
                remedy=N_("Compare it with the agency's certificate, or change that agency."),
                other=other.name,
            )


def _words(agency: Agency) -> list[str]:
    return [agency.name, *map(str, agency.other_names), agency.code or "", agency.fonds]


def _told(agency: Agency) -> dict[str, object]:
    return {"name": agency.name, "code": agency.code or "", "fonds": agency.fonds, "other_names": list(agency.other_names)}
