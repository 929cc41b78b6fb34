"""OpenStack Swift on ports of this machine: one device, one replica, users in its settings, its S3 interface in front.

It runs as an account of few rights below a folder of its own, and ends with the tests.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tests.tools.object_services import ObjectService

PROGRAMS = (
    "swift-proxy-server",
    "swift-account-server",
    "swift-container-server",
    "swift-object-server",
    "swift-ring-builder",
    "memcached",
)

_COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_level = ERROR
log_udp_host = 127.0.0.1
log_udp_port = 9
"""

_STORAGE = """
[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""

_PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats s3api tempauth copy slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true

[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


def absent() -> str:
    """Why Swift cannot be started here, or an empty text."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(missing)} (see debian-packages.txt)" if missing else ""


@contextmanager
def swift_service() -> Iterator[ObjectService]:
    """Starts Swift and gives its S3 interface."""
    folder = Path(tempfile.mkdtemp(prefix="jingui-swift-", dir="/tmp"))
    user = "nobody" if os.geteuid() == 0 else getpass.getuser()
    ports = dict(zip(("object", "container", "account", "proxy", "memcached"), _free_ports(5), strict=True))
    running: list[subprocess.Popen[bytes]] = []
    try:
        _prepare(folder, user, ports)
        _start(running, user, folder, "memcached", "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-m", "16")
        for kind in ("account", "container", "object", "proxy"):
            _start(running, user, folder, f"swift-{kind}-server", str(folder / f"{kind}-server.conf"))
        service = ObjectService(
            endpoint=f"http://127.0.0.1:{ports['proxy']}", access_key="test:tester", secret_key="testing", _numbers=count(1)
        )
        _await(service, running, folder)
        yield service
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path, user: str, ports: dict[str, int]) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\nswift_hash_path_prefix = tests\n", encoding="utf-8")
    for kind in ("object", "container", "account"):
        settings = _COMMON + _STORAGE.replace("{kind}", kind)
        (folder / f"{kind}-server.conf").write_text(settings.format(port=ports[kind], user=user, folder=folder), encoding="utf-8")
        builder = f"{kind}.builder"
        for arguments in (
            (builder, "create", "2", "1", "0"),
            (
                builder,
                "add",
                "--region",
                "1",
                "--zone",
                "1",
                "--ip",
                "127.0.0.1",
                "--port",
                str(ports[kind]),
                "--device",
                "d1",
                "--weight",
                "1",
            ),
            (builder, "rebalance"),
        ):
            subprocess.run(["swift-ring-builder", *arguments], cwd=folder, check=True, capture_output=True)
    proxy = (_COMMON + _PROXY).format(port=ports["proxy"], user=user, folder=folder, memcached=ports["memcached"])
    (folder / "proxy-server.conf").write_text(proxy, encoding="utf-8")
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user)


def _start(running: list[subprocess.Popen[bytes]], user: str, folder: Path, *command: str) -> None:
    as_user = ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", "--"] if os.geteuid() == 0 else []
    with (folder / f"{command[0]}.log").open("wb") as log:
        running.append(subprocess.Popen([*as_user, *command], cwd=folder, stdout=log, stderr=subprocess.STDOUT))


def _await(service: ObjectService, running: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Returns when the service answers."""
    ends = time.monotonic() + 60
    while True:
        try:
            service.client.create_bucket(Bucket="ready")
            return
        except (ClientError, BotoCoreError) as error:
            if time.monotonic() > ends or any(process.poll() is not None for process in running):
                said = "\n".join(f"{log.name}: {log.read_text(errors='replace')[-2000:]}" for log in sorted(folder.glob("*.log")))
                raise RuntimeError(f"Swift does not answer: {error}\n{said}") from error
            time.sleep(0.2)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
