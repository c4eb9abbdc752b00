"""The packaged sample texts as plain strings, for benchmarks that need natural wording."""

from __future__ import annotations

from importlib.resources import files


def sample_texts() -> list[str]:
    """News, posts and pages of the bundled days, one string each, in the order of the files."""
    folder = files("aidran_pipeline.sample") / "data"
    found: list[str] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".txt"):
            continue
        block: list[str] = []
        for line in [*file.read_text(encoding="utf-8").splitlines(), "= end"]:
            if line.startswith("= "):
                found.append("\n".join(block).strip())
                block = []
            elif not line.startswith("#"):
                block.append(line)
    return [text for text in found if text]
