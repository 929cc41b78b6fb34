"""The tus 1.0.0 server, header by header, and with an independent client (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from ingest.submissions import LOCAL_AGREEMENT
from ingest.uploads.places import set_folder
from ingest.uploads.tables import Upload
from repository.accounts.tokens import create_token
from repository.app import create_app
from repository.archive import Archive
from repository.holdings import Submission, SubmissionState
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Permission
from tests.tools.console import TOKEN, Visitor, _console_home, work_off

__all__ = ["_console_home"]

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
SETS = "/api/v1/upload-sets"
UPLOADS = "/api/v1/uploads"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Sender:
    """Somebody with a token, as a program has one."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client = app.test_client()
        self.token = token

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: object) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en", **(headers or {})}
        return self.client.open(path, method=method, headers=sent, buffered=True, **more)  # type: ignore[arg-type]

    def begin(self, name: str = "办件") -> str:
        answer = self.ask("POST", SETS, json={"name": name, "agreement": LOCAL_AGREEMENT})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        assert answer.headers["Location"] == f"{SETS}/{answer.json['id']}"  # type: ignore[index]
        return str(answer.json["id"])  # type: ignore[index]

    def create(self, set_id: str, path: str, length: int, **headers: str) -> TestResponse:
        metadata = f"set {b64(set_id)},relativePath {b64(path)}"
        return self.ask("POST", UPLOADS, {**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata, **headers})

    def made(self, length: int = 10, path: str = "a.bin") -> str:
        answer = self.create(self.begin(), path, length)
        assert answer.status_code == 201
        return answer.headers["Location"]

    def patch(self, location: str, offset: int, content: bytes, **headers: str) -> TestResponse:
        return self.ask("PATCH", location, {**BYTES, "Upload-Offset": str(offset), **headers}, data=content)

    def offset(self, location: str) -> str:
        return self.ask("HEAD", location, TUS).headers["Upload-Offset"]


def token_for(archive: Archive, name: str, *scopes: Permission) -> str:
    from repository.accounts.lookup import named
    from repository.accounts.roles import actor_of

    with archive.transaction(Actor.local()) as tx:
        actor = actor_of(named(tx, name))
    with archive.transaction(actor) as tx:
        made = create_token(tx, name="sender", scopes=[str(scope) for scope in scopes], expires=tx.now + timedelta(days=1))
    return made.secret


@pytest.fixture(scope="module")
def home(_console_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(_console_home / "home", tmp_path_factory.mktemp("tus") / "home"))


@pytest.fixture(scope="module")
def archive(home: Path) -> Iterator[Archive]:
    opened = Archive.open(home)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(archive: Archive) -> Flask:
    application = create_app(archive)
    application.testing = True
    return application


@pytest.fixture(scope="module")
def sender(app: Flask, archive: Archive) -> Sender:
    return Sender(app, token_for(archive, "archivist", Permission.SUBMISSION_CREATE, Permission.SUBMISSION_READ))


