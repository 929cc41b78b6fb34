"""Jobs: a ledger in the database, a lease for whoever works, and the processes that take jobs from it."""
