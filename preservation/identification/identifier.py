"""Identification of one file: the PRONOM engine first, then text, then the name, with a second opinion where these leave a doubt."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, Literal

from preservation.identification import remarks as say
from preservation.identification.answers import Basis, Identification
from preservation.identification.containers import Content
from preservation.identification.engine import DEEP_WINDOW, Decision, Engine, Release
from preservation.identification.opinions import Fido, Opinion, Siegfried
from preservation.identification.remarks import Remark
from preservation.identification.signatures import Format
from preservation.identification.texts import Magic, encoding_of

#: Bytes looked at from either end of a file. DROID's own default is 64 KiB; 25 signatures of PRONOM reach beyond that, three beyond
#: this, and those without end are looked for in so many bytes only.
WINDOW: Final = 128 * 1024
#: How many different answers are remembered.
_REMEMBERED: Final = 4096
#: PRONOM's identifier for plain text.
TEXT_PUID: Final = "x-fmt/111"


class Identifier:
    """Identifies files with one signature release. One for each thread, each process.

    Args:
        engine: the PRONOM engine.
        window: bytes looked at from either end of a file.
        second_opinion: whether Siegfried is asked about a file on disk where our engine finds nothing or several formats.
        media_types: whether libmagic is asked for the media type of a format for which PRONOM has none.
    """

    def __init__(self, engine: Engine, *, window: int = WINDOW, second_opinion: bool = True, media_types: bool = True) -> None:
        self.engine = engine
        self._media_types = media_types
        self.window = window
        self._second_opinion = second_opinion and Siegfried.installed()
        self._siegfried: Siegfried | None = None
        self._magic: Magic | None = None
        # answers repeat: the same formats with the same extension are said in the same words, and one answer serves all
        self._answers: dict[tuple[object, ...], Identification] = {}

    @classmethod
    def open(
        cls,
        cache_dir: Path,
        release: Release,
        *,
        engine: Literal["auto", "hyperscan", "re"] = "auto",
        window: int = WINDOW,
        deep_window: int = DEEP_WINDOW,
        second_opinion: bool = True,
        media_types: bool = True,
    ) -> Identifier:
        """An identifier for a release, from the cache or built (some seconds) and cached.

        Args:
            cache_dir: folder of compiled releases; made when absent, and done without when it cannot be written.
            release: which signatures (`preservation.formats` knows which is in force).
            engine: ``hyperscan``, ``re`` (the same answers, slower), or whichever is installed.
            window: bytes looked at from either end of a file.
            deep_window: bytes looked at from the start where `window` leaves open which of several formats a file is; 0 for never.
            second_opinion: ask Siegfried in doubt.
            media_types: ask libmagic where PRONOM has no media type.

        Raises:
            MetadataError: the release's files are not what they should be.
            OSError: they cannot be read.
            ImportError: ``hyperscan`` was asked for and is not installed.
        """
        found = Engine.open(cache_dir, release, scanner=engine, deep_window=deep_window)
        return cls(found, window=window, second_opinion=second_opinion, media_types=media_types)

    def identify_path(self, path: str | os.PathLike[str], name: str | None = None) -> Identification:
        """Identifies a file on disk.

        Args:
            path: where it lies.
            name: its own name, where it lies under another.

        A file that cannot be read gives an answer without format, with a warning that says so.
        """
        answer, doubtful = self.first_look(path, name)
        return self.second_look(path, answer) if doubtful else answer

    def first_look(self, path: str | os.PathLike[str], name: str | None = None) -> tuple[Identification, bool]:
        """What our own engine says, and whether Siegfried should be asked (`second_look`)."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            return self._unreadable(error), False
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                kind = "folder" if stat.S_ISDIR(status.st_mode) else "device, pipe or socket"
                return self._nothing(Remark(say.NOT_A_FILE, kind=kind)), False
            size, window = status.st_size, self.window
            # one byte more than it has, to see that it has no more; system files say they have none
            head = os.pread(descriptor, min(window, size + 1) if size else window, 0)
            if len(head) < window:
                # the file may have shrunk since its size was asked for
                content = Content(head, head, len(head), None)
            else:
                content = Content(head, None, size, lambda offset, length: os.pread(descriptor, length, offset))
            answer = self._identify(content, name if name is not None else os.path.basename(path))
        except OSError as error:
            return self._unreadable(error), False
        finally:
            os.close(descriptor)
        doubtful = self._second_opinion and content.size > 0 and (answer.puid is None or answer.basis in (Basis.EXTENSION, Basis.NONE))
        return answer, doubtful

    def second_look(self, path: str | os.PathLike[str], answer: Identification) -> Identification:
        """The answer, with Siegfried asked about it."""
        if self._siegfried is None:
            self._siegfried = Siegfried()
        return weighed(answer, self._siegfried.opinion(os.fspath(path)))

    def identify_stream(self, stream: BinaryIO, name: str, size: int | None = None) -> Identification:
        """Identifies what a seekable stream holds, from its beginning.

        Args:
            stream: open for reading; it is left wherever reading ended.
            name: the file's name.
            size: bytes of the whole; found by seeking where not given.

        Raises:
            OSError: the stream cannot be read or not sought.
        """
        total = stream.seek(0, os.SEEK_END) if size is None else size

        def read(offset: int, length: int) -> bytes:
            stream.seek(offset)
            out = bytearray()
            while len(out) < length and (block := stream.read(length - len(out))):
                out += block
            return bytes(out)

        return self._identify(self._content(read, total), name)

    def identify_buffer(
        self, head: bytes, tail: bytes, size: int, name: str, read: Callable[[int, int], bytes] | None = None
    ) -> Identification:
        """Identifies a file of which both ends are in memory.

        Args:
            head: its first bytes, `window` of them or all.
            tail: its last bytes, `window` of them or all.
            size: bytes of the whole file.
            name: its name.
            read: gives the bytes from an offset, so many of them; for containers larger than both windows. Without it
                such a container may not be looked into, and the answer says so.
        """
        return self._identify(Content(head, tail, size, read), name)

    def _content(self, read: Callable[[int, int], bytes], size: int) -> Content:
        head = read(0, self.window)
        return Content(head, head, len(head), None) if len(head) < self.window else Content(head, None, size, read)

    def _identify(self, content: Content, name: str) -> Identification:
        if content.size == 0:
            return self._by_name(name, Remark(say.EMPTY), text=None)
        decision = self.engine.decide(content)
        extension = _extension(name)
        head = content.head
        if decision.formats:
            # one format by a signature, with a media type that is not of text, is most of what there is
            key: tuple[object, ...] = (decision.matches, decision.basis, decision.remarks, extension)
            answer = self._answers.get(key)
            if answer is None:
                answer = self._remember(key, self._by_content(decision, extension))
            if answer.mime and not _is_textual(answer.mime):
                return answer
            mime = answer.mime or self._mime(head)
            encoding = encoding_of(head) if _is_textual(mime) else None
        else:
            encoding = encoding_of(head)
            key = (decision.remarks, extension, encoding)
            answer = self._answers.get(key)
            if answer is None:
                answer = self._remember(key, self._by_name(name, *decision.remarks, text=encoding))
            if answer.mime:
                return answer
            mime = self._mime(head)
        if mime == answer.mime and encoding == answer.encoding:
            return answer
        full = (*key, mime, encoding)
        return self._answers.get(full) or self._remember(full, replace(answer, mime=mime, encoding=encoding))

    def _remember(self, key: tuple[object, ...], answer: Identification) -> Identification:
        if len(self._answers) >= _REMEMBERED:
            self._answers.clear()
        self._answers[key] = answer
        return answer

    def _by_content(self, decision: Decision, extension: str) -> Identification:
        """The answer where signatures match, so far as it does not depend on the bytes."""
        formats, notes = _told_apart(decision.formats, extension)
        format = formats[0] if len(formats) == 1 else None
        notes = [*decision.remarks, *notes]
        if format is not None and format.extensions and extension not in format.extensions:
            expected = ", ".join(f".{each}" for each in format.extensions)
            template = say.EXTENSION_MISMATCH if extension else say.EXTENSION_MISSING
            notes.append(Remark(template, extension=extension, expected=expected))
        return Identification(
            puid=format.puid if format is not None else None,
            name=" / ".join(each.name for each in formats),
            version=format.version if format is not None else "",
            mime=_first_mime(format.mime if format is not None else ""),
            basis=Basis(decision.basis),
            engine=self.engine.name,
            matches=decision.matches,
            warnings=tuple(notes),
        )

    def _by_name(self, name: str, *notes: Remark, text: str | None) -> Identification:
        """The answer where no signature matches: by whether it is text, and by what the name says."""
        plan = self.engine.plan
        extension = _extension(name)
        named = plan.by_extension.get(extension, []) if extension else []
        # a format that has a signature would have shown it: what is left are the formats that have none
        unsigned = [format for format in named if not format.signed]
        plain = plan.by_puid.get(TEXT_PUID)
        if text is not None and plain is not None:
            textual = [format for format in unsigned if format.puid == TEXT_PUID or format.mime.startswith("text/")]
            if len(textual) == 1 and textual[0] is not plain:
                note = Remark(say.TEXT_BY_NAME, name=textual[0].name, extension=extension)
                return self._answer(textual, Basis.EXTENSION, (*notes, note), encoding=text)
            return self._answer([plain], Basis.TEXT, notes, encoding=text)
        if unsigned:
            several = (Remark(say.SEVERAL, formats=_listed(unsigned)),) if len(unsigned) > 1 else ()
            return self._answer(unsigned, Basis.EXTENSION, (*notes, Remark(say.EXTENSION_ONLY, extension=extension), *several))
        if named:
            absent = Remark(say.SIGNATURE_ABSENT, extension=extension, formats=_listed(named))
            answer = self._answer(named, Basis.EXTENSION, (*notes, absent))
            return replace(answer, puid=None)
        return self._nothing(*notes, Remark(say.UNKNOWN))

    def _answer(self, formats: Sequence[Format], basis: Basis, notes: tuple[Remark, ...], encoding: str | None = None) -> Identification:
        only = formats[0] if len(formats) == 1 else None
        mime = _first_mime(only.mime) if only is not None else ""
        return Identification(
            puid=only.puid if only is not None else None,
            name=" / ".join(dict.fromkeys(each.name for each in formats)),
            version=only.version if only is not None else "",
            mime=mime or ("text/plain" if basis is Basis.TEXT else ""),
            basis=basis,
            engine=self.engine.name,
            matches=tuple(each.puid for each in formats),
            warnings=notes,
            encoding=encoding,
        )

    def _nothing(self, *notes: Remark) -> Identification:
        return Identification(puid=None, name="", version="", mime="", basis=Basis.NONE, engine=self.engine.name, warnings=notes)

    def _unreadable(self, error: OSError) -> Identification:
        return self._nothing(Remark(say.UNREADABLE, reason=error.strerror or error))

    def _mime(self, head: bytes) -> str:
        if not self._media_types:
            return ""
        if self._magic is None:
            self._magic = Magic()
        return self._magic.mime(head)


