"""Mail: one message for a notice, or one for all that wait for the day's digest.

A notice is marked as mailed before the server is asked to take it, and the mark is taken back only when the server certainly did
not: so nobody gets a message twice, whatever ends in between. Refusals and absences are tried again for about a day.
"""

from __future__ import annotations

import html
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from repository.accounts.tables import User
from repository.errors import JinguiError, UsageError
from repository.findings import N_
from repository.jobs.context import JobContext
from repository.notices.kinds import Channel
from repository.notices.tables import Notice
from repository.permissions import Actor
from repository.settings import MailSettings
from repository.translating import translator

if TYPE_CHECKING:
    from repository.archive import Archive

#: How often a mail is offered to the server before it is given up; the notice stays in the page.
ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=6)
_SECONDS: Final = 30
#: So many notices stand in one digest; the page has the rest.
_DIGEST_LINES: Final = 200

_MAILER: Final = Actor.system("notices")


class NotSent(JinguiError):
    """The server did not take the mail."""

    code = "MAIL_NOT_SENT"


def mail_due(archive: Archive, check: Any = None) -> int:
    """Mails every notice that is due; says how many the server took."""
    sent = 0
    while (claimed := _claim(archive)) is not None:
        notice, user = claimed
        if check is not None:
            check()
        try:
            deliver(archive.settings.mail, message(archive, user, [notice]))
        except NotSent as error:
            _put_off(archive, notice, error.message)
        else:
            sent += 1
    return sent


def mail_job(context: JobContext) -> Mapping[str, Any]:
    """The job ``notices.mail``."""
    if not context.archive.settings.mail.host:
        return {"sent": 0}
    return {"sent": mail_due(context.archive, context.check)}


def digest_job(context: JobContext) -> Mapping[str, Any]:
    """The job ``notices.digest``."""
    return {"sent": mail_digests(context.archive, context.check)}


def mail_digests(archive: Archive, check: Any = None) -> int:
    """Mails each person what came since the last digest, once the hour of the day has come. Returns the number of mails.

    May run as often as one likes: what came after that hour waits for the next day's.
    """
    if not archive.settings.mail.host:
        return 0
    until = last_digest_hour(archive.clock(), archive.settings.mail.digest_hour, archive.settings.time_zone)
    waiting = (Notice.channel == Channel.DIGEST) & Notice.mailed_at.is_(None) & Notice.read_at.is_(None) & (Notice.created_at < until)
    with archive.read(_MAILER) as tx:
        people = tx.session.scalars(
            select(User).where(User.active, User.email != "", User.id.in_(select(Notice.user_id).where(waiting))).order_by(User.name)
        ).all()
    sent = 0
    for user in people:
        if check is not None:
            check()
        with archive.transaction(_MAILER) as tx:
            of_user = select(Notice).where(waiting, Notice.user_id == user.id).order_by(Notice.created_at, Notice.id)
            notices = tx.session.scalars(of_user.limit(_DIGEST_LINES).with_for_update(skip_locked=True)).all()
            for notice in notices:
                notice.mailed_at = tx.now
        if not notices:
            continue
        try:
            deliver(archive.settings.mail, message(archive, user, notices))
        except NotSent as error:
            with archive.transaction(_MAILER) as tx:
                ids = [notice.id for notice in notices]
                tx.session.execute(update(Notice).where(Notice.id.in_(ids)).values(mailed_at=None, mail_error=error.message))
        else:
            sent += 1
    return sent


def last_digest_hour(now: datetime, hour: int, zone: str) -> datetime:
    """The latest moment, not after now, at which a digest is due."""
    local = now.astimezone(ZoneInfo(zone))
    today = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return (today if today <= local else today - timedelta(days=1)).astimezone(UTC)


def message(archive: Archive, user: User, notices: Sequence[Notice]) -> EmailMessage:
    """The mail that tells a person of notices, in that person's language: plain text, and the same as HTML.

    Raises:
        NotSent: the person's address is none.
    """
    translate = translator(user.language or archive.settings.language)
    name = translate(archive.settings.archive_name)
    lines = [(translate(notice.template).format_map(_Values(notice.values)), _link(archive, notice)) for notice in notices]
    if len(lines) == 1:
        subject = lines[0][0]
    else:
        subject = translate(N_("{count} notices")).format(count=len(lines))
    foot = translate(N_("You get this because of what you chose in the console, under “Notices”."))
    greeting = translate(N_("{name} has this to tell you:")).format(name=name)
    text = "\n\n".join([greeting, *(f"• {line}\n  {link}" if link else f"• {line}" for line, link in lines), f"-- \n{foot}"])
    items = "".join(
        f"<li>{html.escape(line)}" + (f'<br><a href="{html.escape(link, quote=True)}">{html.escape(link)}</a>' if link else "") + "</li>"
        for line, link in lines
    )
    language = "zh-Hans" if (user.language or archive.settings.language).startswith("zh") else "en"
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{html.escape(_one_line(subject))}</title></head>'
        f"<body><p>{html.escape(greeting)}</p><ul>{items}</ul><hr><p><small>{html.escape(foot)}</small></p></body></html>"
    )
    return _compose(archive, user.email, subject=f"[{name}] {subject}", text=text, page=page, id=notices[0].id)


