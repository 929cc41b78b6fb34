"""How alembic runs our migrations: on the connection it is given, in the transaction that is already open."""

from __future__ import annotations

from alembic import context

from repository.features import import_tables
from repository.holdings import Base

import_tables()

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter most things of a table; alembic then makes it anew.
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