class TestCore:
    def test_options_say_what_is_spoken_to_anybody(self, app: Flask, sender: Sender) -> None:
        for path in (UPLOADS, sender.made()):
            answer = app.test_client().options(path)
            assert answer.status_code == 204
            assert answer.headers["Tus-Resumable"] == "1.0.0"
            assert answer.headers["Tus-Version"] == "1.0.0"
            assert int(answer.headers["Tus-Max-Size"]) > 1 << 30
            assert answer.headers["Tus-Extension"].split(",") == [
                "creation", "creation-with-upload", "expiration", "checksum", "termination",
            ]  # fmt: skip
            assert {"sha1", "sha256", "sha512"} <= set(answer.headers["Tus-Checksum-Algorithm"].split(","))

    def test_another_version_is_refused_and_changes_nothing(self, sender: Sender) -> None:
        location = sender.made()
        for method, path in (("POST", UPLOADS), ("HEAD", location), ("PATCH", location), ("DELETE", location)):
            for version in ({}, {"Tus-Resumable": "0.2.2"}):
                answer = sender.ask(method, path, version)
                assert answer.status_code == 412
                assert answer.headers["Tus-Version"] == "1.0.0"
        assert sender.offset(location) == "0"

    def test_head_says_how_far_and_must_not_be_cached(self, sender: Sender) -> None:
        location = sender.made(10)
        sender.patch(location, 0, b"0123")
        answer = sender.ask("HEAD", location, TUS)
        assert answer.status_code == 200
        assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("4", "10")
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["Tus-Resumable"] == "1.0.0"

    @pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
    def test_what_is_not_there_is_404_without_an_offset(self, sender: Sender, method: str) -> None:
        answer = sender.ask(method, f"{UPLOADS}/nothing", {**BYTES, "Upload-Offset": "0"})
        assert answer.status_code == 404
        assert "Upload-Offset" not in answer.headers
        assert answer.headers["Tus-Resumable"] == "1.0.0"

    def test_patch_appends_and_says_the_new_offset(self, sender: Sender) -> None:
        location = sender.made(10)
        first = sender.patch(location, 0, b"01234")
        assert (first.status_code, first.headers["Upload-Offset"], first.get_data()) == (204, "5", b"")
        assert sender.patch(location, 5, b"56789").headers["Upload-Offset"] == "10"
        assert sender.patch(location, 10, b"").status_code == 204

    def test_a_wrong_offset_is_a_conflict(self, sender: Sender) -> None:
        location = sender.made(10)
        sender.patch(location, 0, b"0123")
        for offset in (0, 3, 5, 11):
            answer = sender.patch(location, offset, b"x")
            assert answer.status_code == 409
            assert answer.mimetype == "application/problem+json"
        assert sender.offset(location) == "4"

    @pytest.mark.parametrize("offset", ["-1", "1.0", "", "x", "0x1", "1 2", "9" * 30])
    def test_an_offset_that_is_no_number_is_refused(self, sender: Sender, offset: str) -> None:
        assert sender.patch(sender.made(), 0, b"x", **{"Upload-Offset": offset}).status_code == 400

    def test_another_media_type_is_refused(self, sender: Sender) -> None:
        location = sender.made()
        answer = sender.ask("PATCH", location, {**TUS, "Upload-Offset": "0", "Content-Type": "application/octet-stream"}, data=b"x")
        assert answer.status_code == 415
        assert sender.offset(location) == "0"

    def test_the_method_can_be_overridden(self, sender: Sender) -> None:
        location = sender.made(4)
        override = {**BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
        assert sender.ask("POST", location, override, data=b"0123").status_code == 204
        assert sender.offset(location) == "4"
        assert sender.ask("POST", location, {**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
        assert sender.ask("POST", location, TUS).status_code == 405
        assert sender.ask("HEAD", location, TUS).status_code == 404


class TestCreation:
    def test_a_file_is_announced(self, sender: Sender) -> None:
        set_id = sender.begin()
        answer = sender.create(set_id, "正文/a b.txt", 100)
        assert answer.status_code == 201
        assert re.fullmatch(rf"{UPLOADS}/[0-9a-f-]{{36}}", answer.headers["Location"])
        found = sender.ask("HEAD", answer.headers["Location"], TUS).headers
        pairs = dict(pair.split(" ") for pair in found["Upload-Metadata"].split(","))
        assert base64.b64decode(pairs["relativePath"]).decode() == "正文/a b.txt"
        assert base64.b64decode(pairs["set"]).decode() == set_id

    def test_an_empty_file_is_whole_at_once(self, sender: Sender) -> None:
        set_id = sender.begin()
        answer = sender.create(set_id, "空.txt", 0)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
        assert "Upload-Expires" not in answer.headers
        assert sender.ask("POST", f"{SETS}/{set_id}/finish").status_code == 200

    @pytest.mark.parametrize("length", ["-5", "ten", "", "1e3", "9" * 25])
    def test_a_length_that_is_no_number_is_refused(self, sender: Sender, length: str) -> None:
        assert sender.create(sender.begin(), "a", 0, **{"Upload-Length": length}).status_code == 400

    def test_a_length_must_be_known(self, sender: Sender) -> None:
        headers = {**TUS, "Upload-Defer-Length": "1", "Upload-Metadata": f"set {b64(sender.begin())},filename {b64('a')}"}
        assert sender.ask("POST", UPLOADS, headers).status_code == 400

    def test_more_than_may_be_sent_is_413(self, sender: Sender, app: Flask) -> None:
        most = int(app.test_client().options(UPLOADS).headers["Tus-Max-Size"])
        answer = sender.create(sender.begin(), "a", most + 1)
        assert answer.status_code == 413
        assert "at most" in answer.json["detail"]  # type: ignore[index]

    @pytest.mark.parametrize(
        "metadata",
        [
            "", "set", "set ***", "set //,filename YQ==", "set {set},set {set},filename YQ==", "filename YQ==",
            "set {set}", "set {set},filename /w==", "a b c", ",,,", "sé {set}",
        ],
    )  # fmt: skip
    def test_metadata_that_cannot_be_read_is_refused(self, sender: Sender, metadata: str) -> None:
        set_id = sender.begin()
        headers = {**TUS, "Upload-Length": "1", "Upload-Metadata": metadata.replace("{set}", b64(set_id))}
        answer = sender.ask("POST", UPLOADS, headers)
        assert answer.status_code == 400, answer.get_data(as_text=True)
        assert sender.ask("GET", f"{SETS}/{set_id}").json["files"] == 0  # type: ignore[index]

    @pytest.mark.parametrize(
        "name", ["a\r\nSet-Cookie: x=1", "a\nb", "a\tb", "\u202egpj.exe", "a\x1bb", "<script>", 'a"; b="c', "x" * 5000]
    )
    def test_names_can_neither_break_a_header_nor_a_log(self, sender: Sender, archive: Archive, name: str) -> None:
        answer = sender.create(sender.begin(name[:200]), name, 1)
        assert answer.status_code == 201
        head = sender.ask("HEAD", answer.headers["Location"], TUS)
        assert "Set-Cookie" not in head.headers
        assert not any(character in value for _, value in head.headers for character in "\r\n")
        with archive.read(Actor.local()) as tx:
            lines = tx.session.scalars(select(LogEntry).where(LogEntry.action == "upload.begun")).all()
            assert all(json.dumps(line.detail).isprintable() for line in lines)
            path = tx.session.get_one(Upload, answer.headers["Location"].rpartition("/")[2]).path
            assert "\0" not in path
            assert "\x1b" not in path

    @pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "C:\\x", "a//b"])
    def test_paths_that_lead_out_are_refused(self, sender: Sender, path: str) -> None:
        answer = sender.create(sender.begin(), path, 1)
        assert answer.status_code == 400
        assert answer.json["code"] == "USAGE"  # type: ignore[index]

    def test_a_name_that_is_taken_is_a_conflict_that_names_both(self, sender: Sender) -> None:
        set_id = sender.begin()
        sender.create(set_id, "Plan.pdf", 1)
        answer = sender.create(set_id, "plan.PDF", 1)
        assert answer.status_code == 409
        assert "Plan.pdf" in answer.json["detail"]  # type: ignore[index]
        assert "plan.PDF" in answer.json["detail"]  # type: ignore[index]


class TestCreationWithUpload:
    def test_the_first_bytes_come_along(self, sender: Sender) -> None:
        metadata = f"set {b64(sender.begin())},relativePath {b64('a.bin')}"
        answer = sender.ask("POST", UPLOADS, {**BYTES, "Upload-Length": "10", "Upload-Metadata": metadata}, data=b"0123")
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "4")
        assert sender.patch(answer.headers["Location"], 4, b"456789").headers["Upload-Offset"] == "10"

    def test_bytes_of_another_media_type_are_refused(self, sender: Sender) -> None:
        metadata = f"set {b64(sender.begin())},relativePath {b64('a.bin')}"
        answer = sender.ask("POST", UPLOADS, {**TUS, "Upload-Length": "4", "Upload-Metadata": metadata}, data=b"0123")
        assert answer.status_code == 415


