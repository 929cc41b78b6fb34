"""What an actor may see, as conditions inside queries: nothing hidden is ever read and then filtered.

The same rules for one object at hand are in `repository.permissions`; both follow one table, `ROLE_REACHES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true

from repository.holdings import Agreement, Record, RecordState, Submission
from repository.permissions import ROLE_PERMISSIONS, ROLE_SCOPES, Actor, Permission, Scope, reading_reaches
from repository.recordkeeping.sharing import COMBINATIONS, Reach, SharingClass, Tier

_Rows = TypeVar("_Rows", bound=Select[*tuple[object, ...]])


def record_condition(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Record` under which the actor may read it (`Tier.READ`): staff everything that is stored, an agency
    officer the own agency's, a researcher what is open.
    """
    readable = _where(actor, lambda tier: tier.reaches(Tier.READ))
    return and_(Record.state == RecordState.STORED, readable)


def listed_condition(actor: Actor, *, conditional_listed: bool) -> ColumnElement[bool]:
    """The condition on `Record` under which the actor learns that it exists and may not read it (`Tier.LISTED`).

    Args:
        actor: who asks.
        conditional_listed: `Settings.conditional_listed`.
    """
    listed = _where(actor, lambda tier: tier is Tier.LISTED)
    states = [RecordState.STORED, RecordState.DESTROYED] if conditional_listed else [RecordState.DESTROYED]
    return and_(Record.state.in_(states), listed, not_(record_condition(actor)))


def lists_anything(actor: Actor, *, conditional_listed: bool, destroyed: bool = True) -> bool:
    """Whether there are classes of records that the actor learns of and may not read.

    Args:
        actor: who asks.
        conditional_listed: `Settings.conditional_listed`.
        destroyed: whether notices of destroyed records count.
    """
    classes = {found for reach in reading_reaches(actor) for found, _, tier in _cells(reach) if tier is Tier.LISTED}
    if not conditional_listed:
        classes &= {SharingClass.DESTROYED}
    return bool(classes if destroyed else classes - {SharingClass.DESTROYED})


def submission_condition(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Submission` under which the actor may see it: staff all, an agency officer the own unit's."""
    own = Submission.agreement_code.in_(select(Agreement.code).where(Agreement.unit.in_(actor.units)))
    conditions = {Scope.EVERYTHING: true(), Scope.OWN_UNIT: own, Scope.NOTHING: false()}
    return or_(false(), *(conditions[scope] for scope in _scopes(actor, Permission.SUBMISSION_READ)))


def visible_records(statement: _Rows, actor: Actor) -> _Rows:
    """The statement, which reads `Record`, restricted to what the actor may read."""
    return statement.where(record_condition(actor))


def visible_submissions(statement: _Rows, actor: Actor) -> _Rows:
    """The statement, which reads `Submission`, restricted to what the actor may see."""
    return statement.where(submission_condition(actor))


def _where(actor: Actor, wanted: Callable[[Tier], bool]) -> ColumnElement[bool]:
    """The condition under which one of the actor's reaches gives a tier that is wanted."""
    own = Record.unit.in_(actor.units)
    conditions: list[ColumnElement[bool]] = []
    for reach in {id(reach): reach for reach in reading_reaches(actor)}.values():
        sides = {side: {found for found, where, tier in _cells(reach) if where is side and wanted(tier)} for side in (True, False)}
        if sides[True] == sides[False]:
            conditions.append(_of_classes(sides[True]))
        else:
            conditions += [and_(own, _of_classes(sides[True])), and_(not_(own), _of_classes(sides[False]))]
    return or_(false(), *conditions)


def _cells(reach: Reach) -> Iterator[tuple[SharingClass, bool, Tier]]:
    for found in SharingClass:
        for own in (True, False):
            yield found, own, reach.tier(found, own=own)


def _of_classes(classes: set[SharingClass]) -> ColumnElement[bool]:
    """The condition under which a record is of one of the classes."""
    kept = set(SharingClass) - {SharingClass.DESTROYED}
    destroyed = Record.state == RecordState.DESTROYED
    found: list[ColumnElement[bool]] = [destroyed] if SharingClass.DESTROYED in classes else []
    if classes >= kept:
        found.append(not_(destroyed))
    elif classes & kept:
        found.append(and_(not_(destroyed), or_(*(_of_class(one) for one in sorted(classes & kept)))))
    return or_(false(), *found)


def _of_class(sharing_class: SharingClass) -> ColumnElement[bool]:
    if sharing_class in COMBINATIONS:
        sharings, securities = COMBINATIONS[sharing_class]
        return and_(Record.sharing.in_(sharings), Record.security.in_(securities))
    return not_(or_(*(_of_class(one) for one in COMBINATIONS)))


def _scopes(actor: Actor, permission: Permission) -> list[Scope]:
    if actor.unrestricted:
        return [Scope.EVERYTHING]
    if actor.scopes is not None and permission not in actor.scopes:
        return []
    return sorted({ROLE_SCOPES.get(role, Scope.EVERYTHING) for role in actor.roles if permission in ROLE_PERMISSIONS[role]})
