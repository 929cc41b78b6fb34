"""The commands in docs/api.md, run as they stand against a server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from repository.api.kinds import KINDS
from repository.archive import Archive
from tests.conftest import ROOT
from tests.tools.api import token_of
from tests.tools.console import _console_home, app, bag, database, home, packed

__all__ = ["_console_home", "app", "database", "home"]

PAGE = ROOT / "docs" / "api.md"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:  # noqa: F811
    """The application, served on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not installed")
def test_the_commands_of_the_documentation_do_what_it_says(address: str, archive: Archive, tmp_path: Path) -> None:
    work = tmp_path / "shell"
    packed(work / "package.zip", bag({"letter.txt": b"a letter"}))
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 8
    environment = {**os.environ, "JINGUI": address, "TOKEN": token_of(archive, "archivist"), "no_proxy": "*"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert '"name": "archivist"' in done.stdout
    assert '"valid": true' in done.stdout
    assert (work / "copy-for-use.zip").read_bytes()[:2] == b"PK"


def test_the_table_of_errors_is_whole() -> None:
    rows = set(re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", PAGE.read_text("utf-8"), flags=re.MULTILINE))
    assert rows == {(str(kind.status), kind.code, kind.title) for kind in KINDS.values()}
