"""What passwords are refused, and that each refusal says everything that is missing."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.accounts.passwords import check_strength
from repository.accounts.policy import WeakPassword, faults
from repository.settings import AccountSettings

RULES = AccountSettings()
STRICT = AccountSettings(password_length=14, password_classes=4)
KINDS = (string.ascii_uppercase, string.ascii_lowercase, string.digits, "!?-_ 档案馆员利用者件")


def told(rules: AccountSettings, name: str, password: str) -> str:
    return " ".join(fault.template.format_map(fault.values) for fault in faults(rules, name, password))


@pytest.mark.parametrize(
    "password", ["cloud-dwelling-tower", "bronze-bound-chest", "五个不常见的词 cassette", "correct horse battery staple"]
)
def test_several_uncommon_words_are_fine(password: str) -> None:
    assert told(RULES, "alice", password) == ""


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short-1", "7 characters; it needs at least 12"),
        ("x1" * 600, "at most 1024"),
        ("bronzeboundchest", "1 of the four kinds"),
        ("aaaaaaaaaaa-", "too few different"),
        ("my-name-is-Alice-Liddell", "name of the account"),
        ("Password-1234", "everybody tries first"),
        ("Admin@2024-2024", "everybody tries first"),
        ("qwertyuiop-123", "everybody tries first"),
        ("档案馆admin-2024", "everybody tries first"),
        ("1234567890-0987", "everybody tries first"),
    ],
)
def test_what_is_wrong_is_said(password: str, reason: str) -> None:
    assert reason in told(RULES, "alice", password)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(WeakPassword) as refused:
        check_strength(STRICT, "alice", "alice")
    assert len(refused.value.faults) == 3
    assert "5 characters; it needs at least 14" in refused.value.message


@given(st.text(min_size=0, max_size=40))
def test_whatever_passes_keeps_every_rule(password: str) -> None:
    if not faults(STRICT, "alice", password):
        assert len(password) >= 14
        assert len(set(password)) >= 4
        assert "alice" not in password.casefold()


@given(st.integers(0, 3), st.data())
def test_a_missing_kind_is_counted(missing: int, data: st.DataObject) -> None:
    kinds = [kind for number, kind in enumerate(KINDS) if number != missing]
    password = "".join(data.draw(st.sampled_from(kind)) for kind in kinds * 6)
    assert "3 of the four kinds" in told(STRICT, "", password)
    whole = password + data.draw(st.sampled_from(KINDS[missing]))
    assert "kinds" not in told(STRICT, "", whole)


@given(st.integers(1, 13))
def test_the_shortest_that_passes_has_the_length_of_the_setting(missing: int) -> None:
    whole = "Kx7-Vq2+Ym9=Zt"
    assert not faults(STRICT, "", whole)
    assert "needs at least 14" in told(STRICT, "", whole[:-missing])
