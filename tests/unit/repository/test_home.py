"""Making a home, its settings, and opening it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repository.archive import Archive
from repository.errors import HomeMissing, HomeUnusable, NotFound
from repository.home import make_home
from repository.permissions import Actor
from repository.settings import load_settings


def write_settings(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "jingui.toml").write_text(text, encoding="utf-8")


def test_a_home_is_made_with_two_stores_and_an_open_agreement(tmp_path: Path) -> None:
    from repository.holdings import Agreement

    archive = make_home(tmp_path / "home")
    assert [store.name for store in archive.stores] == ["a", "b"]
    assert all(store.root.exists() for store in archive.stores)
    with archive.read(Actor.local()) as tx:
        agreement = tx.session.get(Agreement, "local")
        assert agreement is not None
        assert agreement.open
    archive.close()


def test_making_it_again_keeps_what_is_there(tmp_path: Path) -> None:
    make_home(tmp_path / "home").close()
    file = tmp_path / "home" / "jingui.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('"Jingui"', '"云栖市档案馆"'), encoding="utf-8")
    archive = make_home(tmp_path / "home")
    assert archive.settings.archive_name == "云栖市档案馆"
    archive.close()


def test_the_settings_file_says_the_defaults(tmp_path: Path) -> None:
    make_home(tmp_path / "home").close()
    file = tmp_path / "home" / "jingui.toml"
    written = load_settings(tmp_path / "home")
    lines = (line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in file.read_text("utf-8").splitlines())
    file.write_text("\n".join(line for line in lines if not line.startswith("#") and "postgresql" not in line), encoding="utf-8")
    assert load_settings(tmp_path / "home") == written


def test_only_its_owner_reads_the_settings(tmp_path: Path) -> None:
    make_home(tmp_path / "home").close()
    assert (tmp_path / "home" / "jingui.toml").stat().st_mode & 0o077 == 0


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(HomeUnusable, match="not empty"):
        make_home(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt"]


def test_a_place_that_cannot_be_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(HomeUnusable, match="file"):
        make_home(tmp_path / "file" / "home")


def test_a_store_whose_disk_is_away_is_not_made_anew(archive: Archive) -> None:
    from repository.holdings import Aip, Copy, Record

    now = archive.clock()
    with archive.transaction(Actor.local()) as tx:
        tx.session.add(
            Record(
                id="1", agreement_code="local", state="stored", profile="folder", title="t", description={}, created_at=now, changed_at=now
            )
        )
        tx.session.flush()
        tx.session.add(Aip(id="a", record_id="1", version=1, inventory_digest="", files=1, bytes=1, created_at=now, stored_at=now))
        tx.session.flush()
        tx.session.add(Copy(aip_id="a", store="b", version=1, state="match"))
    away = archive.store("b").location
    away.rename(away.with_name("elsewhere"))
    make_home(archive.home).close()
    assert not away.exists()


def test_where_there_is_no_home_the_remedy_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(HomeMissing) as caught:
        Archive.open(tmp_path / "nowhere")
    assert "jingui init" in caught.value.remedy
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("copys_required = 2", "copys_required"),
        ("copies_required = 0", "copies_required"),
        ('language = "fr"', "language"),
        ('time_zone = "Mars/Olympus"', "Mars/Olympus"),
        ("copies_required = ", "Invalid value"),
        ('[[stores]]\nname = "a"\nlocation = "x"\n[[stores]]\nname = "a"\nlocation = "y"', "same name: a"),
        ('[[stores]]\nname = "a"\nlocation = "x"\n[[stores]]\nname = "b"\nlocation = "x"', "same location: x"),
        ('[[stores]]\nname = "../a"\nlocation = "x"', "stores.0.name"),
        ('[[stores]]\nname = "a"\nlocation = "x"\ncolour = "red"', "stores.0.colour"),
        ("stores = []", "at least one store"),
        ("[unpack]\nentries = -1", "unpack.entries"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, text: str, named: str) -> None:
    write_settings(tmp_path, text)
    with pytest.raises(HomeUnusable) as caught:
        Archive.open(tmp_path)
    assert named in caught.value.message
    assert str(tmp_path / "jingui.toml") in caught.value.message


def test_the_environment_goes_before_the_file_and_the_home_that_was_named_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, 'archive_name = "file"\n[unpack]\ndepth = 3')
    monkeypatch.setenv("JINGUI_ARCHIVE_NAME", "environment")
    monkeypatch.setenv("JINGUI_UNPACK__ENTRIES", "7")
    monkeypatch.setenv("JINGUI_HOME", "/somewhere/else")
    settings = load_settings(tmp_path)
    assert (settings.archive_name, settings.unpack.entries, settings.unpack.depth, settings.home) == ("environment", 7, 3, tmp_path)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_catalogue_that_is_no_database_is_said(home: Path) -> None:
    (home / "catalogue.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(HomeUnusable, match="not a database"):
        Archive.open(home)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("address", ["postgresql://nobody@127.0.0.1:1/none", "oracle://x", "nonsense"])
def test_a_database_that_cannot_be_reached_is_said(home: Path, address: str) -> None:
    settings = home / "jingui.toml"
    settings.write_text(f'database_url = "{address}"\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(HomeUnusable):
        Archive.open(home)


def test_stores_are_found_by_name_and_the_rest_is_named(archive: Archive) -> None:
    assert archive.store("b").name == "b"
    with pytest.raises(NotFound) as caught:
        archive.store("c")
    assert caught.value.remedy.format_map(caught.value.parameters) == "Stores of this home: a, b."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_said(home: Path) -> None:
    home.chmod(0o500)
    with pytest.raises(HomeUnusable):
        make_home(home)
