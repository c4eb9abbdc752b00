"""Seeded faults: which gate stops which corrupted article, what slips, and which clean twins are stopped.

Every article, clean or corrupted, goes through the whole contract (`aidran_pipeline.write.gates.run_gates`), as a draft
of the engine it names. A fault is caught when a gate that the file names for it fails; `caught_by_any` counts every
corrupted article that is not published at all. Format of the data: README.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aidran_pipeline.write.gates import GATES, GateFailure, run_gates
from benchmarks.fault_format import Article, Fault, Faults, read_faults
from benchmarks.fault_lines import BadLineError
from benchmarks.report import finish, table

DATA = Path(__file__).with_name("faults_data")


@dataclass(frozen=True)
class Outcome:
    """A corrupted article and what the gates said of it beyond what they say of its clean twin."""

    fault: Fault
    failures: tuple[GateFailure, ...]

    @property
    def by(self) -> tuple[str, ...]:
        """The gates that failed, in their order."""
        failed = {failure.gate for failure in self.failures}
        return tuple(name for name, _ in GATES if name in failed)

    @property
    def caught(self) -> bool:
        """Whether an expected gate failed."""
        return bool(set(self.by) & set(self.fault.gates))


def outcomes(data: Faults) -> tuple[dict[str, tuple[GateFailure, ...]], list[Outcome]]:
    """What the gates say of each clean article, by name, and of each corrupted one.

    What stops a twin for itself does not count as catching its fault: only failures that the twin does not have do.
    """
    clean = {article.name: tuple(_run(article)) for article in data.articles}
    found = []
    for fault in data.faults:
        known = Counter((f.gate, f.rule, f.detail) for f in clean[fault.twin])
        new = []
        for failure in _run(fault.article):
            key = (failure.gate, failure.rule, failure.detail)
            known[key] -= 1
            if known[key] < 0:
                new.append(failure)
        found.append(Outcome(fault, tuple(new)))
    return clean, found


def _run(article: Article) -> list[GateFailure]:
    return run_gates(article.draft, article.context)


def figures(clean: dict[str, tuple[GateFailure, ...]], found: Sequence[Outcome]) -> dict[str, Any]:
    """The shares, and per gate how many faults it was expected to catch and did."""
    gates: dict[str, dict[str, int]] = {}
    for name, _ in GATES:
        own = [outcome for outcome in found if _expected(outcome) == name]
        gates[name] = {"caught": sum(outcome.caught for outcome in own), "of": len(own)}
    return {
        "articles": len(clean),
        "faults": len(found),
        "caught_share": _share(outcome.caught for outcome in found),
        "caught_by_any": _share(bool(outcome.failures) for outcome in found),
        "clean_published_share": _share(not failures for failures in clean.values()),
        "gates": gates,
    }


def _expected(outcome: Outcome) -> str:
    """The gate a fault is counted under: the first expected one that failed, or the first expected."""
    return next((gate for gate in outcome.fault.gates if gate in outcome.by), outcome.fault.gates[0])


def _share(values: Iterable[bool]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0


def shown(data: Faults, clean: dict[str, tuple[GateFailure, ...]], found: Sequence[Outcome]) -> str:
    """The report for a person: by kind, by gate, what slipped, which clean twins were stopped."""
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in found:
        kinds[outcome.fault.kind].append(outcome)
    rows = [
        [
            kind, len(own), sum(o.caught for o in own), sum(bool(o.failures) and not o.caught for o in own),
            sum(not o.failures for o in own), " ".join(sorted({_expected(o) for o in own})),
            " ".join(f"{gate}:{count}" for gate, count in Counter(g for o in own for g in o.by).most_common()),
        ]
        for kind, own in sorted(kinds.items())
    ]  # fmt: skip
    parts = [table(["fault", "of", "caught", "by another", "slipped", "expected", "failed gates"], rows)]
    counted = figures(clean, found)["gates"]
    parts.append(table(["gate", "expected", "caught"], [[g, c["of"], c["caught"]] for g, c in counted.items()]))
    missed = [o for o in found if not o.caught]
    parts.append("Not caught by the expected gate:" if missed else "Every fault was caught by an expected gate.")
    parts.extend(
        f"  {o.fault.name} ({o.fault.kind}): expected {' or '.join(o.fault.gates)}, failed: {' '.join(o.by) or 'none'}"
        for o in missed
    )
    stopped = {name: failures for name, failures in clean.items() if failures}
    parts.append("Clean articles stopped:" if stopped else "Every clean article passed.")
    for name, failures in stopped.items():
        parts.extend(f"  {name}: {f.gate}: {f.rule}: {f.detail} (sentence {f.sentence})" for f in failures)
    return "\n".join([*parts[:1], "", *parts[1:2], "", *parts[2:]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every article through the gates and print. Exit code 2 where the data cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="a .jsonl file of articles and faults, or a folder")
    parser.add_argument("--group", help="only the articles of this group, and their faults")
    options = parser.parse_args(arguments)
    try:
        data = read_faults(options.data)
    except (OSError, UnicodeDecodeError, BadLineError) as error:
        print(f"no data: {error}. --data names a file of one JSON object a line.", file=sys.stderr)
        return 2
    data = _of_group(data, options.group) if options.group else data
    if not data.articles:
        print(f"no data: {options.data} holds no article (of that group); add article lines.", file=sys.stderr)
        return 2
    clean, found = outcomes(data)
    print(shown(data, clean, found))
    groups = {article.name: article.group for article in data.articles}
    by_group = {
        group: figures(
            {name: failures for name, failures in clean.items() if groups[name] == group},
            [outcome for outcome in found if groups[outcome.fault.twin] == group],
        )
        for group in sorted(set(groups.values()))
    }
    if len(by_group) > 1:
        keys = ("articles", "faults", "caught_share", "caught_by_any", "clean_published_share")
        print("\n" + table(["group", *keys], [[g, *(f[key] for key in keys)] for g, f in by_group.items()]))
    brief = {group: {key: value for key, value in own.items() if key != "gates"} for group, own in by_group.items()}
    finish("faults", {**figures(clean, found), "groups": brief})
    return 0


def _of_group(data: Faults, group: str) -> Faults:
    names = {article.name for article in data.articles if article.group == group}
    return Faults(tuple(a for a in data.articles if a.name in names), tuple(f for f in data.faults if f.twin in names))


if __name__ == "__main__":
    raise SystemExit(main())
