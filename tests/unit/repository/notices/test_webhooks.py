"""Messages to other programs: signed, tried again, given up; and addresses that must not be called."""

import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlalchemy import select

from repository.archive import Archive
from repository.errors import PermissionDenied, UsageError
from repository.notices import webhooks
from repository.notices.calling import CallFailed, Target, post, resolve
from repository.notices.delivering import ATTEMPTS, deliver_due, pause_after, signature
from repository.notices.kinds import Kind, Severity
from repository.notices.tables import WebhookDelivery
from repository.notices.webhooks import DeliveryState, announce, create_webhook, send_again, send_test
from repository.permissions import Actor, Role
from repository.settings import SETTINGS_FILE
from tests.tools.receivers import Receiver, receiver, status

ADMINISTRATOR = Actor(id="sam", name="sam", roles=frozenset({Role.SYSTEM_ADMINISTRATOR}))


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def home(home: Path) -> Path:
    settings = home / SETTINGS_FILE
    settings.write_text("webhook_private_addresses = true\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    return home


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, clock: Clock) -> Iterator[Archive]:
    opened = Archive.open(home, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def program() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def add(archive: Archive, address: str, *kinds: Kind) -> tuple[str, str]:
    with archive.transaction(ADMINISTRATOR) as tx:
        return create_webhook(tx, name="monitoring", url=address, kinds=kinds or [Kind.SUBMISSION_STORED])


def happen(archive: Archive, kind: Kind = Kind.SUBMISSION_STORED) -> int:
    with archive.transaction(Actor.system("worker")) as tx:
        return announce(tx, kind, severity=Severity.INFO, object_type="submission", object_id="s1", path="/ingest/s1")


def deliveries(archive: Archive) -> list[WebhookDelivery]:
    with archive.read(ADMINISTRATOR) as tx:
        return list(tx.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.created_at)))


def test_a_message_is_signed_as_the_documentation_says(archive: Archive, program: Receiver, clock: Clock) -> None:
    _, secret = add(archive, program.address)
    assert happen(archive) == 1
    assert happen(archive, Kind.JOB_FAILED) == 0
    assert deliver_due(archive) == 1
    (call,) = program.calls
    parts = dict(part.split("=", 1) for part in call.headers["Jingui-Signature"].split(","))
    wanted = hmac.new(secret.encode(), parts["t"].encode() + b"." + call.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(wanted, parts["v1"])
    assert int(parts["t"]) == int(clock.now.timestamp())
    body = json.loads(call.body)
    assert body["kind"] == call.headers["Jingui-Event"] == "submission.stored"
    assert body["object"] == {"type": "submission", "id": "s1"}
    assert body["id"] == call.headers["Jingui-Delivery"]
    (row,) = deliveries(archive)
    assert (row.state, row.status, row.attempts) == (DeliveryState.DELIVERED, 204, 1)


def test_another_secret_gives_another_signature() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert signature("a", moment, b"x") != signature("b", moment, b"x")
    assert signature("a", moment, b"x") != signature("a", moment, b"y")
    assert signature("a", moment, b"x") != signature("a", moment + timedelta(seconds=1), b"x")


def test_a_receiver_that_fails_is_asked_again_with_the_same_message_and_then_given_up(
    archive: Archive, program: Receiver, clock: Clock
) -> None:
    program.answer = lambda handler: status(handler, 500)
    add(archive, program.address)
    happen(archive)
    for attempt in range(1, ATTEMPTS + 3):
        deliver_due(archive)
        assert len(program.calls) == min(attempt, ATTEMPTS)
        deliver_due(archive)
        assert len(program.calls) == min(attempt, ATTEMPTS), "not before the pause"
        clock.now += timedelta(hours=7)
    (row,) = deliveries(archive)
    assert (row.state, row.status) == (DeliveryState.GIVEN_UP, 500)
    assert "500" in row.error
    assert len({call.body for call in program.calls}) == 1
    with archive.transaction(ADMINISTRATOR) as tx:
        assert webhooks.given_up(tx) == 1
        send_again(tx, row.id)
    program.answer = lambda handler: status(handler, 200)
    assert deliver_due(archive) == 1


def test_pauses_grow_up_to_six_hours() -> None:
    pauses = [pause_after(attempt) for attempt in range(1, ATTEMPTS + 1)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=30)
    assert pauses[-1] == timedelta(hours=6)


def test_a_redirect_is_not_followed(archive: Archive, program: Receiver) -> None:
    with receiver() as other:
        program.answer = lambda handler: status(handler, 307, Location=other.address)
        add(archive, program.address)
        happen(archive)
        assert deliver_due(archive) == 0
        assert other.calls == []
    (row,) = deliveries(archive)
    assert row.status == 307
    assert "redirects" in row.error


def test_a_receiver_that_never_ends_its_answer_is_cut_off(program: Receiver) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(600):
            if program.stopping.wait(0.05):
                return
            try:
                handler.wfile.write(b"X-Slow: 1\r\n")
            except OSError:
                return

    program.answer = drip
    with pytest.raises(CallFailed, match="no answer within"):
        post(resolve(program.address, private=True), b"{}", {}, seconds=0.6)


def test_a_huge_answer_is_not_read(program: Receiver) -> None:
    sent = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        try:
            while not program.stopping.is_set():
                handler.wfile.write(b"x" * 1_000_000)
                sent.append(1)
        except OSError:
            return

    program.answer = flood
    assert post(resolve(program.address, private=True), b"{}", {}) == 200
    assert len(sent) < 100


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://10.0.0.8/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://0.0.0.0/x",
        "https://localhost/x",
        "https://2130706433/x",
        "https://224.0.0.1/x",
    ],
)
def test_nothing_of_the_own_network_is_called_unless_the_settings_say_so(address: str) -> None:
    with pytest.raises(CallFailed):
        resolve(address, private=False)


