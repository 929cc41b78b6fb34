"""Who gets which answer: every route of the console and the API, written down by hand.

It is not derived from the program's own tables of permissions, which is the point: a change of those that changes an answer
must be made here as well, on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: The letters that stand for people in `ROUTES`.
PEOPLE: Final[Mapping[str, str]] = {
    "a": "archivist",
    "o": "agency-officer",
    "p": "preservation-officer",
    "v": "approver",
    "r": "researcher",
    "s": "system-administrator",
    "e": "security-administrator",
    "u": "audit-administrator",
    "n": "nobody",
    "-": "",
}
_WORDS: Final = {"everybody": "aopvrseun-", "people": "aopvrseun"}

#: How far each gets with a record: open, shared, conditional, restricted, held (and not shared), destroyed; of the officer's own
#: agency and of another. 4 the files as they are kept, 3 a copy for use, 2 description and previews, 1 that it exists, 0 nothing.
TIERS: Final[Mapping[str, tuple[str, str]]] = {
    "a": ("444441", "444441"),
    "p": ("444441", "444441"),
    "v": ("222221", "222221"),
    "o": ("333331", "000000"),
    "r": ("301000", "301000"),
    "s": ("000000", "000000"),
    "e": ("000000", "000000"),
    "u": ("000000", "000000"),
    "n": ("000000", "000000"),
    "-": ("000000", "000000"),
}
CLASSES: Final = ("open", "shared", "conditional", "restricted", "held", "destroyed")

#: From which tier on a word of a record finds it; what is not here never does.
FOUND_BY: Final[Mapping[str, int]] = {"title": 1, "file": 2, "case": 2, "affair": 2, "abstract": 2, "identifier": 2}
#: Which words of a record an answer may hold, by tier.
TOLD: Final[Mapping[int, frozenset[str]]] = {
    0: frozenset(),
    1: frozenset({"title"}),
    2: frozenset({"title", "file", "applicant", "case", "affair", "abstract", "content", "identifier"}),
}
#: Who may know the names of agencies beside those whose records they see.
KNOW_AGENCIES: Final = "aseu"

#: Method, rule, who may, and what it is about: ``record``, ``submission`` (hidden from an officer of another agency),
#: ``foreign`` (somebody else's own: hidden from everybody, but not from those after a ``+``), ``?`` where there may be nothing
#: even for those who may. Who may not is refused; where that would tell that a hidden thing is there, there is nothing instead.
#: A record that is only listed is told of where it says ``listed``, and hidden elsewhere.
ROUTES: Final = """
GET     /                                                        people
GET     /about                                                   everybody
GET     /keys                                                    people
GET     /healthz                                                 everybody
GET     /readyz                                                  everybody
POST    /look                                                    everybody
GET     /setup                                                   everybody
POST    /setup                                                   everybody
GET     /static/<path:filename>                                  everybody
GET     /bootstrap/static/<path:filename>                        everybody

GET     /login                                                   everybody
POST    /login                                                   everybody
GET     /login/again                                             people
POST    /login/again                                             people
GET     /login/code                                              people
POST    /login/code                                              people
GET     /login/provider                                          everybody
GET     /login/provider/back                                     everybody
POST    /logout                                                  everybody

GET     /account/                                                people
POST    /account/                                                people
POST    /account/identities                                      people
POST    /account/identities/remove                               people
GET     /account/password                                        people
POST    /account/password                                        people
GET     /account/second-factor                                   people
POST    /account/second-factor                                   people
POST    /account/second-factor/codes                             people
POST    /account/second-factor/off                               people
POST    /account/sessions/<id>/end                               people  foreign
POST    /account/sessions/end                                    people
GET     /account/tokens/                                         people
POST    /account/tokens/                                         people
POST    /account/tokens/<token_id>/revoke                        people  foreign +e
GET     /account/notices                                         people
POST    /account/notices                                         people
GET     /notices                                                 people
POST    /notices/<notice_id>/read                                people  foreign
POST    /notices/read-all                                        people

