"""What the API says of uploads: its JSON bodies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ingest.uploads.sets import SetView, UploadView
from repository.api.problems import PREFIX
from repository.findings import N_


class NewSet(BaseModel):
    """What a set is begun with."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=255, description=N_("What the package is to be called."))]
    agreement: Annotated[str, Field(min_length=1, max_length=64, description=N_("Code of the agreement under which it comes."))]


class UploadDocument(BaseModel):
    """A file of a set."""

    id: str = Field(description=N_("Id of the upload."))
    href: str = Field(description=N_("Where its bytes are sent (tus 1.0)."))
    path: str = Field(description=N_("Its path in the package."))
    length: int = Field(description=N_("Bytes it is to have."))
    received: int = Field(description=N_("Bytes that lie safely here."))
    complete: bool = Field(description=N_("Whether every byte is here."))

    @staticmethod
    def of(view: UploadView) -> UploadDocument:
        """From what the use case says."""
        return UploadDocument(
            id=view.id,
            href=f"{PREFIX}/uploads/{view.id}",
            path=view.path,
            length=view.length,
            received=view.received,
            complete=view.complete,
        )


class SetDocument(BaseModel):
    """A set of files that are being sent and together become one package."""

    id: str = Field(description=N_("Id of the set."))
    name: str = Field(description=N_("What the package is called."))
    agreement: str = Field(description=N_("Code of the agreement under which it comes."))
    files: int = Field(description=N_("How many files it has."))
    complete: int = Field(description=N_("How many of them are here whole."))
    bytes: int = Field(description=N_("Bytes that its files are to have together."))
    received: int = Field(description=N_("Bytes that lie safely here."))
    created_at: datetime = Field(description=N_("When it was begun."))
    expires_at: datetime = Field(description=N_("When it is removed if nothing more comes."))
    submission: str | None = Field(description=N_("Id of the submission it became, or null."))

    @staticmethod
    def of(view: SetView) -> SetDocument:
        """From what the use case says."""
        return SetDocument(**_members(view))


class SetWithFiles(SetDocument):
    """A set with its files."""

    uploads: Sequence[UploadDocument] = Field(description=N_("Its files, by path."))

    @staticmethod
    def of(view: SetView) -> SetWithFiles:
        """From what the use case says."""
        return SetWithFiles(**_members(view), uploads=[UploadDocument.of(upload) for upload in view.uploads])


class SetList(BaseModel):
    """The unfinished sets of a person."""

    items: Sequence[SetDocument] = Field(description=N_("The sets, the one begun last in front."))


def _members(view: SetView) -> dict[str, object]:
    return {
        "id": view.id,
        "name": view.name,
        "agreement": view.agreement,
        "files": view.files,
        "complete": view.complete,
        "bytes": view.bytes,
        "received": view.received,
        "created_at": view.created_at,
        "expires_at": view.expires_at,
        "submission": view.submission_id,
    }