def mail_test(archive: Archive, address: str) -> None:
    """Sends a mail that only shows that mail can be sent.

    Raises:
        UsageError: no mail server is set.
        NotSent: the address is none, or the server did not take it.
    """
    if not archive.settings.mail.host:
        raise UsageError(N_("No mail server is set."), remedy=N_("Set mail.host and mail.sender in jingui.toml."))
    translate = translator(archive.settings.language)
    name = translate(archive.settings.archive_name)
    subject = translate(N_("A test of mail"))
    text = translate(N_("{name} can send mail to this address.")).format(name=name)
    page = f'<!doctype html><html><head><meta charset="utf-8"></head><body><p>{html.escape(text)}</p></body></html>'
    composed = _compose(archive, address, subject=f"[{name}] {subject}", text=text, page=page, id=archive.new_id())
    deliver(archive.settings.mail, composed)


def deliver(settings: MailSettings, mail: EmailMessage) -> None:
    """Gives one mail to the server.

    Raises:
        NotSent: the server certainly did not take it. Where it is not certain, since the connection broke while it was to
            answer, the mail counts as sent.
    """
    offered = taken = False
    try:
        with _connected(settings) as server:
            server.ehlo_or_helo_if_needed()
            _accepted(*server.mail(settings.sender))
            _accepted(*server.rcpt(mail["To"].addresses[0].addr_spec))
            offered = True
            _accepted(*server.data(mail.as_bytes(policy=SMTP.clone(cte_type="7bit"))))
            taken = True
    except (smtplib.SMTPException, OSError) as error:
        refused = isinstance(error, smtplib.SMTPResponseException)
        if not taken and (refused or not offered):
            raise _not_sent(str(error)) from error


def _connected(settings: MailSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if settings.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=_SECONDS)
    try:
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, settings.password)
    except BaseException:
        server.close()
        raise
    return server


def _accepted(code: int, answer: bytes) -> None:
    if code >= 300:
        raise smtplib.SMTPResponseException(code, answer)


def _compose(archive: Archive, address: str, *, subject: str, text: str, page: str, id: str) -> EmailMessage:
    settings = archive.settings
    mail = EmailMessage(policy=SMTP)
    try:
        recipient = Address(addr_spec=address)
        sender = Address(display_name=_one_line(translator(settings.language)(settings.archive_name)), addr_spec=settings.mail.sender)
        mail["From"], mail["To"] = sender, recipient
    except (ValueError, IndexError, MessageError) as error:
        raise _not_sent(f"{address!r}: {error}") from error
    # a value of a notice may come from a package; no line end of it gets into a header
    mail["Subject"] = _one_line(subject)[:200]
    mail["Date"] = format_datetime(archive.clock())
    mail["Message-ID"] = f"<{id}@{sender.domain}>"
    # RFC 3834: no out-of-office answer to a machine
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    mail.add_alternative(page, subtype="html")
    return mail


def _claim(archive: Archive) -> tuple[Notice, User] | None:
    with archive.transaction(_MAILER) as tx:
        due = select(Notice).where(Notice.mail_due_at <= tx.now).order_by(Notice.mail_due_at, Notice.id).limit(1)
        notice = tx.session.scalars(due.with_for_update(skip_locked=True)).first()
        if notice is None:
            return None
        notice.mail_due_at, notice.mailed_at = None, tx.now
        notice.mail_attempts += 1
        return notice, tx.session.get_one(User, notice.user_id)


def _put_off(archive: Archive, notice: Notice, reason: str) -> None:
    with archive.transaction(_MAILER) as tx:
        row = tx.session.get_one(Notice, notice.id)
        row.mailed_at, row.mail_error = None, reason
        if row.mail_attempts < ATTEMPTS:
            row.mail_due_at = tx.now + min(_FIRST_PAUSE * 4 ** (row.mail_attempts - 1), _LONGEST_PAUSE)


def _not_sent(reason: str) -> NotSent:
    return NotSent(
        N_("The mail was not sent: {reason}"), remedy=N_("Look at the settings under “mail” in jingui.toml."), reason=reason[:300]
    )


def _link(archive: Archive, notice: Notice) -> str:
    return archive.settings.base_url.rstrip("/") + notice.path if archive.settings.base_url and notice.path else ""


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


class _Values(dict[str, Any]):
    """Values of a sentence; a place without one stays as it is."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