class FidoIdentifier:
    """FIDO alone, in the same words: the reference engine, for those who choose it. Slow; only for files on disk."""

    def __init__(self) -> None:
        self._fido = Fido()

    def identify_path(self, path: str | os.PathLike[str], name: str | None = None) -> Identification:
        """Identifies a file on disk as FIDO does. `name` is not used: FIDO goes by the path."""
        problem = ""
        try:
            with open(path, "rb") as stream:
                if not stream.read(1):
                    problem = say.EMPTY
        except OSError as error:
            problem = Remark(say.UNREADABLE, reason=error.strerror or error)
        opinion = self._fido.opinion(os.fspath(path))
        notes = [Remark(problem)] if problem == say.EMPTY else [problem] if problem else []
        if opinion.problem:
            notes.append(Remark(say.ENGINE_FAILED, engine=opinion.engine, reason=opinion.problem))
        extension = _extension(os.path.basename(os.fspath(path)))
        if opinion.basis == "extension":
            notes.append(Remark(say.EXTENSION_ONLY, extension=extension))
        if len(opinion.formats) > 1:
            notes.append(Remark(say.SEVERAL, formats=", ".join(each.puid for each in opinion.formats)))
        only = opinion.formats[0] if len(opinion.formats) == 1 else None
        return Identification(
            puid=only.puid if only is not None else None,
            name=" / ".join(dict.fromkeys(each.name for each in opinion.formats)),
            version=only.version if only is not None else "",
            mime=_first_mime(only.mime) if only is not None else "",
            basis=Basis(opinion.basis),
            engine=opinion.engine,
            matches=tuple(dict.fromkeys(each.puid for each in opinion.formats)),
            warnings=tuple(notes),
        )


