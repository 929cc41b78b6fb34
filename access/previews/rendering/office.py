"""Office documents: LibreOffice makes a PDF of them, without macros and without a network, and its pages are drawn."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from access.previews.orders import CONVERTED, Order
from access.previews.rendering.pdf import render_pdf
from access.previews.values import DAMAGED, NO_PROGRAM, Unshowable

PROGRAM: Final = "soffice"
#: What a document may ask of the program before anybody was asked: nothing.
_SETTINGS: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop>
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Linguistic/General">
<prop oor:name="DefaultLocale_CJK" oor:op="fuse"><value>zh-CN</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>2</value></prop></item>
<item oor:path="/org.openoffice.Office.Calc/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>2</value></prop></item>
</oor:items>
"""


def render(order: Order) -> None:
    """Turns a document into a PDF and draws its first pages."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise Unshowable(NO_PROGRAM, lasting=False, program="LibreOffice")
    profile = Path.cwd() / "profile"
    settings = profile / "user" / "registrymodifications.xcu"
    settings.parent.mkdir(parents=True)
    settings.write_text(_SETTINGS, encoding="utf-8")
    out = Path.cwd() / "converted"
    options = [f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nolockcheck", "--convert-to", "pdf"]
    # the program goes by the extension where the beginning of a file leaves a choice
    named = Path.cwd() / f"document{Path(order.name).suffix.lower()[:8]}"
    named.symlink_to(order.source)
    done = subprocess.run([program, *options, "--outdir", str(out), str(named)], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    made = out / "document.pdf"
    if done.returncode or not made.is_file():
        raise Unshowable(DAMAGED, reason="LibreOffice")
    made.replace(order.target / CONVERTED)
    render_pdf(order, order.target / CONVERTED)
