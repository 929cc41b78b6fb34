"""What is noted of requests that write nothing themselves, and the words for what stands in the logbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from repository.findings import N_


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """How a request to one endpoint stands in the logbook.

    Args:
        action: the word for it (``record.read``); empty: it is not noted, unless it is refused.
        object_type: kind of the thing it is about, or empty.
        argument: name of the part of the address that holds the thing's id, or empty.
        arguments: names of further parts of the address, and of arguments behind it, that the line repeats.
    """

    action: str
    object_type: str = ""
    argument: str = ""
    arguments: tuple[str, ...] = ()


#: For an endpoint that leaves no line: what everybody may see, and what only asks again for what was noted already.
QUIET: Final = Noted(action="")

#: What the repository's own pages note.
REPOSITORY_NOTED: Final[Mapping[str, Noted]] = {
    "logbook.log": Noted(action="log.read", arguments=("person", "action", "object", "outcome", "since", "until", "before")),
    "api_log.list_log": Noted(action="log.read", arguments=("person", "action", "object", "outcome", "since", "until")),
    "logbook.log_csv": Noted(action="log.exported", arguments=("person", "action", "object", "outcome", "since", "until")),
    "shell.look": QUIET,
    "login.enter": QUIET,
    "login.code": QUIET,
    "login.verify": QUIET,
    "login.leave": QUIET,
    "provider.begin": QUIET,
    "provider.callback": QUIET,
}

#: Words for actions, as people say them. An action that is not here stands for itself.
ACTION_WORDS: Final[Mapping[str, str]] = {
    "login": N_("logged in"),
    "login.failed": N_("login failed"),
    "logout": N_("logged out"),
    "login.locked": N_("account locked after wrong attempts"),
    "login.proven": N_("identity proven anew"),
    "password.changed": N_("password changed"),
    "totp.enabled": N_("second factor switched on"),
    "totp.disabled": N_("second factor switched off"),
    "totp.codes": N_("new recovery codes made"),
    "session.ended": N_("session ended"),
    "identity.linked": N_("linked with the identity provider"),
    "identity.unlinked": N_("unlinked from the identity provider"),
    "record.read": N_("record read"),
    "record.searched": N_("records searched"),
    "record.listed": N_("records listed"),
    "record.exported": N_("record exported"),
    "record.compared": N_("versions of a record compared"),
    "records.exported": N_("list of records saved"),
    "search.saved": N_("search saved"),
    "search.changed": N_("saved search changed"),
    "search.deleted": N_("saved search deleted"),
    "file.read": N_("page of a file read"),
    "file.opened": N_("file opened"),
    "file.previewed": N_("file previewed"),
    "premis.read": N_("PREMIS document read"),
    "dip.made": N_("copy for use made"),
    "submission.read": N_("submission read"),
    "package.checked": N_("package checked"),
    "submission.received": N_("package handed in"),
    "submission.cancelled": N_("submission cancelled"),
    "submission.retried": N_("submission tried again"),
    "upload.begun": N_("upload begun"),
    "upload.finished": N_("upload finished"),
    "upload.cancelled": N_("upload cancelled"),
    "upload.file_cancelled": N_("file taken out of an upload"),
    "upload.expired": N_("unfinished upload removed"),
    "log.read": N_("logbook read"),
    "log.exported": N_("logbook exported"),
    "log.verified": N_("logbook verified"),
    "hold.placed": N_("hold placed"),
    "hold.lifted": N_("hold lifted"),
    "job.cancelled": N_("job cancelled"),
    "job.retried": N_("job tried again"),
    "schedule.changed": N_("schedule changed"),
    "schedule.run": N_("schedule run at once"),
    "webhook.created": N_("webhook added"),
    "webhook.changed": N_("webhook changed"),
    "webhook.secret-replaced": N_("secret of a webhook replaced"),
    "webhook.deleted": N_("webhook removed"),
    "webhook.tested": N_("webhook tested"),
    "webhook.sent-again": N_("message to a webhook sent again"),
    "user.created": N_("account made"),
    "user.changed": N_("account changed"),
    "user.roles": N_("roles changed"),
    "user.disabled": N_("account disabled"),
    "user.enabled": N_("account enabled"),
    "user.unlocked": N_("account unlocked"),
    "user.imported": N_("accounts imported"),
    "user.reset": N_("password reset"),
    "user.reset.asked": N_("password reset asked for"),
    "user.reset.confirmed": N_("password reset confirmed"),
    "user.reset.refused": N_("password reset refused"),
    "group.created": N_("group made"),
    "group.renamed": N_("group renamed"),
    "group.roles": N_("roles of a group changed"),
    "group.member.added": N_("member added to a group"),
    "group.member.removed": N_("member taken out of a group"),
    "group.deleted": N_("group deleted"),
    "agency.created": N_("agency made"),
    "agency.changed": N_("agency changed"),
    "agency.closed": N_("agency ended"),
    "agency.reopened": N_("agency reopened"),
    "token.created": N_("API token made"),
    "token.revoked": N_("API token revoked"),
    "setup.done": N_("first administrators made"),
    "page.opened": N_("page opened"),
    "form.sent": N_("form sent"),
}

#: Words for kinds of things.
OBJECT_WORDS: Final[Mapping[str, str]] = {
    "record": N_("record"),
    "file": N_("file"),
    "submission": N_("submission"),
    "upload_set": N_("upload"),
    "user": N_("account"),
    "group": N_("group"),
    "agency": N_("agency"),
    "token": N_("API token"),
    "job": N_("job"),
    "hold": N_("hold"),
    "store": N_("store"),
    "webhook": N_("webhook"),
    "schedule": N_("schedule"),
    "saved_search": N_("saved search"),
}

#: Words for the names of a line's details; a name without one stands as it is.
DETAIL_WORDS: Final[Mapping[str, str]] = {
    "path": N_("address"),
    "url": N_("address"),
    "method": N_("way"),
    "status": N_("answer"),
    "query": N_("words searched"),
    "filters": N_("filters"),
    "hits": N_("hits"),
    "file_id": N_("number of the file"),
    "number": N_("page"),
    "page": N_("page"),
    "person": N_("person"),
    "action": N_("action"),
    "object": N_("thing"),
    "outcome": N_("outcome"),
    "since": N_("from day"),
    "until": N_("to day"),
    "before": N_("before"),
    "after": N_("after"),
    "form": N_("form"),
    "name": N_("name"),
    "names": N_("names"),
    "roles": N_("roles"),
    "reason": N_("reason"),
    "group": N_("group"),
    "agreement": N_("agreement"),
    "files": N_("number of files"),
    "bytes": N_("bytes"),
    "submission": N_("submission"),
    "hold": N_("hold"),
    "owner": N_("owner"),
    "shared": N_("shared"),
    "kind": N_("kind"),
    "event_id": N_("event"),
    "asked_by": N_("asked for by"),
    "broken": N_("first broken line"),
    "lines": N_("lines"),
    "anchors": N_("heads kept elsewhere"),
}
