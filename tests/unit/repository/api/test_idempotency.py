"""Idempotency keys: what is sent twice is done once, on both databases, whatever happens in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, cast

import pytest
from flask import Flask, Response
from sqlalchemy import select, update

from repository.accounts import create_user
from repository.api import idempotency
from repository.api.problems import ApiError
from repository.api.tables import IdempotentRequest
from repository.app import create_app
from repository.archive import Archive
from repository.holdings import Agency
from repository.jobs.worker import Worker
from repository.permissions import Actor, Role
from tests.tools.api import Program, problem

AGENCY = {"name": "云栖市水利局"}
OTHER = {"name": "云栖市林业局"}


@pytest.fixture
def app(archive: Archive) -> Flask:
    with archive.transaction(Actor.local()) as tx:
        create_user(tx, name="chen", password="bronze-bound-chest", roles=[Role.SYSTEM_ADMINISTRATOR])
        create_user(tx, name="liu", password="bronze-bound-chest", roles=[Role.SYSTEM_ADMINISTRATOR])
    return create_app(archive)


@pytest.fixture
def chen(app: Flask, archive: Archive) -> Program:
    return Program(app, archive, "chen")


def send(program: Program, body: dict[str, Any], key: str | None = "k-1", path: str = "/agencies") -> Any:
    return program.ask("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})


def agencies(archive: Archive) -> list[str]:
    with archive.read(Actor.local()) as tx:
        return sorted(tx.session.scalars(select(Agency.name)))


def row(archive: Archive) -> IdempotentRequest | None:
    with archive.read(Actor.local()) as tx:
        return tx.session.scalars(select(IdempotentRequest)).one_or_none()


def age(archive: Archive, by: timedelta, **values: Any) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(IdempotentRequest).values(created_at=tx.now - by, **values))


def test_a_repetition_gets_the_answer_of_the_first(archive: Archive, chen: Program) -> None:
    first, again = send(chen, AGENCY), send(chen, AGENCY)
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (201, False)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.data == first.data
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert agencies(archive) == [AGENCY["name"]]


def test_without_a_key_the_second_is_a_request_of_its_own(chen: Program) -> None:
    assert send(chen, AGENCY, None).status_code == 201
    assert problem(send(chen, AGENCY, None)) == (409, "CONFLICT")


def test_a_key_stands_for_one_request(archive: Archive, chen: Program) -> None:
    send(chen, AGENCY)
    assert problem(send(chen, OTHER)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert problem(send(chen, AGENCY, path="/agencies?x=1")) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert agencies(archive) == [AGENCY["name"]]


def test_keys_of_different_people_have_nothing_to_do_with_each_other(app: Flask, archive: Archive, chen: Program) -> None:
    send(chen, AGENCY)
    assert send(Program(app, archive, "liu"), OTHER).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "钥"])
def test_a_key_is_visible_ascii(chen: Program, key: str) -> None:
    answer = chen.ask("POST", "/agencies", json=AGENCY, headers={"Idempotency-Key": key.encode().decode("latin-1")})
    assert problem(answer) == (400, "MALFORMED")


def test_an_error_gives_the_key_back(archive: Archive, chen: Program) -> None:
    send(chen, AGENCY, None)
    assert problem(send(chen, AGENCY)) == (409, "CONFLICT")
    assert row(archive) is None
    assert send(chen, OTHER).status_code == 201


def test_many_at_once_are_one(app: Flask, archive: Archive) -> None:
    programs = [Program(app, archive, "chen") for _ in range(2)]
    gate = Barrier(2)

    def one(program: Program) -> Any:
        gate.wait()
        return send(program, AGENCY)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(one, programs))
    assert agencies(archive) == [AGENCY["name"]]
    done = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code != 201]
    assert done
    assert len({answer.data for answer in done}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in done) == 1
    assert all(problem(answer) == (409, "IDEMPOTENCY_IN_PROGRESS") and answer.headers["Retry-After"] for answer in busy)


def test_a_claim_of_a_living_process_stands_and_that_of_a_dead_one_lapses(archive: Archive, chen: Program) -> None:
    send(chen, AGENCY)
    age(archive, timedelta(seconds=10), status=None, body=None)
    assert problem(send(chen, AGENCY)) == (409, "IDEMPOTENCY_IN_PROGRESS")
    age(archive, timedelta(minutes=3), status=None, body=None)
    assert send(chen, OTHER).status_code == 201
    assert agencies(archive) == sorted([AGENCY["name"], OTHER["name"]])


def test_who_was_taken_for_dead_changes_nothing(app: Flask, archive: Archive) -> None:
    actor = Actor.local()

    def work(tell: idempotency.Tell) -> Response:
        age(archive, timedelta(minutes=1))
        with archive.transaction(actor) as tx:
            tx.session.add(Agency(id="a", name="x", created_at=tx.now))
            tx.flush()
            tell(tx, Response())
        return Response()

    with app.test_request_context("/api/v1/agencies", method="POST"), pytest.raises(ApiError) as told:
        idempotency.once(archive, actor, "k", b"", work)
    assert told.value.code == "IDEMPOTENCY_IN_PROGRESS"
    assert agencies(archive) == []


def test_answers_are_kept_for_a_day(archive: Archive, chen: Program) -> None:
    send(chen, AGENCY)
    age(archive, timedelta(hours=23, minutes=59))
    assert send(chen, AGENCY).headers["Idempotent-Replayed"] == "true"
    age(archive, timedelta(hours=24, minutes=1))
    with archive.transaction(Actor.local()) as tx:
        tx.enqueue("api.sweep", {})
    Worker(archive).run(until_idle=True)
    assert row(archive) is None
    assert problem(send(chen, AGENCY)) == (409, "CONFLICT"), "it is a request of its own by now"


def test_what_has_no_body_is_repeated_without_one(app: Flask, archive: Archive, chen: Program) -> None:
    tokens = cast(dict[str, Any], chen.get("/tokens").json)["items"]
    doomed = tokens[0]["id"]
    other = Program(app, archive, "chen")
    first = other.ask("DELETE", f"/tokens/{doomed}", headers={"Idempotency-Key": "d"})
    again = Program(app, archive, "chen").ask("DELETE", f"/tokens/{doomed}", headers={"Idempotency-Key": "d"})
    assert (first.status_code, again.status_code, again.data) == (204, 204, b"")
    assert again.headers["Idempotent-Replayed"] == "true"
