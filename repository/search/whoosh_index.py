"""The `whoosh` engine: an index in a folder of the home, without a service, for one machine and up to about 10⁵ records.

Whoosh stores the postings; which records hold a phrase is decided here from the positions in them, so that a phrase
means exactly the same as in the `database` engine.
"""

from __future__ import annotations

import logging
import pickle
import shutil
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import JSON, ColumnElement, String, any_, bindparam, false, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from whoosh import fields, index
from whoosh.analysis import SpaceSeparatedTokenizer
from whoosh.index import FileIndex
from whoosh.matching import IntersectionMatcher, Matcher
from whoosh.reading import IndexReader, TermNotFound
from whoosh.util import make_binary_tree

from repository.database import is_sqlite
from repository.holdings import Record
from repository.search.base import INDEX_VERSION, Document
from repository.search.language import Term, TextField
from repository.search.text import Phrase, joined_tokens

if TYPE_CHECKING:
    from repository.transaction import Transaction

logger = logging.getLogger(__name__)

#: How long a writer waits for another process that writes, seconds.
_LOCK_SECONDS: Final = 120.0
#: Memory a writer may use before it spills to disk, MiB.
_WRITER_MEBIBYTES: Final = 48
#: What reading a damaged or half-made index can raise.
_UNUSABLE: Final = (index.IndexError, OSError, ValueError, EOFError, KeyError, pickle.UnpicklingError, struct.error)


class WhooshIndex:
    """A Whoosh index.

    Args:
        folder: the folder for indexes; the index is in a folder below that carries its version.
    """

    name = "whoosh"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"whoosh-{INDEX_VERSION}"

    def ready(self, tx: Transaction) -> bool:
        """Whether there is an index of the right version that can be opened."""
        try:
            self._open().doc_count()
        except _UNUSABLE:
            return False
        return True

    def clear(self, tx: Transaction) -> None:
        """Makes an empty index, whatever there was."""
        self.discard(tx)
        self._folder.mkdir(parents=True)
        words = {str(field): fields.TEXT(analyzer=SpaceSeparatedTokenizer(), phrase=True) for field in TextField}
        index.create_in(str(self._folder), fields.Schema(id=fields.ID(unique=True, sortable=True), **words)).close()

    def discard(self, tx: Transaction) -> None:
        """Removes the index, of whatever version."""
        for folder in self._folder.parent.glob("whoosh-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def replace(self, tx: Transaction, documents: Iterable[Document]) -> None:
        """Puts documents into the index, in place of those of the same records; all of them or, if this fails, none."""
        opened = self._open()
        writer = opened.writer(timeout=_LOCK_SECONDS, limitmb=_WRITER_MEBIBYTES)
        try:
            with writer.reader() as before:
                for document in documents:
                    if ("id", document.record_id) in before:
                        writer.delete_by_term("id", document.record_id)
                    texts = {str(field): joined_tokens(values) for field, values in document.texts.items()}
                    writer.add_document(id=document.record_id, **texts)
        except BaseException:
            writer.cancel()
            raise
        writer.commit()

    def remove(self, tx: Transaction, record_ids: Collection[str]) -> None:
        """Takes records out of the index; those not in it are ignored."""
        writer = self._open().writer(timeout=_LOCK_SECONDS, limitmb=_WRITER_MEBIBYTES)
        for record_id in record_ids:
            writer.delete_by_term("id", record_id)
        writer.commit()

    def condition(self, tx: Transaction, terms: Sequence[Term]) -> ColumnElement[bool]:
        """The condition on `Record.id` under which a record satisfies every term."""
        if not terms:
            return true()
        try:
            with self._reader() as reader:
                found = [record_id for leaf, _ in reader.leaf_readers() for record_id in _matching(leaf, terms)]
        except index.EmptyIndexError:
            # nothing has been indexed yet
            return false()
        except _UNUSABLE:
            logger.exception("the search index cannot be read; it is made again by the next indexing")
            return false()
        if not found:
            return false()
        if is_sqlite(tx.archive.engine):
            listed = func.json_each(bindparam("search_found", found, type_=JSON, unique=True)).table_valued("value")
            return Record.id.in_(select(listed.c.value))
        return Record.id == any_(literal(found, ARRAY(String)))

    def count(self, tx: Transaction) -> int:
        """Number of records in the index."""
        return int(self._open().doc_count())

    def _open(self) -> FileIndex:
        return index.open_dir(str(self._folder))

    @contextmanager
    def _reader(self) -> Iterator[IndexReader]:
        opened = self._open()
        reader = opened.reader()
        try:
            yield reader
        finally:
            reader.close()
            opened.close()


def _matching(leaf: IndexReader, terms: Sequence[Term]) -> Iterator[str]:
    """The records of one segment of the index that satisfy every term."""
    found: set[int] | None = None
    for term in sorted(terms, key=lambda term: term.excluded):
        if term.excluded:
            found = (set(leaf.all_doc_ids()) if found is None else found) - _documents(leaf, term)
        else:
            documents = _documents(leaf, term)
            found = documents if found is None else found & documents
        if not found:
            return
    ids = leaf.column_reader("id")
    for number in sorted(found or ()):
        yield ids[number]


def _documents(leaf: IndexReader, term: Term) -> set[int]:
    """Numbers of the documents of a segment in which a term occurs."""
    names = [term.field] if term.field is not None else list(TextField)
    return set().union(*(_in_field(leaf, str(name), term.phrase) for name in names))


def _in_field(leaf: IndexReader, field: str, phrase: Phrase) -> set[int]:
    first, last = (phrase.tokens[:-1], phrase.tokens[-1]) if phrase.prefix else (phrase.tokens, None)
    try:
        postings = [leaf.postings(field, token) for token in first]
    except TermNotFound:
        return set()
    goes_on = [leaf.postings(field, word) for word in leaf.expand_prefix(field, last)] if last is not None else []
    if not first:
        return {number for matcher in goes_on for number in matcher.all_ids()}
    if len(first) == 1 and last is None:
        return set(postings[0].all_ids())
    ends = _ends(postings)
    if last is None:
        return set(ends)
    return {number for matcher in goes_on for number in _following(matcher, ends)}


def _ends(postings: Sequence[Matcher]) -> dict[int, set[int]]:
    """For the documents in which the tokens follow each other: the places right after."""
    ends: dict[int, set[int]] = {}
    together = make_binary_tree(IntersectionMatcher, list(postings))
    while together.is_active():
        places = set(postings[0].value_as("positions"))
        for matcher in postings[1:]:
            places = {place + 1 for place in places}.intersection(matcher.value_as("positions"))
            if not places:
                break
        if places:
            ends[together.id()] = {place + 1 for place in places}
        together.next()
    return ends


def _following(matcher: Matcher, ends: dict[int, set[int]]) -> Iterator[int]:
    """Those of the documents in which the matcher's token stands at one of the places."""
    for number in sorted(ends):
        if not matcher.is_active():
            return
        if matcher.id() < number:
            matcher.skip_to(number)
        if matcher.is_active() and matcher.id() == number and not ends[number].isdisjoint(matcher.value_as("positions")):
            yield number