GET     /records/                                                aopvr
POST    /records/columns                                         aopvr
GET     /records/records.csv                                     aopvr
GET     /records/saved                                           aopvr
POST    /records/saved                                           aopvr
GET     /records/saved/<search_id>                               aopvr   foreign
POST    /records/saved/<search_id>                               aopvr   foreign
POST    /records/saved/<search_id>/delete                        aopvr   foreign
GET     /records/<record_id>                                     aopvr   record listed
GET     /records/<record_id>/checksums.sha256                    aopvr   record
GET     /records/<record_id>/difference                          ap      record
GET     /records/<record_id>/difference.csv                      ap      record
GET     /records/<record_id>/dip.zip                             aopr    record
GET     /records/<record_id>/events/<event_id>.xml               apv     record
GET     /records/<record_id>/export/<any(ocfl, bagit, eark):form>.zip ap record
GET     /records/<record_id>/files/<int:file_id>                 aopvr   record
GET     /records/<record_id>/files/<int:file_id>/original        ap      record
GET     /records/<record_id>/files/<int:file_id>/preview         aopvr   record
GET     /records/<record_id>/files/<int:file_id>/preview/document aopvr  record ?
GET     /records/<record_id>/files/<int:file_id>/preview/media   aopvr   record ?
GET     /records/<record_id>/files/<int:file_id>/preview/page-<int:number> aopvr record ?
GET     /records/<record_id>/files/<int:file_id>/preview/thumbnail aopvr record ?
GET     /records/<record_id>/premis.xml                          ap      record

GET     /ingest/                                                 aopv
GET     /ingest/upload                                           ao
POST    /ingest/upload                                           ao
POST    /ingest/uploads/<set_id>/cancel                          ao      foreign
POST    /ingest/uploads/<set_id>/finish                          ao      foreign
GET     /ingest/<submission_id>                                  aopv    submission
GET     /ingest/<submission_id>/findings.csv                     aopv    submission
GET     /ingest/<submission_id>/print                            aopv    submission
GET     /ingest/<submission_id>/progress                         aopv    submission
GET     /ingest/<submission_id>/cancel                           ao      submission
POST    /ingest/<submission_id>/cancel                           ao      submission
GET     /ingest/<submission_id>/retry                            ao      submission
POST    /ingest/<submission_id>/retry                            ao      submission

GET     /audits/                                                 apvsu
POST    /audits/                                                 p
GET     /audits/<audit_id>                                       apvsu
GET     /audits/incidents                                        apvsu
GET     /audits/incidents/<incident_id>                          apvsu
POST    /audits/repair                                           p
GET     /jobs                                                    apsu
GET     /jobs/<job_id>                                           apsu
POST    /jobs/<job_id>/cancel                                    aps
POST    /jobs/<job_id>/retry                                     aps
GET     /schedules                                               apsu
POST    /schedules/<name>                                        s
POST    /schedules/<name>/run                                    s

GET     /log                                                     u
GET     /log.csv                                                 u
POST    /log/verify                                              u

GET     /admin/                                                  seu
GET     /admin/accounts                                          seu
GET     /admin/accounts/<name>                                   seu
POST    /admin/accounts/<name>                                   s
POST    /admin/accounts/<name>/agency                            s
POST    /admin/accounts/<name>/ask-reset                         seu
POST    /admin/accounts/<name>/disable                           s
POST    /admin/accounts/<name>/enable                            s
POST    /admin/accounts/<name>/reset                             s
POST    /admin/accounts/<name>/roles                             e
POST    /admin/accounts/<name>/tokens/<token_id>/revoke          e
POST    /admin/accounts/<name>/unlock                            s
GET     /admin/new-account                                       s
POST    /admin/new-account                                       s
GET     /admin/agencies                                          ase
GET     /admin/agencies/<agency_id>                              ase
POST    /admin/agencies/<agency_id>                              s
POST    /admin/agencies/<agency_id>/close                        s
POST    /admin/agencies/<agency_id>/reopen                       s
GET     /admin/agencies/new                                      s
POST    /admin/agencies/new                                      s
GET     /admin/groups                                            seu
POST    /admin/groups                                            e
GET     /admin/groups/<group_id>                                 seu
POST    /admin/groups/<group_id>/delete                          e
POST    /admin/groups/<group_id>/members                         e
POST    /admin/groups/<group_id>/members/<name>/remove           e
POST    /admin/groups/<group_id>/rename                          e
POST    /admin/groups/<group_id>/roles                           e
GET     /admin/import                                            s
POST    /admin/import                                            s
POST    /admin/import/confirm                                    s
GET     /admin/import/example.csv                                s
GET     /admin/resets                                            seu
POST    /admin/resets/<reset_id>/confirm                         seu
POST    /admin/resets/<reset_id>/refuse                          seu
GET     /admin/roles                                             people
GET     /admin/webhooks                                          s
POST    /admin/webhooks                                          s
GET     /admin/webhooks/<webhook_id>                             s
POST    /admin/webhooks/<webhook_id>                             s
POST    /admin/webhooks/<webhook_id>/delete                      s
POST    /admin/webhooks/<webhook_id>/messages/<delivery_id>/again s
POST    /admin/webhooks/<webhook_id>/secret                      s
POST    /admin/webhooks/<webhook_id>/test                        s

