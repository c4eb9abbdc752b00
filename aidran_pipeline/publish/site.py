"""The whole site as (path, bytes), in an order in which a page comes after the pages it leads down to.

What does not belong here: files (build.py), how a page looks (templates).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from psycopg.pq import TransactionStatus

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.publish.feeds import feeds, sitemap
from aidran_pipeline.publish.pages import Pages
from aidran_pipeline.publish.read import read_index
from aidran_pipeline.store.db import Connection

STATIC = ("icon.svg", "style.css")


@contextmanager
def snapshot(conn: Connection) -> Iterator[None]:
    """One consistent, read-only view for the whole site; inside a caller's transaction that one's view is used."""
    outer = conn.info.transaction_status is not TransactionStatus.IDLE
    with conn.transaction():
        if not outer:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def render_site(conn: Connection, publication: Publication) -> Iterator[tuple[str, bytes]]:
    """Every file of the site: path below its root and bytes. The same rows give the same files in the same order.

    Read the iterator to its end or close it: it holds a read-only transaction on `conn` meanwhile.
    """
    with snapshot(conn):
        index = read_index(conn, publication)
        pages = Pages(conn, index)
        for name in STATIC:
            yield name, files("aidran_pipeline.publish").joinpath("static", name).read_bytes()
        for versions in sorted(index.by_article.values(), key=lambda heads: heads[0].slug):
            yield from pages.article(versions)
        yield from pages.topics()
        yield from pages.plain_pages()
        yield pages.home()
        yield from feeds(conn, index)
        yield "sitemap.xml", sitemap(index)
