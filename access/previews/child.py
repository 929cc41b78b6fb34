"""The child process that opens files of others: ``python -m access.previews.child ORDER``.

It gives up what it does not need before it looks at the file: no network, no core dump, no new privileges, a bounded
address space, processor time and size of files. It dies with its parent.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sys
from typing import Final

from access.previews.kinds import Kind
from access.previews.orders import ABOUT, MISSING, Order, Renderer
from access.previews.values import DAMAGED, TOO_HUNGRY, Unshowable, to_json

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWIPC: Final = 0x08000000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_OPEN_FILES: Final = 256

#: Which function makes which kind; a child loads only the one it needs.
RENDERERS: Final = {
    Kind.PICTURE: "pictures:render",
    Kind.DRAWING: "drawings:render",
    Kind.PDF: "pdf:render",
    Kind.OFD: "ofd:render",
    Kind.OFFICE: "office:render",
    Kind.AUDIO: "media:render",
    Kind.VIDEO: "media:render",
    Kind.TEXT: "texts:render",
    Kind.XML: "texts:render_xml",
    Kind.JSON: "texts:render_json",
    Kind.WEB_PAGE: "web_pages:render",
    Kind.SEPARATED: "tables:render_separated",
    Kind.SPREADSHEET: "spreadsheets:render",
    Kind.OPEN_SPREADSHEET: "spreadsheets:render_open",
    Kind.MESSAGE: "messages:render",
    Kind.ZIP: "listings:render_zip",
    Kind.TAR: "listings:render_tar",
}


def renderer(kind: Kind) -> Renderer:
    """The function that makes previews of a kind."""
    module, _, name = RENDERERS[kind].partition(":")
    found: Renderer = getattr(importlib.import_module(f"access.previews.rendering.{module}"), name)
    return found


def confine(order: Order) -> None:
    """Puts the limits of the order on this process and on all it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _leave_the_network(libc)
    seconds = max(1, int(order.seconds * 2))
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, order.output),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, order.memory),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _leave_the_network(libc: ctypes.CDLL) -> None:
    """Into a network without any way out, where the system lets us: as root, or where users may make name spaces."""
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNET | _CLONE_NEWIPC) == 0:
        return
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) != 0:
        return
    for path, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{path}", "w", encoding="ascii") as file:
            file.write(line)


def main(argument: str) -> int:
    """Makes what the order says; whatever goes wrong with the file becomes a sentence for the reader."""
    order = Order.from_json(argument)
    confine(order)
    try:
        renderer(order.kind)(order)
    except Unshowable as reason:
        refused = reason
    except MemoryError:
        refused = Unshowable(TOO_HUNGRY, lasting=False)
    except Exception as error:
        # whatever a parser raises over somebody else's bytes, the answer is the same; the class says enough for the log
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        refused = Unshowable(DAMAGED, reason=type(error).__name__)
    else:
        return 0
    name = MISSING if (order.target / ABOUT).exists() else ABOUT
    order.write(name, to_json(refused.preview(order.kind)).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
