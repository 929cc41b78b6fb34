"""The tables of uploads under way. They are no holdings: what is not finished in time is removed with its bytes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repository.holdings import Base


class UploadSet(Base):
    """Files that are being sent and together become one package: one packed file, or a folder."""

    __tablename__ = "upload_set"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64), index=True)
    agreement_code: Mapped[str] = mapped_column(ForeignKey("agreement.code"))
    name: Mapped[str] = mapped_column(Text)
    #: How many files it has and how many bytes they are to have, kept here so that the next one is not counted anew.
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(index=True)
    submission_id: Mapped[str | None] = mapped_column(String(36))

    uploads: Mapped[list[Upload]] = relationship(back_populates="set", order_by="Upload.path")


class Upload(Base):
    """One file that is being sent."""

    __tablename__ = "upload"
    __table_args__ = (UniqueConstraint("set_id", "key"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    set_id: Mapped[str] = mapped_column(ForeignKey("upload_set.id"), index=True)
    path: Mapped[str] = mapped_column(Text)
    #: Digest of the path without its case and Unicode form: equal for paths that some file systems cannot keep both.
    key: Mapped[str] = mapped_column(String(64))
    length: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]

    set: Mapped[UploadSet] = relationship(back_populates="uploads")
