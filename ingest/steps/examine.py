"""The steps that open a package and judge it. They need no archive."""

from __future__ import annotations

from collections import Counter

from ingest.checks import examine
from ingest.recognition import choose
from ingest.recognition import recognise as score
from ingest.unpack import unpack as unpack_package
from ingest.work import Also, Examination, StepResult, Verdict
from repository.events import EventType
from repository.findings import N_, Outcome, Property, failure, is_valid
from storage.digests import ALGORITHMS


def unpack(work: Examination) -> StepResult:
    """Unpacks the package into the work folder, digesting every file in the same pass."""

    total: int | None = None

    def expected(bytes: int) -> None:
        nonlocal total
        total = bytes

    def progress(files: int, bytes: int) -> None:
        work.check()
        # what a package says of itself is believed for no more than this
        work.progress(N_("unpacking"), files, None, "files", bytes=bytes, bytes_total=None if total is None else max(total, bytes))

    destination = work.folder / "content"
    destination.mkdir()

    def landed(path: str) -> None:
        work.identifying.landed(f"{destination}/{path}")

    work.tree, findings = unpack_package(work.source, destination, limits=work.limits, progress=progress, landed=landed, expected=expected)
    files, size = work.size
    return StepResult(
        note=N_("{files} files, {bytes} bytes ({form})"),
        findings=findings,
        detail={"files": files, "bytes": size, "form": work.tree.form},
        also=(
            Also(
                type=EventType.MESSAGE_DIGEST_CALCULATION,
                detail={"files": files, "algorithms": list(ALGORITHMS)},
                note=N_("SHA-512, SHA-256 and SM3 of every file, computed in the pass that unpacked it"),
            ),
        ),
    )


def recognise(work: Examination) -> StepResult:
    """Lets every profile score the package and the best one read it."""
    work.progress(N_("recognising"))
    work.recognitions = score(work.tree, work.profiles)
    profile = choose(work.recognitions, work.profiles)
    scores = {recognition.profile: recognition.score for recognition in work.recognitions}
    if profile is None:
        finding = failure(
            "PROFILE_UNKNOWN",
            Property.USABILITY,
            work.tree.name,
            N_("“{subject}” is no kind of package that is known here: every profile gave it 0 points."),
            N_("Hand it in as a BagIt bag, an E-ARK package, a service-affair package or a plain folder."),
        )
        return StepResult(note=N_("no profile fits"), verdict=Verdict.REJECT, findings=(finding,), detail={"scores": scores})
    best = work.recognitions[0]
    work.sip = profile.read(work.tree)
    return StepResult(
        note=N_("{profile}: {score} points, {reason}"),
        detail={"profile": best.profile, "score": best.score, "reason": best.reason, "scores": scores},
    )


def safety(work: Examination) -> StepResult:
    """安全性: nothing in it does harm, and it may be held here."""
    return _judge(work, Property.SAFETY)


def authenticity(work: Examination) -> StepResult:
    """真实性: it is what it says it is."""
    return _judge(work, Property.AUTHENTICITY)


def integrity(work: Examination) -> StepResult:
    """完整性: nothing is missing, cut off or changed."""
    return _judge(work, Property.INTEGRITY)


def usability(work: Examination) -> StepResult:
    """可用性: it can be found, opened and understood."""
    return _judge(work, Property.USABILITY)


def accept(work: Examination) -> StepResult:
    """Rejects the package if anything failed; the sender is told all of it at once."""
    failed = sum(finding.outcome is Outcome.FAIL for finding in work.findings)
    if failed:
        return StepResult(note=N_("rejected; checks that failed: {failed}"), verdict=Verdict.REJECT, detail={"failed": failed})
    return StepResult(note=N_("accepted: nothing failed"))


def _judge(work: Examination, property: Property) -> StepResult:
    work.progress(N_("checking"), detail=property)
    found = examine(property, work.tree, work.sip)
    counts = Counter(str(finding.outcome) for finding in found)
    if not found:
        note = N_("nothing to object to")
    elif is_valid(found):
        note = N_("remarks: {total}, none against acceptance")
    else:
        note = N_("checks that failed: {failed}")
    detail = {"property": str(property), "total": len(found), "failed": counts.get(Outcome.FAIL, 0), "outcomes": dict(counts)}
    return StepResult(note=note, findings=found, detail=detail)