def test_without_tls_nothing_leaves_the_own_network() -> None:
    with pytest.raises(CallFailed, match="without https"):
        resolve("http://93.184.215.14/x", private=True)


def test_the_connection_goes_to_the_address_that_was_looked_at(program: Receiver) -> None:
    target = resolve(program.address, private=True)
    # what the name means by now does not matter: it is not asked again
    moved = Target(host="moved.invalid", address=target.address, port=target.port, path=target.path, encrypted=False)
    assert post(moved, b"{}", {}) == 204
    assert program.calls[0].headers["Host"].startswith("moved.invalid")


def test_who_has_no_certificate_we_trust_is_told_nothing(program: Receiver) -> None:
    target = resolve(program.address, private=True)
    secure = Target(host="127.0.0.1", address=target.address, port=target.port, path="/", encrypted=True)
    with pytest.raises(CallFailed):
        post(secure, b"{}", {}, seconds=2, tls=ssl.create_default_context())
    assert program.calls == []


@pytest.mark.parametrize(
    ("name", "address", "kinds", "about"),
    [
        ("", "https://example.org/", ["job.failed"], "name"),
        ("x" * 101, "https://example.org/", ["job.failed"], "name"),
        ("x", "ftp://example.org/", ["job.failed"], "url"),
        ("x", "https://", ["job.failed"], "url"),
        ("x", "https://example.org:99999/", ["job.failed"], "url"),
        ("x", "https://user:secret@example.org/", ["job.failed"], "url"),
        ("x", "https://example.org/\r\nX: y", ["job.failed"], "url"),
        ("x", "https://例子.example/", ["job.failed"], "url"),
        ("x", "https://example.org/", [], "kinds"),
        ("x", "https://example.org/", ["account.locked"], "kinds"),
    ],
)
def test_what_cannot_be_a_webhook_is_said_at_its_field(archive: Archive, name: str, address: str, kinds: list[str], about: str) -> None:
    with pytest.raises(webhooks.WrongWebhook) as refused, archive.transaction(ADMINISTRATOR) as tx:
        create_webhook(tx, name=name, url=address, kinds=kinds)
    assert refused.value.about == about
    assert isinstance(refused.value, UsageError)


def test_only_who_manages_webhooks_reaches_them(archive: Archive, program: Receiver) -> None:
    id, _ = add(archive, program.address)
    archivist = Actor(id="ada", name="ada", roles=frozenset({Role.ARCHIVIST}))
    for use in (lambda tx: webhooks.list_webhooks(tx), lambda tx: webhooks.find_webhook(tx, id), lambda tx: send_test(tx, id)):
        with pytest.raises(PermissionDenied), archive.transaction(archivist) as tx:
            use(tx)


def test_one_that_is_switched_off_is_sent_nothing(archive: Archive, program: Receiver) -> None:
    id, _ = add(archive, program.address)
    happen(archive)
    with archive.transaction(ADMINISTRATOR) as tx:
        webhooks.change_webhook(tx, id, name="x", url=program.address, kinds=[Kind.SUBMISSION_STORED], active=False)
    assert happen(archive) == 0
    assert deliver_due(archive) == 0
    assert program.calls == []
