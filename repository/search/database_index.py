"""The `database` engine: SQLite FTS5 or PostgreSQL text search, in the same transaction as the catalogue's change.

Both get tokens that were cut by us (`repository.search.text`), so neither's own idea of words matters: FTS5 splits
ASCII at spaces and takes everything else as it is, and PostgreSQL is given finished ``tsvector`` values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Engine, bindparam, false, not_, text, true
from sqlalchemy.sql import and_

from repository.database import is_sqlite
from repository.holdings import Record
from repository.search.base import INDEX_VERSION, Document, SearchIndex
from repository.search.language import Term, TextField
from repository.search.text import BREAK, Phrase, joined_tokens

if TYPE_CHECKING:
    from repository.transaction import Transaction

_BATCH: Final = 500
#: PostgreSQL keeps positions up to 16,383 and 255 of them for a word (Documentation 15, 8.11.1 and 12.11).
_SEGMENT_TOKENS: Final = 12_000
_SEGMENT_REPEATS: Final = 200
#: A single text that is too long for a segment is cut into pieces that overlap by so much that phrases survive.
_PIECE: Final = 200
_OVERLAP: Final = 60


def database_index(engine: Engine) -> SearchIndex:
    """The index in the catalogue's own database."""
    return SqliteIndex() if is_sqlite(engine) else PostgresqlIndex()


