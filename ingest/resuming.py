"""What a submission that failed on our side keeps, so that trying it again goes on at the step that failed.

The unpacked package stays in the work folder with a file beside it that says what the steps before found. Steps from
`match` on depend on the catalogue and the stores as they are now and are always done again; they are short until bytes
are written. What is read back from the stores is compared with the digests kept here, so a package that changed in the
meantime cannot become a record.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest.kept import KEPT, kept_file
from ingest.sip import PackageTree, ReceivedFile, Recognition
from ingest.submissions import finding_as_row, finding_from_row
from ingest.work import Happening, StepName, Work
from preservation.identification.answers import Basis, Identification
from repository.events import EventOutcome, EventType
from storage.digests import Digests

if TYPE_CHECKING:
    from ingest.recording import Recorder

logger = logging.getLogger(__name__)

_FORM: Final = 1
#: Every step, in its order.
_ORDER: Final = tuple(StepName)


def keep(work: Work, recorder: Recorder) -> bool:
    """Keeps what the steps before the failed one made; says whether there is anything to go on from.

    Called in the attempt that failed, before its folder would be removed. A failure to keep is no failure of the submission.
    """
    failed = recorder.at_hand
    if failed is None or failed is StepName.UNPACK:
        return False
    resume = min(failed, StepName.MATCH, key=_ORDER.index)
    try:
        text = json.dumps(_document(work, recorder, resume), ensure_ascii=True, separators=(",", ":"))
        temporary = work.folder / f"{KEPT}.new"
        temporary.write_text(text, encoding="ascii")
        os.replace(temporary, work.folder / KEPT)
    except (OSError, ValueError, TypeError) as error:
        logger.warning("submission %s cannot be resumed later, only begun anew: %s", work.submission_id, error)
        return False
    for part in work.folder.iterdir():
        # what later steps had made is made again
        if part.name not in {KEPT, "content"}:
            shutil.rmtree(part, ignore_errors=True)
    return True


def take_up(work: Work) -> StepName | None:
    """Gives the work what an earlier attempt kept, and moves its files into this attempt's folder.

    Returns:
        The step at which to go on; None where nothing was kept, or it is no longer as it was kept.
    """
    found = kept_file(work.folder.parent)
    if found is None:
        return None
    try:
        kept = json.loads(found.read_text(encoding="ascii"))
        if kept["form"] != _FORM:
            return None
        work.folder.mkdir(parents=True, exist_ok=True)
        os.rename(found.parent / "content", work.folder / "content")
        tree = _tree(kept["tree"], work.folder / "content")
        if not _is_whole(tree):
            return None
        recognitions = [Recognition(**item) for item in kept["recognitions"]]
        profile = next((item for item in work.profiles if item.name == recognitions[0].profile), None) if kept["read"] else None
        sip = profile.read(tree) if profile is not None else None
        formats = _formats(kept["formats"], tree)
        findings = [finding_from_row(value) for value in kept["findings"]]
        events = [_happening(value, work) for value in kept["events"]]
        step = StepName(kept["step"])
        if kept["read"] and sip is None:
            return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("what submission %s kept cannot be used, so it begins anew: %s", work.submission_id, error)
        return None
    work.tree, work.recognitions, work.formats = tree, recognitions, formats
    if sip is not None:
        work.sip = sip
    work.findings[:] = findings
    work.events[:] = events
    return step


def _document(work: Work, recorder: Recorder, resume: StepName) -> dict[str, Any]:
    tree = work.tree
    answers = {answer: number for number, answer in enumerate(dict.fromkeys(work.formats.values()))}
    return {
        # this one first, for `resumes_at`
        "step": str(resume),
        "form": _FORM,
        "read": _ORDER.index(resume) > _ORDER.index(StepName.RECOGNISE),
        "tree": {
            "name": tree.name,
            "below": os.path.relpath(tree.root, work.folder / "content"),
            "folders": list(tree.folders),
            "form": tree.form,
            "received": tree.received_bytes,
            "files": [
                [file.path, file.raw_path.hex(), file.size, *(digest.hex() for digest in file.digests), file.modified]
                for file in tree.files.values()
            ],
        },
        "recognitions": [{"profile": item.profile, "score": item.score, "reason": item.reason} for item in work.recognitions],
        "formats": {
            "answers": [_answer(answer) for answer in answers],
            "of": [answers[work.formats[path]] for path in tree.files] if work.formats else [],
        },
        "findings": [finding_as_row(finding) for finding in work.findings],
        "events": [_event(item) for item in recorder.events_before(resume)],
    }


def _tree(value: Mapping[str, Any], content: Path) -> PackageTree:
    files = {}
    for path, raw, size, sha512, sha256, sm3, modified in value["files"]:
        digests = Digests(bytes.fromhex(sha512), bytes.fromhex(sha256), bytes.fromhex(sm3))
        files[path] = ReceivedFile(path=path, raw_path=bytes.fromhex(raw), size=size, digests=digests, modified=modified)
    return PackageTree(
        name=value["name"],
        root=content / value["below"],
        files=files,
        folders=tuple(value["folders"]),
        form=value["form"],
        received_bytes=value["received"],
    )


def _is_whole(tree: PackageTree) -> bool:
    for file in tree.files.values():
        place = tree.root / file.path
        if place.is_symlink() or not place.is_file() or place.stat().st_size != file.size:
            return False
    return True


def _answer(answer: Identification) -> dict[str, Any]:
    return {
        "puid": answer.puid,
        "name": answer.name,
        "version": answer.version,
        "mime": answer.mime,
        "basis": str(answer.basis),
        "engine": answer.engine,
        "matches": list(answer.matches),
        "warnings": [str(warning) for warning in answer.warnings],
        "encoding": answer.encoding,
    }


def _formats(value: Mapping[str, Any], tree: PackageTree) -> Mapping[str, Identification]:
    answers = [
        Identification(
            puid=item["puid"],
            name=item["name"],
            version=item["version"],
            mime=item["mime"],
            basis=Basis(item["basis"]),
            engine=item["engine"],
            matches=tuple(item["matches"]),
            warnings=tuple(item["warnings"]),
            encoding=item["encoding"],
        )
        for item in value["answers"]
    ]
    numbers: Sequence[int] = value["of"]
    return {path: answers[number] for path, number in zip(tree.files, numbers, strict=True)} if numbers else {}


def _event(item: Happening) -> dict[str, Any]:
    return {
        "id": item.id,
        "type": str(item.type),
        "at": item.at.isoformat(),
        "outcome": str(item.outcome),
        "detail": dict(item.detail),
        "note": item.note,
        "store": item.store,
        "program": list(item.program) if item.program else None,
    }


def _happening(value: Mapping[str, Any], work: Work) -> Happening:
    # the ledger has the event under its id, about the attempt that failed; the package gets one of its own that names it
    return Happening(
        id=work.archive.new_id(),
        type=EventType(value["type"]),
        at=datetime.fromisoformat(value["at"]),
        outcome=EventOutcome(value["outcome"]),
        detail={**value["detail"], "kept_from": value["id"]},
        note=value["note"],
        store=value["store"],
        program=(value["program"][0], value["program"][1]) if value["program"] else None,
    )
