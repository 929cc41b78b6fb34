"""What an actor may see, as conditions inside queries: nothing hidden is ever read and then filtered.

The same rules for one object at hand are in `repository.permissions`.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true

from repository.holdings import Agreement, Record, RecordState, Submission
from repository.permissions import OPEN_SECURITY, OPEN_SHARING, ROLE_PERMISSIONS, ROLE_SCOPES, Actor, Permission, Scope

_Rows = TypeVar("_Rows", bound=Select[*tuple[object, ...]])


def record_condition(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Record` under which the actor may read it: staff everything that is stored, an agency officer the
    own unit's, a researcher what is shared unconditionally and not classified.
    """
    stored = Record.state == RecordState.STORED
    return and_(stored, or_(false(), *(_records_in(scope, actor) for scope in _scopes(actor, Permission.RECORD_READ))))


def submission_condition(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Submission` under which the actor may see it: staff all, an agency officer the own unit's."""
    own = Submission.agreement_code.in_(select(Agreement.code).where(Agreement.unit == actor.unit, Agreement.unit != ""))
    conditions = {Scope.EVERYTHING: true(), Scope.OWN_UNIT: own, Scope.OPEN: false()}
    return or_(false(), *(conditions[scope] for scope in _scopes(actor, Permission.SUBMISSION_READ)))


def visible_records(statement: _Rows, actor: Actor) -> _Rows:
    """The statement, which reads `Record`, restricted to what the actor may read."""
    return statement.where(record_condition(actor))


def visible_submissions(statement: _Rows, actor: Actor) -> _Rows:
    """The statement, which reads `Submission`, restricted to what the actor may see."""
    return statement.where(submission_condition(actor))


def _scopes(actor: Actor, permission: Permission) -> list[Scope]:
    if actor.unrestricted:
        return [Scope.EVERYTHING]
    return sorted({ROLE_SCOPES.get(role, Scope.EVERYTHING) for role in actor.roles if permission in ROLE_PERMISSIONS[role]})


def _records_in(scope: Scope, actor: Actor) -> ColumnElement[bool]:
    match scope:
        case Scope.EVERYTHING:
            return true()
        case Scope.OWN_UNIT:
            return and_(Record.unit == actor.unit, Record.unit != "")
        case Scope.OPEN:
            return and_(Record.sharing.in_(OPEN_SHARING), Record.security.in_(OPEN_SECURITY))
