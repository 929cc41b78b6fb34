"""What a reader sees of a record."""

import pytest

from access.catalogue import find_file, find_record, format_names, list_events, list_files
from repository.archive import Archive
from repository.errors import NotFound, PermissionDenied
from repository.permissions import Actor, Role
from tests.tools.console import FILES, Ids, _console_home, database, home, ids

__all__ = ["_console_home", "database", "home", "ids"]


def person(role: Role) -> Actor:
    return Actor(id="1", name="somebody", roles=frozenset({role}))


def test_files_come_in_pages_that_join(archive: Archive, ids: Ids) -> None:
    with archive.read(person(Role.ARCHIVIST)) as tx:
        record = find_record(tx, ids["record"])
        whole = [file.path for file in list_files(tx, record).files]
        paths, after = [], None
        while True:
            page = list_files(tx, record, after=after, limit=2)
            paths += [file.path for file in page.files]
            after = page.following
            if after is None:
                break
        content = list_files(tx, record, roles=("content",)).files
    assert paths == whole
    assert len(whole) >= len(content) == len(FILES)


def test_a_file_of_another_record_is_not_found(archive: Archive, ids: Ids) -> None:
    with archive.read(person(Role.ARCHIVIST)) as tx:
        record = find_record(tx, ids["record"])
        other = list_files(tx, find_record(tx, ids["closed"])).files[0]
        with pytest.raises(NotFound):
            find_file(tx, record, other.id)


def test_a_closed_record_is_not_found_like_one_that_is_not_there(archive: Archive, ids: Ids) -> None:
    messages = []
    with archive.read(person(Role.RESEARCHER)) as tx:
        for record in (ids["closed"], "0" * 36):
            with pytest.raises(NotFound) as error:
                find_record(tx, record)
            messages.append((error.value.template, error.value.remedy, error.value.http_status))
    assert messages[0] == messages[1]


def test_reading_needs_its_permission(archive: Archive, ids: Ids) -> None:
    with archive.read(person(Role.SYSTEM_ADMINISTRATOR)) as tx, pytest.raises(PermissionDenied):
        find_record(tx, ids["record"])
    with archive.read(person(Role.RESEARCHER)) as tx:
        record = find_record(tx, ids["record"])
        with pytest.raises(PermissionDenied):
            list_events(tx, record)


def test_formats_have_names(archive: Archive) -> None:
    with archive.read(person(Role.RESEARCHER)) as tx:
        assert format_names(tx, ["x-fmt/111", "fmt/0"]) == {"x-fmt/111": "Plain Text File"}