class TestExpiration:
    def test_an_unfinished_upload_says_when_it_goes(self, sender: Sender) -> None:
        location = sender.made(10)
        answer = sender.patch(location, 0, b"0123")
        expires = parsedate_to_datetime(answer.headers["Upload-Expires"])
        assert timedelta(hours=71) < expires - datetime.now(UTC) < timedelta(hours=73)
        assert "Upload-Expires" not in sender.patch(location, 4, b"456789").headers


class TestChecksum:
    @pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "sm3"])
    def test_bytes_that_arrive_changed_are_460_and_not_kept(self, sender: Sender, algorithm: str) -> None:
        location = sender.made(8)
        right, wrong = (b64(hashlib.new(algorithm, content).digest()) for content in (b"01234567", b"other"))
        answer = sender.patch(location, 0, b"01234567", **{"Upload-Checksum": f"{algorithm} {wrong}"})
        assert answer.status_code == 460
        assert answer.json["code"] == "UPLOAD_CHECKSUM_WRONG"  # type: ignore[index]
        assert sender.offset(location) == "0"
        assert sender.patch(location, 0, b"01234567", **{"Upload-Checksum": f"{algorithm} {right}"}).status_code == 204

    @pytest.mark.parametrize("text", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha256", "sha256 ???", "sha256 YQ==", "", "sha256  "])
    def test_a_checksum_that_cannot_be_used_is_400(self, sender: Sender, text: str) -> None:
        location = sender.made(4)
        assert sender.patch(location, 0, b"0123", **{"Upload-Checksum": text}).status_code == 400
        assert sender.offset(location) == "0"


class TestTermination:
    def test_a_file_is_taken_out_with_its_bytes(self, sender: Sender, archive: Archive) -> None:
        location = sender.made(4, "gone.bin")
        sender.patch(location, 0, b"0123")
        answer = sender.ask("DELETE", location, TUS)
        assert (answer.status_code, answer.headers["Tus-Resumable"]) == (204, "1.0.0")
        assert sender.ask("HEAD", location, TUS).status_code == 404
        assert not list(archive.inbox_folder.rglob("gone.bin"))


class TestLies:
    def test_more_bytes_than_announced(self, sender: Sender) -> None:
        location = sender.made(4)
        answer = sender.patch(location, 0, b"01234")
        assert answer.status_code == 413
        assert "a.bin" in answer.json["detail"]  # type: ignore[index]
        assert sender.offset(location) == "0"

    def test_fewer_bytes_than_announced_are_not_handed_in(self, sender: Sender) -> None:
        set_id = sender.begin()
        location = sender.create(set_id, "正文.txt", 10).headers["Location"]
        sender.patch(location, 0, b"0123")
        answer = sender.ask("POST", f"{SETS}/{set_id}/finish")
        assert answer.status_code == 409
        assert "正文.txt (4/10)" in answer.json["detail"]  # type: ignore[index]


class TestWho:
    def test_nobody_without_a_name(self, app: Flask, sender: Sender) -> None:
        location = sender.made()
        stranger = app.test_client()
        for method, path in (
            ("POST", UPLOADS),
            ("HEAD", location),
            ("PATCH", location),
            ("DELETE", location),
            ("GET", SETS),
            ("POST", SETS),
        ):
            answer = stranger.open(path, method=method, headers=BYTES)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_somebody_else_finds_nothing(self, app: Flask, archive: Archive, sender: Sender) -> None:
        set_id = sender.begin("secret name")
        location = sender.create(set_id, "a.bin", 4).headers["Location"]
        other = Sender(app, token_for(archive, "agency-officer", Permission.SUBMISSION_CREATE))
        for answer in (
            other.ask("HEAD", location, TUS),
            other.patch(location, 0, b"0123"),
            other.ask("DELETE", location, TUS),
            other.ask("GET", f"{SETS}/{set_id}"),
            other.ask("POST", f"{SETS}/{set_id}/finish"),
            other.ask("DELETE", f"{SETS}/{set_id}"),
            other.create(set_id, "b", 1),
        ):
            assert answer.status_code == 404
            assert b"secret" not in answer.get_data()
        assert other.ask("GET", SETS).json == {"items": []}

    def test_a_token_without_the_scope_is_refused(self, app: Flask, archive: Archive) -> None:
        reader = Sender(app, token_for(archive, "archivist", Permission.RECORD_READ))
        assert reader.ask("POST", SETS, json={"name": "x", "agreement": LOCAL_AGREEMENT}).status_code == 403

    def test_with_the_consoles_session_the_page_must_be_ours(self, app: Flask) -> None:
        visitor = Visitor(app)
        visitor.log_in("archivist")
        body = {"name": "x", "agreement": LOCAL_AGREEMENT}
        assert visitor.client.post(SETS, json=body).status_code == 403
        found = TOKEN.search(visitor.get("/ingest/upload").get_data(as_text=True))
        assert found is not None
        assert visitor.client.post(SETS, json=body, headers={"X-CSRFToken": found[1]}).status_code == 201


def test_a_set_goes_from_its_first_byte_to_the_record(sender: Sender, archive: Archive) -> None:
    set_id = sender.begin("新办件")
    for path, content in (("a.txt", b"first file"), ("b/c.txt", b"second file")):
        sender.patch(sender.create(set_id, path, len(content)).headers["Location"], 0, content)
    state = sender.ask("GET", f"{SETS}/{set_id}").json
    assert state is not None
    assert (state["files"], state["complete"], state["received"], state["submission"]) == (2, 2, 21, None)
    done = sender.ask("POST", f"{SETS}/{set_id}/finish").json
    assert done is not None
    work_off(archive)
    with archive.read(Actor.local()) as tx:
        row = tx.session.get_one(Submission, done["submission"])
        assert (row.state, row.files, row.name) == (SubmissionState.STORED, 2, "新办件")
    assert not set_folder(archive, set_id).exists()
    assert sender.ask("DELETE", f"{SETS}/{set_id}").status_code == 409


def test_an_idempotency_key_begins_one_set(sender: Sender) -> None:
    body = {"name": "x", "agreement": LOCAL_AGREEMENT}
    answers = [sender.ask("POST", SETS, {"Idempotency-Key": "one"}, json=body).json for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.fixture
def listening(app: Flask) -> Iterator[str]:
    """The application behind a socket, for clients of other people."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_independent_client_sends_in_chunks(listening: str, sender: Sender, archive: Archive, tmp_path: Path) -> None:
    tus_client = pytest.importorskip("tusclient.client", reason="tuspy is not installed")
    content = os.urandom(300_001)
    file = tmp_path / "plan.bin"
    file.write_bytes(content)
    set_id = sender.begin("plan.bin")
    client = tus_client.TusClient(f"{listening}{UPLOADS}", headers={"Authorization": f"Bearer {sender.token}"})
    metadata = {"set": set_id, "filename": "plan.bin"}
    with file.open("rb") as stream:
        uploader = client.uploader(file_stream=stream, chunk_size=100_000, metadata=metadata, upload_checksum=True)
        uploader.upload_chunk()
    # another process goes on where the first stopped
    with file.open("rb") as stream:
        again = client.uploader(file_stream=stream, chunk_size=100_000, url=uploader.url, upload_checksum=True)
        assert again.offset == 100_000
        again.upload()
    answer = sender.ask("POST", f"{SETS}/{set_id}/finish")
    assert answer.status_code == 200
    with archive.read(Actor.local()) as tx:
        assert answer.json is not None
        source = Path(tx.session.get_one(Submission, answer.json["submission"]).source)
    assert source.read_bytes() == content


def test_what_came_before_a_connection_broke_counts(listening: str, sender: Sender) -> None:
    location = sender.made(1 << 20)
    where = urlsplit(listening)
    assert where.hostname is not None
    with socket.create_connection((where.hostname, where.port or 80)) as connection:
        head = [
            f"PATCH {location} HTTP/1.1", f"Host: {where.netloc}", f"Authorization: Bearer {sender.token}", "Tus-Resumable: 1.0.0",
            "Upload-Offset: 0", "Content-Type: application/offset+octet-stream", f"Content-Length: {1 << 20}", "", "",
        ]  # fmt: skip
        connection.sendall("\r\n".join(head).encode() + bytes(200_000))
    deadline = time.monotonic() + 30
    while sender.offset(location) == "0" and time.monotonic() < deadline:
        time.sleep(0.1)
    offset = int(sender.offset(location))
    assert 0 < offset <= 200_000
    assert sender.patch(location, offset, bytes((1 << 20) - offset)).status_code == 204


def test_a_server_that_is_killed_goes_on_where_it_acknowledged(sender: Sender, home: Path, archive: Archive) -> None:
    import http.client

    content = os.urandom(3 << 20)
    set_id = sender.begin("killed.bin")
    location = sender.create(set_id, "killed.bin", len(content)).headers["Location"]

    def start() -> tuple[subprocess.Popen[str], int]:
        command = [sys.executable, "-m", "repository", "--home", str(home), "serve", "--port", "0", "--workers", "0"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://[^:]+:(\d+)", line):
                return process, int(found[1])
        raise AssertionError("the server ended")

    def headers(offset: int) -> dict[str, str]:
        return {**BYTES, "Authorization": f"Bearer {sender.token}", "Upload-Offset": str(offset)}

    def offset_at(port: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("HEAD", location, headers={**TUS, "Authorization": f"Bearer {sender.token}"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return int(answer.headers["Upload-Offset"])

    process, port = start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("PATCH", location, body=content[: 1 << 20], headers=headers(0))
        assert connection.getresponse().status == 204
        connection.close()
        torn = socket.create_connection(("127.0.0.1", port))
        lines = [
            f"PATCH {location} HTTP/1.1",
            "Host: x",
            f"Content-Length: {2 << 20}",
            *(f"{name}: {value}" for name, value in headers(1 << 20).items()),
            "",
            "",
        ]
        torn.sendall("\r\n".join(lines).encode() + content[1 << 20 : 2 << 20])
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        torn.close()
    finally:
        process.kill()
        process.communicate()
    process, port = start()
    try:
        offset = offset_at(port)
        assert 1 << 20 <= offset <= 2 << 20
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("PATCH", location, body=content[offset:], headers=headers(offset))
        assert connection.getresponse().status == 204
        connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=60)
    answer = sender.ask("POST", f"{SETS}/{set_id}/finish")
    assert answer.json is not None
    with archive.read(Actor.local()) as tx:
        assert Path(tx.session.get_one(Submission, answer.json["submission"]).source).read_bytes() == content
