"""The pipeline: what happens to a package, in order, in the words of the standards (OAIS Ingest; DA/T 70-2018).

A step that ends says a `StepResult`. A package that is at fault is `REJECT`ed after all checks have spoken, and told
everything at once. A step that raises has failed on our side; nothing it did counts, and the submission can be resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ingest.steps.examine import accept, authenticity, integrity, recognise, safety, unpack, usability
from ingest.steps.identify import identify
from ingest.steps.match import match
from ingest.steps.package import package
from ingest.steps.register import register
from ingest.steps.store import store
from ingest.work import Examination, Observer, Step, StepName, Verdict, W, Work
from repository.events import EventType

#: What `jingui check` does: everything that needs no archive.
EXAMINATION: Final[tuple[Step[Examination], ...]] = (
    Step(name=StepName.UNPACK, event=EventType.UNPACKING, run=unpack),
    Step(name=StepName.RECOGNISE, event=EventType.METADATA_EXTRACTION, run=recognise),
    Step(name=StepName.SAFETY, event=EventType.VALIDATION, run=safety),
    Step(name=StepName.AUTHENTICITY, event=EventType.VALIDATION, run=authenticity),
    Step(name=StepName.INTEGRITY, event=EventType.VALIDATION, run=integrity),
    Step(name=StepName.USABILITY, event=EventType.VALIDATION, run=usability),
    Step(name=StepName.ACCEPT, event=None, run=accept),
    Step(name=StepName.IDENTIFY, event=EventType.FORMAT_IDENTIFICATION, run=identify),
)

#: What `jingui ingest` does.
PIPELINE: Final[tuple[Step[Work], ...]] = (
    *EXAMINATION,
    Step(name=StepName.MATCH, event=None, run=match),
    Step(name=StepName.PACKAGE, event=EventType.INFORMATION_PACKAGE_CREATION, run=package),
    Step(name=StepName.STORE, event=EventType.REPLICATION, run=store),
    Step(name=StepName.REGISTER, event=None, run=register),
)


def run(steps: Sequence[Step[W]], work: W, observer: Observer) -> Verdict:
    """Runs the steps in order until one says that no other follows.

    Raises:
        PackageRefused: the package must not be opened further.
        JobLost, JobCancelled: from `work.check`.
    """
    for step in steps:
        work.check()
        observer.begins(step.name)
        result = step.run(work)
        work.findings.extend(result.findings)
        observer.ended(step.name, step.event, result)
        if result.verdict is not Verdict.CONTINUE:
            return result.verdict
    return Verdict.CONTINUE
