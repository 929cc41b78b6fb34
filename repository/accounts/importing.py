"""Many accounts at once, from a table: all of them or none, and for every line that cannot be, what is wrong with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from repository.accounts.groups import add_member
from repository.accounts.passwords import hash_password, unknown_account_hash
from repository.accounts.resets import one_time_password
from repository.accounts.users import add_user
from repository.errors import JinguiError, UsageError
from repository.findings import N_
from repository.logbook.recording import note
from repository.permissions import Actor, Permission, allows

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

COLUMNS: Final = ("name", "full_name", "email", "agency", "groups", "language", "roles")
#: What the table may hold at most; every account's password is hashed, which takes time by design.
MOST_BYTES: Final = 256 * 1024
MOST_LINES: Final = 500

#: How people head the columns, beside their names.
_HEADINGS: Final[Mapping[str, str]] = {
    "用户名": "name",
    "账号": "name",
    "姓名": "full_name",
    "邮箱": "email",
    "电子邮箱": "email",
    "单位": "agency",
    "科室": "groups",
    "组": "groups",
    "用户组": "groups",
    "语言": "language",
    "角色": "roles",
}
_LANGUAGES: Final[Mapping[str, str]] = {"zh": "zh_Hans_CN", "zh-cn": "zh_Hans_CN", "中文": "zh_Hans_CN", "english": "en", "英文": "en"}
#: With these a spreadsheet program would begin to calculate.
_FORMULA: Final = ("=", "+", "-", "@")
_SEPARATORS: Final = str.maketrans({"；": ";", "、": ";", "|": ";"})


@dataclass(frozen=True, kw_only=True)
class AccountLine:
    """One line of the table.

    Args:
        number: of the line in the file, the heading being the first.
        name: of the account.
        full_name: the person's name.
        email: where mail reaches the person.
        agency: name or code.
        groups: names of groups.
        language: of the console.
        roles: names of roles.
    """

    number: int
    name: str
    full_name: str = ""
    email: str = ""
    agency: str = ""
    groups: tuple[str, ...] = ()
    language: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LineProblem:
    """Why a line cannot be.

    Args:
        number: of the line.
        name: the account's name, as far as it could be read.
        error: what is wrong, and what to do.
    """

    number: int
    name: str
    error: JinguiError


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """An account that was made.

    Args:
        name: of the account.
        full_name: the person's name.
        password: the one-time password, which is kept nowhere.
    """

    name: str
    full_name: str
    password: str


class ImportRefused(UsageError):
    """The table cannot be taken in; nothing of it was.

    Args:
        problems: what is wrong, by line.
    """

    code = "IMPORT_REFUSED"

    def __init__(self, problems: Sequence[LineProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            N_("{count} lines cannot be taken in, so none was."),
            remedy=N_("Correct the lines named and hand the file in again."),
            count=len(self.problems),
        )


def read_text(source: BinaryIO) -> str:
    """The text of a table as spreadsheet programs save it: UTF-8 with or without mark, UTF-16 with mark, or GB 18030.

    Raises:
        UsageError: too large, or no text.
    """
    content = source.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UsageError(N_("The file is larger than {most} KiB."), remedy=N_("Split it into several files."), most=MOST_BYTES // 1024)
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError(N_("The file is no table in text form."), remedy=N_("Save it as CSV (UTF-8) and hand that in."))


def read_lines(text: str) -> Sequence[AccountLine]:
    """The lines of a table, blank ones left out.

    Raises:
        UsageError: there is no heading with the column ``name``, a column is unknown or there twice, there is no line, or too many.
        ImportRefused: lines that cannot be read, all of them.
    """
    # a text that came back from a form has other line ends, and a mark may be left in front
    text = text.lstrip("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[AccountLine] = []
    problems: list[LineProblem] = []
    seen: dict[str, int] = {}
    try:
        columns = _columns(next(rows, []))
        for row in rows:
            if not any(value.strip() for value in row):
                continue
            if len(lines) + len(problems) >= MOST_LINES:
                raise UsageError(N_("The file has more than {most} lines."), remedy=N_("Split it into several files."), most=MOST_LINES)
            try:
                line = _line(rows.line_num, columns, row)
                if line.name in seen:
                    raise UsageError(
                        N_("“{name}” is in line {line} already."),
                        remedy=N_("Delete one of the two lines."),
                        name=line.name,
                        line=seen[line.name],
                    )
                seen[line.name] = line.number
                lines.append(line)
            except UsageError as error:
                problems.append(LineProblem(number=rows.line_num, name=row[0].strip()[:64] if row else "", error=error))
    except csv.Error as error:
        raise UsageError(
            N_("Line {line} cannot be read as CSV: {reason}."),
            remedy=N_("Save the table as CSV again; a quotation mark is probably open."),
            line=rows.line_num,
            reason=error,
        ) from error
    if problems:
        raise ImportRefused(problems)
    if not lines:
        raise UsageError(N_("The file has no lines below its heading."), remedy=N_("Write one line for each account."))
    return lines


def preview_import(archive: Archive, actor: Actor, lines: Sequence[AccountLine]) -> Sequence[LineProblem]:
    """What would be wrong if the lines were taken in now; nothing is kept.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`.
    """
    hashes = dict.fromkeys((line.name for line in lines), unknown_account_hash())
    try:
        with archive.transaction(actor) as tx:
            import_users(tx, lines, hashes)
            raise _Undo
    except ImportRefused as refused:
        return refused.problems
    except _Undo:
        return ()


def take_in(archive: Archive, actor: Actor, lines: Sequence[AccountLine]) -> Sequence[NewAccount]:
    """Makes the accounts, each with a one-time password.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`.
        ImportRefused: with what is wrong; nothing was kept.
    """
    problems = preview_import(archive, actor, lines)
    if problems:
        raise ImportRefused(problems)
    length = archive.settings.accounts.password_length
    passwords = {line.name: one_time_password(length) for line in lines}
    # before the transaction: hashing takes long by design, and everybody else would wait
    hashes = {name: hash_password(password) for name, password in passwords.items()}
    with archive.transaction(actor) as tx:
        import_users(tx, lines, hashes)
    return [NewAccount(name=line.name, full_name=line.full_name, password=passwords[line.name]) for line in lines]


def import_users(tx: Transaction, lines: Sequence[AccountLine], password_hashes: Mapping[str, str]) -> None:
    """Makes the accounts of a table.

    Args:
        tx: the transaction.
        lines: the table.
        password_hashes: of the one-time passwords, by name of account.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`.
        ImportRefused: with what is wrong; the transaction must not be committed.
    """
    tx.require(Permission.USER_MANAGE)
    problems = []
    for line in lines:
        try:
            with tx.session.begin_nested():
                _make(tx, line, password_hashes[line.name])
        except JinguiError as error:
            problems.append(LineProblem(number=line.number, name=line.name, error=error))
    if problems:
        raise ImportRefused(problems)
    note(tx, "user.imported", object_type="user", detail={"number": len(lines)})


class _Undo(Exception):
    """Takes a preview back."""


def _make(tx: Transaction, line: AccountLine, password_hash: str) -> None:
    if (line.roles or line.groups) and not allows(tx.actor, Permission.ROLE_GRANT):
        raise UsageError(
            N_("The line gives “{name}” roles or groups, which you may not grant."),
            remedy=N_("Leave both columns empty; the security administrator grants roles afterwards."),
            name=line.name,
        )
    add_user(
        tx,
        name=line.name,
        password_hash=password_hash,
        roles=line.roles,
        full_name=line.full_name,
        email=line.email,
        unit=line.agency,
        language=line.language,
        must_change_password=True,
    )
    for group in line.groups:
        add_member(tx, group, line.name)


def _columns(heading: Sequence[str]) -> list[str]:
    columns = []
    for title in heading:
        plain = title.strip().casefold().replace(" ", "_")
        column = _HEADINGS.get(plain, plain)
        if column not in COLUMNS:
            raise UsageError(
                N_("The column “{title}” is not known."),
                remedy=N_("Columns: {known}; the first line names them."),
                title=title.strip()[:64],
                known=", ".join(COLUMNS),
            )
        if column in columns:
            raise UsageError(N_("The column “{title}” is there twice."), remedy=N_("Delete one of them."), title=title.strip()[:64])
        columns.append(column)
    if "name" not in columns:
        raise UsageError(
            N_("The first line has no column “name”."), remedy=N_("Columns: {known}; the first line names them."), known=", ".join(COLUMNS)
        )
    return columns


def _line(number: int, columns: Sequence[str], row: Sequence[str]) -> AccountLine:
    if len(row) > len(columns) and any(value.strip() for value in row[len(columns) :]):
        raise UsageError(
            N_("The line has {found} values for {columns} columns."),
            remedy=N_("Put a value that contains the separator between quotation marks."),
            found=len(row),
            columns=len(columns),
        )
    values = {column: value.strip() for column, value in zip(columns, row, strict=False)}
    for column, value in values.items():
        if value.startswith(_FORMULA):
            raise UsageError(
                N_("“{value}” in the column “{column}” looks like a formula."),
                remedy=N_("Write the value itself, as text."),
                value=value[:64],
                column=column,
            )
    language = values.get("language", "")
    return AccountLine(
        number=number,
        name=values.get("name", ""),
        full_name=values.get("full_name", ""),
        email=values.get("email", ""),
        agency=values.get("agency", ""),
        groups=_several(values.get("groups", "")),
        language=_LANGUAGES.get(language.casefold(), language),
        roles=_several(values.get("roles", "")),
    )


def _several(value: str) -> tuple[str, ...]:
    parts = (part.strip() for part in value.translate(_SEPARATORS).split(";"))
    return tuple(part for part in parts if part)