class SqliteIndex:
    """FTS5 over a table of tokens, a column a field."""

    name = "database"
    _table = f"search_entry_{INDEX_VERSION}"
    _fts = f"search_words_{INDEX_VERSION}"
    _columns: Final = tuple(str(field) for field in TextField)

    def ready(self, tx: Transaction) -> bool:
        """Whether there is an index of the right version."""
        return bool(tx.session.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = :name"), {"name": self._fts}))

    def clear(self, tx: Transaction) -> None:
        """Makes an empty index, whatever there was."""
        self.discard(tx)
        columns = ", ".join(f'"{name}"' for name in self._columns)
        fields = ", ".join(f'"{name}" TEXT NOT NULL' for name in self._columns)
        tx.session.execute(text(f"CREATE TABLE {self._table} (number INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE, {fields})"))
        options = f"content='{self._table}', content_rowid='number', tokenize='ascii', columnsize=0"
        tx.session.execute(text(f"CREATE VIRTUAL TABLE {self._fts} USING fts5({columns}, {options})"))

    def discard(self, tx: Transaction) -> None:
        """Removes the index, of whatever version."""
        # the tables behind a virtual table go with it
        ours = "sql LIKE 'CREATE VIRTUAL TABLE search_words%' OR name LIKE 'search_entry%'"
        names = f"SELECT name FROM sqlite_master WHERE type = 'table' AND ({ours})"
        for name in tx.session.scalars(text(names)).all():
            tx.session.execute(text(f'DROP TABLE "{name}"'))

    def replace(self, tx: Transaction, documents: Iterable[Document]) -> None:
        """Puts documents into the index, in place of those of the same records."""
        columns = ", ".join(f'"{name}"' for name in self._columns)
        values = ", ".join(f":{name}" for name in self._columns)
        into_table = text(f"INSERT INTO {self._table} (record_id, {columns}) VALUES (:record_id, {values}) RETURNING number")
        into_fts = text(f"INSERT INTO {self._fts} (rowid, {columns}) VALUES (:number, {values})")
        for document in documents:
            self.remove(tx, [document.record_id])
            row: dict[str, Any] = {str(field): joined_tokens(document.texts.get(field, ())) for field in TextField}
            row["record_id"] = document.record_id
            row["number"] = tx.session.scalar(into_table, row)
            tx.session.execute(into_fts, row)

    def remove(self, tx: Transaction, record_ids: Collection[str]) -> None:
        """Takes records out of the index; those not in it are ignored."""
        columns = ", ".join(f'"{name}"' for name in self._columns)
        # an index over the content of another table is told the old text, and forgets it word by word
        old = f"SELECT 'delete', number, {columns} FROM {self._table} WHERE record_id = :id"
        forget = f"INSERT INTO {self._fts} ({self._fts}, rowid, {columns}) {old}"
        for record_id in record_ids:
            tx.session.execute(text(forget), {"id": record_id})
            tx.session.execute(text(f"DELETE FROM {self._table} WHERE record_id = :id"), {"id": record_id})

    def condition(self, tx: Transaction, terms: Sequence[Term]) -> ColumnElement[bool]:
        """The condition on `Record.id` under which a record satisfies every term."""
        if not self.ready(tx):
            return false()
        wanted = " AND ".join(_fts_expression(term) for term in terms if not term.excluded)
        conditions = [self._matching(wanted, "wanted")] if wanted else []
        unwanted = " OR ".join(_fts_expression(term) for term in terms if term.excluded)
        if unwanted:
            conditions.append(not_(self._matching(unwanted, "unwanted")))
        return and_(true(), *conditions)

    def count(self, tx: Transaction) -> int:
        """Number of records in the index."""
        return int(tx.session.scalar(text(f"SELECT count(*) FROM {self._table}")) or 0)

    def _matching(self, expression: str, name: str) -> ColumnElement[bool]:
        joined = f"{self._fts} JOIN {self._table} e ON e.number = {self._fts}.rowid"
        found = text(f"SELECT e.record_id FROM {joined} WHERE {self._fts} MATCH :search_{name}")
        return Record.id.in_(found.bindparams(bindparam(f"search_{name}", expression, unique=True)))


class PostgresqlIndex:
    """Rows of ``tsvector``: as many for a field of a record as PostgreSQL's limits on positions ask for."""

    name = "database"
    _table = f"search_words_{INDEX_VERSION}"

    def ready(self, tx: Transaction) -> bool:
        """Whether there is an index of the right version."""
        return tx.session.scalar(text("SELECT to_regclass(:name)"), {"name": self._table}) is not None

    def clear(self, tx: Transaction) -> None:
        """Makes an empty index, whatever there was."""
        self.discard(tx)
        columns = "record_id TEXT NOT NULL, field TEXT NOT NULL, part INTEGER NOT NULL, words TSVECTOR NOT NULL"
        tx.session.execute(text(f"CREATE TABLE {self._table} ({columns}, PRIMARY KEY (record_id, field, part))"))
        tx.session.execute(text(f"CREATE INDEX ix_{self._table}_words ON {self._table} USING gin (words)"))

    def discard(self, tx: Transaction) -> None:
        """Removes the index, of whatever version."""
        names = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'search\\_words\\_%'"
        for name in tx.session.scalars(text(names)).all():
            tx.session.execute(text(f'DROP TABLE "{name}"'))

    def replace(self, tx: Transaction, documents: Iterable[Document]) -> None:
        """Puts documents into the index, in place of those of the same records."""
        insert = text(f"INSERT INTO {self._table} VALUES (:record_id, :field, :part, CAST(:words AS tsvector))")
        for document in documents:
            self.remove(tx, [document.record_id])
            for field, values in document.texts.items():
                rows = [
                    {"record_id": document.record_id, "field": str(field), "part": part, "words": words}
                    for part, words in enumerate(_vectors(values), start=1)
                ]
                if rows:
                    tx.session.execute(insert, rows)

    def remove(self, tx: Transaction, record_ids: Collection[str]) -> None:
        """Takes records out of the index; those not in it are ignored."""
        tx.session.execute(text(f"DELETE FROM {self._table} WHERE record_id = ANY(:ids)"), {"ids": list(record_ids)})

    def condition(self, tx: Transaction, terms: Sequence[Term]) -> ColumnElement[bool]:
        """The condition on `Record.id` under which a record satisfies every term."""
        if not self.ready(tx):
            return false()
        conditions: list[ColumnElement[bool]] = [true()]
        for number, term in enumerate(terms):
            # a term a subquery: the segments of a record are rows, and each term may stand in another
            query = f"SELECT record_id FROM {self._table} WHERE words @@ CAST(:search_{number} AS tsquery)"
            values = {f"search_{number}": _tsquery(term.phrase)}
            if term.field is not None:
                query += f" AND field = :search_field_{number}"
                values[f"search_field_{number}"] = str(term.field)
            found = Record.id.in_(text(query).bindparams(*(bindparam(name, value, unique=True) for name, value in values.items())))
            conditions.append(not_(found) if term.excluded else found)
        return and_(*conditions)

    def count(self, tx: Transaction) -> int:
        """Number of records in the index."""
        return int(tx.session.scalar(text(f"SELECT count(DISTINCT record_id) FROM {self._table}")) or 0)


def _fts_expression(term: Term) -> str:
    """A term in the language of FTS5; tokens are letters and digits, so quoting them is enough."""
    phrase = '"' + " ".join(term.phrase.tokens) + '"' + (" *" if term.phrase.prefix else "")
    return f'("{term.field}" : {phrase})' if term.field is not None else f"({phrase})"


def _tsquery(phrase: Phrase) -> str:
    words = [_quoted(token) for token in phrase.tokens]
    if phrase.prefix:
        words[-1] += ":*"
    return " <-> ".join(words)


def _vectors(values: Iterable[str]) -> Iterator[str]:
    """The texts of a field as values of ``tsvector``, each within the limits."""
    segment: list[str] = []
    repeats: Counter[str] = Counter()
    for tokens in _pieces(values):
        counts = Counter(tokens)
        if segment and (len(segment) + len(tokens) > _SEGMENT_TOKENS or any(repeats[t] + n > _SEGMENT_REPEATS for t, n in counts.items())):
            yield _vector(segment)
            segment, repeats = [], Counter()
        segment += [*tokens, BREAK]
        repeats += counts
    if segment:
        yield _vector(segment)


def _pieces(values: Iterable[str]) -> Iterator[list[str]]:
    for value in values:
        tokens = joined_tokens([value]).split()
        start = 0
        while start + _PIECE < len(tokens):
            yield tokens[start : start + _PIECE]
            start += _PIECE - _OVERLAP
        if tokens[start:]:
            yield tokens[start:]


def _vector(tokens: Sequence[str]) -> str:
    return " ".join(f"{_quoted(token)}:{place}" for place, token in enumerate(tokens, start=1) if token != BREAK)


def _quoted(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