GET     /api/v1/                                                 everybody
GET     /api/v1/openapi.json                                     everybody
GET     /api/v1/problems/<code>                                  everybody
GET     /api/v1/me                                               people
GET     /api/v1/notices                                          people
POST    /api/v1/notices/<notice_id>/read                         people  foreign
GET     /api/v1/tokens                                           people
POST    /api/v1/tokens                                           people
DELETE  /api/v1/tokens/<token_id>                                people  foreign +e
GET     /api/v1/users                                            seu
GET     /api/v1/users/<name>                                     seu
GET     /api/v1/agencies                                         ase
POST    /api/v1/agencies                                         s
GET     /api/v1/agencies/<agency_id>                             ase
PATCH   /api/v1/agencies/<agency_id>                             s
GET     /api/v1/agreements                                       aopv
POST    /api/v1/check                                            aop
GET     /api/v1/submissions                                      aopv
POST    /api/v1/submissions                                      ao
GET     /api/v1/submissions/<submission_id>                      aopv    submission
POST    /api/v1/submissions/<submission_id>/cancel               ao      submission
POST    /api/v1/submissions/<submission_id>/retry                ao      submission
GET     /api/v1/upload-sets                                      ao
POST    /api/v1/upload-sets                                      ao
GET     /api/v1/upload-sets/<set_id>                             ao      foreign
DELETE  /api/v1/upload-sets/<set_id>                             ao      foreign
POST    /api/v1/upload-sets/<set_id>/finish                      ao      foreign
OPTIONS /api/v1/uploads                                          everybody
POST    /api/v1/uploads                                          ao
OPTIONS /api/v1/uploads/<upload_id>                              everybody
HEAD    /api/v1/uploads/<upload_id>                              ao      foreign
PATCH   /api/v1/uploads/<upload_id>                              ao      foreign
DELETE  /api/v1/uploads/<upload_id>                              ao      foreign
POST    /api/v1/uploads/<upload_id>                              ao      foreign
GET     /api/v1/audits                                           apvsu
POST    /api/v1/audits                                           p
GET     /api/v1/audits/<audit_id>                                apvsu
GET     /api/v1/formats/releases                                 apvs
GET     /api/v1/stores                                           aps
GET     /api/v1/jobs                                             apsu
GET     /api/v1/jobs/<job_id>                                    apsu
POST    /api/v1/jobs/<job_id>/cancel                             aps
POST    /api/v1/jobs/<job_id>/retry                              aps
GET     /api/v1/schedules                                        apsu
GET     /api/v1/schedules/<name>                                 apsu
PATCH   /api/v1/schedules/<name>                                 s
GET     /api/v1/log                                              u
GET     /api/v1/records                                          aopvr
GET     /api/v1/records/<record_id>                              aopvr   record
GET     /api/v1/records/<record_id>/dip.zip                      aopr    record
GET     /api/v1/records/<record_id>/events                       apv     record
GET     /api/v1/records/<record_id>/files                        aopvr   record
GET     /api/v1/records/<record_id>/files/<int:file_id>/content  ap      record
GET     /api/v1/records/<record_id>/premis.xml                   ap      record
GET     /api/v1/records/<record_id>/versions                     aopvr   record
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A line of `ROUTES`.

    Args:
        method: of the request.
        rule: of the address, as the program has it.
        who: letters of those who may.
        thing: what it is about, or empty.
        notes: ``listed``, ``?``, and who gets at what is foreign.
    """

    method: str
    rule: str
    who: str
    thing: str
    notes: frozenset[str]


def routes() -> dict[tuple[str, str], Route]:
    """The table, by method and rule."""
    found = {}
    for line in filter(None, ROUTES.splitlines()):
        method, rest = line.split(maxsplit=1)
        # a rule may hold blanks between its brackets
        end = next(place for place, letter in enumerate(rest) if letter == " " and rest[:place].count("<") == rest[:place].count(">"))
        who, *about = rest[end:].split()
        thing = about[0] if about and about[0] != "?" else ""
        found[method, rest[:end]] = Route(
            method=method, rule=rest[:end], who=_WORDS.get(who, who), thing=thing, notes=frozenset(about) - {thing}
        )
    return found


def tier(letter: str, kind: str, *, own: bool) -> int:
    """How far somebody gets with a record of a class."""
    return int(TIERS[letter][0 if own else 1][CLASSES.index(kind)])


def told(reached: int) -> frozenset[str]:
    """Which words of a record an answer may hold for somebody who gets so far."""
    return TOLD[min(reached, 2)]
