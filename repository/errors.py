"""Errors that mean "cannot continue". What is merely wrong with a package or a copy is a finding, not an error.

The shell turns them into an exit code, an API problem document or a page; nobody else needs to catch them.
"""

from __future__ import annotations

from collections.abc import Mapping

from repository.findings import N_


class JinguiError(Exception):
    """Base of the project's own errors.

    Args:
        template: English message with ``{name}`` places, marked with `N_` where it is written.
        subject: what the message is about.
        remedy: English template that says what to do.
        parameters: the values of the places.
    """

    code = "ERROR"
    exit_code = 3
    http_status = 500

    def __init__(self, template: str, *, subject: str = "", remedy: str = "", **parameters: object) -> None:
        self.template = template
        self.subject = subject
        self.remedy = remedy
        self.parameters: Mapping[str, str] = {name: str(value) for name, value in parameters.items()}
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The message in English."""
        return self.template.format_map({"subject": self.subject, **self.parameters})


class UsageError(JinguiError):
    """What was asked makes no sense: an unknown name, a value out of range, a missing argument."""

    code = "USAGE"
    exit_code = 2
    http_status = 400


class NotFound(JinguiError):
    """The thing named does not exist, or the asker may not know that it does."""

    code = "NOT_FOUND"
    exit_code = 1
    http_status = 404


class Conflict(JinguiError):
    """The thing is not in a state in which this can be done."""

    code = "CONFLICT"
    exit_code = 1
    http_status = 409


class PermissionDenied(JinguiError):
    """The actor may not do this to this object."""

    code = "PERMISSION_DENIED"
    exit_code = 1
    http_status = 403

    def __init__(self, permission: str, *, subject: str = "") -> None:
        super().__init__(
            N_("You may not do this: it needs the permission “{permission}”."),
            subject=subject,
            remedy=N_("Ask the security administrator for the role, or someone who holds it to do it."),
            permission=permission,
        )


class OwnAccount(PermissionDenied):
    """Somebody tried to change what the own account may do."""

    code = "OWN_ACCOUNT"

    def __init__(self, name: str) -> None:
        JinguiError.__init__(
            self,
            N_("Nobody changes what the own account “{subject}” may do, neither directly nor through a group."),
            subject=name,
            remedy=N_("Ask another security administrator."),
        )


class HomeMissing(JinguiError):
    """There is no repository home where one was expected."""

    code = "HOME_MISSING"
    exit_code = 2


class HomeUnusable(JinguiError):
    """The home is there but cannot be used: settings, schema, permissions or space."""

    code = "HOME_UNUSABLE"


class JobLost(JinguiError):
    """This process no longer holds the lease of the job it works on; whoever holds it goes on."""

    code = "JOB_LOST"


class JobCancelled(JinguiError):
    """Somebody asked that the job stop."""

    code = "JOB_CANCELLED"
    exit_code = 1
