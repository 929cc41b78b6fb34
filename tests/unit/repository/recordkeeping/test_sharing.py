"""Which class a record is of, and how far who gets with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.holdings import RecordState
from repository.permissions import ROLE_REACHES, Role
from repository.recordkeeping.sharing import NOBODY, SharingClass, Tier, class_of

C = SharingClass


@pytest.mark.parametrize(
    ("sharing", "security", "expected"),
    [
        ("无条件共享", "", C.OPEN),
        ("无条件共享", "公开", C.OPEN),
        ("1", "非密", C.OPEN),
        ("无条件共享", "内部", C.SHARED),
        ("有条件共享", "公开", C.CONDITIONAL),
        ("2", "", C.CONDITIONAL),
        ("有条件共享", "内部", C.SHARED),
        ("不予共享", "公开", C.RESTRICTED),
        ("无条件共享", "秘密", C.RESTRICTED),
        ("无条件共享", "机密★20年", C.RESTRICTED),
        ("有条件共享", "绝密", C.RESTRICTED),
        ("", "", C.RESTRICTED),
        ("", "公开", C.RESTRICTED),
        ("everybody", "", C.RESTRICTED),
    ],
)
def test_a_record_is_of_the_class_that_sharing_and_security_come_to(sharing: str, security: str, expected: SharingClass) -> None:
    assert class_of(sharing=sharing, security=security, state=RecordState.STORED) is expected


@given(st.text(), st.text())
def test_what_is_destroyed_is_destroyed_whatever_it_was(sharing: str, security: str) -> None:
    assert class_of(sharing=sharing, security=security, state=RecordState.DESTROYED) is C.DESTROYED


@given(st.text(), st.text())
def test_words_that_nobody_knows_open_nothing(sharing: str, security: str) -> None:
    if class_of(sharing=sharing, security=security, state=RecordState.STORED) is not C.RESTRICTED:
        assert sharing in {"无条件共享", "无条件", "1", "有条件共享", "有条件", "2"}


def test_tiers_include_those_before_them() -> None:
    assert [[one.reaches(other) for other in Tier] for one in Tier] == [[place >= other for other in range(5)] for place in range(5)]


def test_how_far_each_role_gets() -> None:
    """The rules as the Measures and the archive's policy have them: own agency, then another's, class by class."""
    order = (C.OPEN, C.SHARED, C.CONDITIONAL, C.RESTRICTED, C.DESTROYED)
    told = {
        role: tuple(" ".join(str(ROLE_REACHES.get(role, NOBODY).tier(found, own=own)) for found in order) for own in (True, False))
        for role in Role
    }
    staff = "original original original original listed"
    nothing = "none none none none none"
    public = "copy none listed none none"
    assert told == {
        Role.ARCHIVIST: (staff, staff),
        Role.PRESERVATION_OFFICER: (staff, staff),
        Role.APPROVER: ("read read read read listed",) * 2,
        Role.AGENCY_OFFICER: ("copy copy copy copy listed", nothing),
        Role.RESEARCHER: (public, public),
        Role.SYSTEM_ADMINISTRATOR: (nothing, nothing),
        Role.SECURITY_ADMINISTRATOR: (nothing, nothing),
        Role.AUDIT_ADMINISTRATOR: (nothing, nothing),
    }
