"""A search for words in everything that a newsroom keeps: every table, bodies decompressed, a backup, the site, logs.

Texts are compared as words in a row, without case, punctuation, markup and escapes, so that a slug, a cut heading and
a JSON escape are found like the sentence itself.
"""

from __future__ import annotations

import html
import re
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from aidran_pipeline.store.backup import backup
from aidran_pipeline.store.db import connect
from aidran_pipeline.store.postgres_programs import program, program_environment

_WORD = re.compile(r"\w+")
_TAG = re.compile(r"<[^<>]{0,400}>")
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
LEAST_WORDS = 4


def words(text: str) -> str:
    """Words in lower case with one blank between: what is searched and what is looked for."""
    plain = _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), text.replace("\\n", " ").replace("\\t", " "))
    plain = html.unescape(html.unescape(plain)).replace("_", " ")
    return " ".join(_WORD.findall(plain.lower()))


def parts_of(text: str) -> list[str]:
    """A text whole and by halves, and so each of its sentences: in words, none so short that it is said by chance."""
    sentences = [part for line in text.splitlines() for part in re.split(r"(?<=[.!?])\s", line)]
    found: list[str] = []
    for piece in [text, *sentences]:
        listed = words(piece).split()
        middle = len(listed) // 2
        found += [" ".join(half) for half in (listed, listed[:middle], listed[middle:]) if len(half) >= LEAST_WORDS]
    return list(dict.fromkeys(found))


def find_parts(parts: Iterable[str], url: str, *folders: Path, work: Path) -> list[str]:
    """Where any of the parts stands, as "PLACE: part"; nothing when it is gone. work: a folder for a backup."""
    wanted = [f" {part} " for part in parts]
    assert wanted, "nothing to look for"
    found = []
    for place, text in _haystacks(url, folders, work):
        said = f" {words(text)} "
        found += [f"{place}: {part.strip()}" for part in wanted if part in said]
    return found


def _haystacks(url: str, folders: Iterable[Path], work: Path) -> Iterator[tuple[str, str]]:
    yield from _tables("database", _run(["pg_dump", "--inserts", "--rows-per-insert=1"], url))
    with connect(url) as conn:
        for row in conn.execute("SELECT sha256, encoding, body FROM payloads WHERE body IS NOT NULL").fetchall():
            body = bytes(row["body"])
            body = zlib.decompress(body) if row["encoding"] == "zlib" else body
            yield f"payload {row['sha256'][:12]}", _TAG.sub(" ", body.decode("utf-8", "replace"))
            yield f"payload {row['sha256'][:12]}, as it is", body.decode("utf-8", "replace")
    file = backup(url, work / "scan.backup")
    yield from _tables("backup", _run(["pg_restore", "--data-only", "--file=-", str(file)]))
    file.unlink()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            yield f"name {path}", str(path.relative_to(folder)).replace("/", " . ")
            if path.is_file() and "postgres/data" not in str(path):
                text = path.read_bytes().decode("utf-8", "replace")
                yield f"file {path}", _TAG.sub(" ", text)
                yield f"file {path}, as it is", text


def _tables(name: str, dump: str) -> Iterator[tuple[str, str]]:
    """A dump cut at statements, so that a find names its table."""
    for part in re.split(r"\n(?=INSERT INTO |COPY )", dump):
        yield f"{name}, {part.split('(')[0].strip()[:60]}", part


def _run(argv: list[str], url: str | None = None) -> str:
    environment = program_environment() | {"PGCLIENTENCODING": "UTF8"}
    command = [str(program(argv[0])), *argv[1:]]
    if url is not None:
        parameters = conninfo_to_dict(url)
        environment["PGPASSWORD"] = str(parameters.pop("password", ""))
        command.insert(1, "--dbname=" + make_conninfo("", **parameters))
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=True)
    return done.stdout
