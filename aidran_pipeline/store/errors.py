"""The one error of the database's platform. What does not belong here: errors of SQL, which stay psycopg's own."""

from __future__ import annotations


class StoreError(RuntimeError):
    """The database cannot be had as asked. The message is for a person and names the remedy."""
