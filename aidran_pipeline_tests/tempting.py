"""A user's environment in which a key lies ready, a model server listens and `openai` can be imported: who gives in?

The `openai` on the path of the programs that are started is a trap: it notes that it was imported and refuses. It stands
before the real one in every process that inherits the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aidran_pipeline_tests.scripted_model import Reply, ScriptedServer, serving

TRAP = """
from pathlib import Path
Path({mark!r}).touch()
raise ImportError("openai was imported though no model engine was chosen")
"""


@dataclass
class Tempting:
    """environment: to be added to a program's; server: what it could call; mark: exists once openai was imported."""

    server: ScriptedServer
    mark: Path
    environment: dict[str, str]

    @property
    def resisted(self) -> bool:
        """Whether nobody called and nobody imported."""
        return self.server.connections == 0 and not self.mark.exists()


@contextmanager
def tempting(folder: Path) -> Iterator[Tempting]:
    """The trap in a folder, the server on loopback."""
    package, mark = folder / "trap" / "openai", folder / "openai-was-imported"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(TRAP.format(mark=str(mark)))
    with serving(lambda request: Reply("{}")) as server:
        yield Tempting(server, mark, {
            "PYTHONPATH": str(package.parent),
            "OPENAI_API_KEY": "sk-spend-nothing",
            "OPENAI_BASE_URL": server.base_url,
            "AIDRAN_MODEL": "scripted-1",
        })  # fmt: skip
