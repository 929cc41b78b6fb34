"""The rules of records that a lawyer can read: retention, dates, numbers of persons and bodies."""