def is_unreadable(answer: Identification) -> bool:
    """Whether the answer says that the file could not be read, so that nothing is known of it."""
    return any(isinstance(warning, Remark) and warning.template == say.UNREADABLE for warning in answer.warnings)


def weighed(answer: Identification, opinion: Opinion) -> Identification:
    """Our answer in the light of another engine's: it decides between several of ours, or where we have nothing but the name;
    where it says something else, both are named."""
    if opinion.problem and not opinion.formats:
        note = Remark(say.ENGINE_FAILED, engine=opinion.engine, reason=opinion.problem)
        return replace(answer, warnings=(*answer.warnings, note))
    theirs = {format.puid: format for format in opinion.formats}
    if not theirs or opinion.basis in ("text", "extension") or set(theirs) == set(answer.matches):
        return answer
    words = {
        "first": answer.engine,
        "first_formats": ", ".join(answer.matches) or "—",
        "second": opinion.engine,
        "second_formats": ", ".join(theirs),
    }
    if answer.basis in (Basis.CONTAINER, Basis.SIGNATURE):
        common = [puid for puid in answer.matches if puid in theirs]
        if len(common) != 1:
            return replace(answer, warnings=(*answer.warnings, Remark(say.DISAGREEMENT, **words)))
        chosen = theirs[common[0]]
        note = Remark(say.SECOND_CHOSE, formats=", ".join(answer.matches), second=opinion.engine)
        matches = answer.matches
    else:
        chosen = opinion.formats[0]
        note = Remark(say.SECOND_OPINION, **words)
        matches = tuple(theirs)
    only = answer.basis in (Basis.CONTAINER, Basis.SIGNATURE) or len(theirs) == 1
    return Identification(
        puid=chosen.puid if only else None,
        name=chosen.name if only else " / ".join(format.name for format in opinion.formats),
        version=chosen.version if only else "",
        mime=_first_mime(chosen.mime) or answer.mime,
        basis=answer.basis if answer.basis in (Basis.CONTAINER, Basis.SIGNATURE) else Basis(opinion.basis),
        engine=opinion.engine,
        matches=matches,
        warnings=(*(each for each in answer.warnings if not _is_about_name(each)), note),
        encoding=answer.encoding,
    )


def _is_about_name(remark: str) -> bool:
    """Remarks that a second opinion with a signature has overtaken."""
    overtaken = {say.UNKNOWN, say.EXTENSION_ONLY, say.SIGNATURE_ABSENT, say.TEXT_BY_NAME, say.SEVERAL}
    return isinstance(remark, Remark) and remark.template in overtaken


def _told_apart(formats: Sequence[Format], extension: str) -> tuple[Sequence[Format], list[Remark]]:
    """Several formats of equal rank: those whose extension the name has, if that leaves some out."""
    if len(formats) < 2:
        return formats, []
    listed = _listed(formats)
    fitting = [format for format in formats if extension in format.extensions]
    if len(fitting) == 1:
        return fitting, [Remark(say.BY_EXTENSION, formats=listed, extension=extension)]
    return formats, [Remark(say.SEVERAL, formats=listed)]


def _listed(formats: Sequence[Format]) -> str:
    return ", ".join(format.puid for format in formats)


def _extension(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem and len(extension) <= 32 else ""


def _is_textual(mime: str) -> bool:
    return mime.startswith("text/") or "xml" in mime or "json" in mime


def _first_mime(mimes: str) -> str:
    return mimes.partition(",")[0].strip()
