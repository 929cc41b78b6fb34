"""A home whose second copies are in a bucket: from ingest to rebuild, and while the service is away."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from repository.archive import Archive
from repository.cli import main
from repository.errors import HomeUnusable
from repository.home import make_home
from repository.settings import SETTINGS_FILE, load_settings
from tests.tools.object_services import ObjectService

Run = Callable[..., Result]


def bucket_settings(service: ObjectService, **changed: str) -> str:
    options = service.options()
    values = {
        "name": "cloud",
        "kind": "s3",
        "bucket": options.bucket,
        "prefix": "副本/one",
        "endpoint": options.endpoint,
        "access_key": options.access_key,
        "secret_key": "a-secret-nobody-sees",
        "technology": "object service",
        "place": "another city",
    } | changed
    return "[[stores]]\npriority = 20\n" + "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def write_settings(home: Path, bucket: str, *, required: int = 2) -> None:
    home.mkdir()
    text = f'copies_required = {required}\ndurable_writes = false\n[[stores]]\nname = "a"\nlocation = "stores/a"\npriority = 10\n{bucket}'
    (home / SETTINGS_FILE).write_text(text, encoding="utf-8")


def runner(home: Path) -> Run:
    return lambda *arguments: CliRunner().invoke(main, ["--home", str(home), *map(str, arguments)])


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first home leaves its compiled signatures for the others, since compiling takes seconds."""
    return tmp_path_factory.mktemp("signatures") / "formats"


def share(home: Path, signatures: Path) -> None:
    if signatures.exists():
        shutil.copytree(signatures, home / "formats", dirs_exist_ok=True)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "许可"
    (folder / "附件").mkdir(parents=True)
    (folder / "申请表.txt").write_text("关于餐饮服务许可的申请", encoding="utf-8")
    (folder / "附件" / "图 1.bin").write_bytes(bytes(range(256)) * 30_000)
    (folder / "metadata.csv").write_text("filename,dc.title,dc.identifier\n.,餐饮服务许可,CASE-1\n", encoding="utf-8")
    return folder


def test_from_ingest_to_rebuild(moto: ObjectService, tmp_path: Path, package: Path, signatures: Path) -> None:
    bucket = bucket_settings(moto)
    home = tmp_path / "home"
    write_settings(home, bucket)
    make_home(home).close()
    share(home, signatures)
    run = runner(home)
    stored = lines(run("ingest", "--json", package))
    assert [line["state"] for line in stored] == ["stored"]
    if not signatures.exists():
        shutil.copytree(home / "formats", signatures)
    record = stored[0]["record"]

    listed = {line["store"]: line for line in lines(run("store", "list", "--json"))}
    assert listed["cloud"] == {
        **listed["a"],
        "store": "cloud",
        "kind": "s3",
        "location": f"{moto.endpoint}/{load_settings(home).stores[1].bucket}/副本/one",
        "priority": 20,
    }
    assert (listed["cloud"]["aips"], listed["cloud"]["owed"]) == (1, 0)
    assert "another city" in run("store", "list").stdout
    doctor = run("doctor").stdout
    assert "副本/one" in doctor
    assert "a-secret-nobody-sees" not in doctor + run("store", "list").stdout + repr(load_settings(home))

    audited = run("audit", "--json")
    assert audited.exit_code == 0, audited.output
    assert {line["outcome"] for line in lines(audited) if line.get("store") == "cloud"} == {"match"}

    # only the copy in the bucket is left
    shutil.rmtree(home / "stores" / "a" / "ocfl")
    out = tmp_path / "out"
    exported = run("export", record, out, "--as", "bagit")
    assert exported.exit_code == 0, exported.output
    wanted = (package / "附件" / "图 1.bin").read_bytes()
    assert wanted in [path.read_bytes() for path in out.rglob("*.bin")]

    again = tmp_path / "again"
    write_settings(again, bucket, required=1)
    make_home(again).close()
    rebuilt = runner(again)("rebuild", "--json")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert lines(rebuilt)[-1]["records"] == 1

    archive = Archive.open(again)
    store = archive.store("cloud").objects
    victim = next(entry.key for entry in store.walk("ocfl") if entry.key.endswith("图 1.bin"))
    store.delete(victim)
    store.write(victim, [b"something else"])
    archive.close()
    audited = runner(again)("audit", "--json")
    assert audited.exit_code == 1
    assert "damaged" in {line["outcome"] for line in lines(audited) if line.get("store") == "cloud"}


def test_a_service_that_is_away_does_not_stop_ingest_while_enough_copies_can_be_made(
    moto: ObjectService, tmp_path: Path, package: Path, signatures: Path
) -> None:
    home = tmp_path / "home"
    write_settings(home, bucket_settings(moto), required=1)
    make_home(home).close()
    share(home, signatures)
    file = home / SETTINGS_FILE
    file.write_text(re.sub("archive-[0-9]+", "no-such-bucket", file.read_text(encoding="utf-8")), encoding="utf-8")
    run = runner(home)
    stored = lines(run("ingest", "--json", package))
    assert [line["state"] for line in stored] == ["stored"]
    assert {line["store"]: line["owed"] for line in lines(run("store", "list", "--json"))} == {"a": 0, "cloud": 1}
    doctor = run("doctor")
    assert doctor.exit_code != 0
    assert "NoSuchBucket" in doctor.stdout


@pytest.mark.parametrize(
    ("bucket", "said"),
    [
        ('[[stores]]\nname = "b"\nkind = "s3"\n', "needs a bucket"),
        ('[[stores]]\nname = "b"\nkind = "s3"\nbucket = "one"\nlocation = "x"\n', "has no location"),
        ('[[stores]]\nname = "b"\nlocation = "x"\nbucket = "one"\n', "has no bucket"),
        ('[[stores]]\nname = "b"\nkind = "s3"\nbucket = "one"\naccess_key = "k"\n', "go together"),
        ('[[stores]]\nname = "b"\nkind = "s3"\nbucket = "one"\nprefix = "a/../b"\n', "prefix"),
        ('[[stores]]\nname = "b"\nkind = "s3"\nbucket = "one"\nendpoint = "ftp://x"\n', "endpoint"),
        (
            '[[stores]]\nname = "b"\nkind = "s3"\nbucket = "one"\n[[stores]]\nname = "c"\nkind = "s3"\nbucket = "one"\nprefix = "in"\n',
            "lies inside store b",
        ),
        ('[[stores]]\nname = "b"\nkind = "s3"\nbucket = "one"\naccess_key = "k"\nsecret_key = 7\n', "secret_key"),
    ],
)
def test_settings_that_cannot_be_are_told_with_the_place(tmp_path: Path, bucket: str, said: str) -> None:
    write_settings(tmp_path / "home", bucket)
    with pytest.raises(HomeUnusable, match=said):
        load_settings(tmp_path / "home")
