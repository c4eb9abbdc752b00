"""The built-in judge of prose (write/support): how well it knows a supported sentence from one that is not.

Data: WiCE dev, the half that nothing was trained or chosen on (wice.py says how it is halved), claims against gold
evidence among other sentences (oracle form; --data takes the other form too, and a file of other ids is used whole).
Or lines {"quotes", "sources", "sentence", "label", "fault"}: then also the share of each kind of fault that is caught.

Two bars. `f1` and what begins with `f1_`: the score alone, at the threshold of the best F1. `precision`, `recall`,
`threshold`, `faults_caught`: what is published, as write/judge.py asks of each cited sentence of a model (no veto, and
the threshold of precision 0.85). Both thresholds were chosen on the calibration half. Intervals are 95 %, from
bootstrap samples of claims (rows of one claim stay together).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from aidran_pipeline.text import tokens
from aidran_pipeline.write.support import JUDGE_VERSION, support
from aidran_pipeline.write.support.model import trained
from benchmarks.report import finish, table
from benchmarks.wice import MISSING, ORACLE, Pair, half, read_pairs

SAMPLES, SEED = 1000, 2023
COVERED = (0.5, 0.6, 0.7, 0.8, 0.9)  # shares of words tried for the baseline, the best is shown: it is favoured
Figures = dict[str, float]


def figures(taken: Sequence[bool], truth: Sequence[bool]) -> Figures:
    """Precision, recall and F1 of "supported"; 0 where nothing is taken."""
    right = sum(t and s for t, s in zip(taken, truth, strict=True))
    precision = right / sum(taken) if any(taken) else 0.0
    recall = right / sum(truth) if any(truth) else 0.0
    f1 = 2 * right / (sum(taken) + sum(truth)) if right else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def intervals(taken: Sequence[bool], pairs: Sequence[Pair], samples: int) -> dict[str, tuple[float, float]]:
    """2.5th and 97.5th percentile of each figure over samples of claims."""
    by_claim: dict[str, list[int]] = {}
    for at, pair in enumerate(pairs):
        by_claim.setdefault(pair.group, []).append(at)
    claims, rng = sorted(by_claim), random.Random(SEED)  # noqa: S311 - a repeatable order, not a secret
    drawn: list[Figures] = []
    for _ in range(samples):
        rows = [at for claim in rng.choices(claims, k=len(claims)) for at in by_claim[claim]]
        drawn.append(figures([taken[at] for at in rows], [pairs[at].supported for at in rows]))
    return {
        name: (values[int(0.025 * samples)], values[min(samples - 1, int(0.975 * samples))])
        for name in ("precision", "recall", "f1")
        for values in [sorted(figure[name] for figure in drawn)]
    }


def word_coverage(pair: Pair) -> float:
    """Share of a sentence's stems that stand in its quotes."""
    own, given = tokens(pair.sentence), {stem for quote in pair.quotes for stem in tokens(quote)}
    return sum(stem in given for stem in own) / len(own) if own else 1.0


def best_coverage(pairs: Sequence[Pair]) -> tuple[float, list[bool]]:
    """The word-coverage baseline at the best of the shares tried on these very pairs."""
    shares, truth = [word_coverage(pair) for pair in pairs], [pair.supported for pair in pairs]
    best = max(COVERED, key=lambda cut: figures([share >= cut for share in shares], truth)["f1"])
    return best, [share >= best for share in shares]


def caught(pairs: Sequence[Pair], taken: Sequence[bool]) -> dict[str, float]:
    """Share of each kind of fault that is not taken as supported."""
    kinds: dict[str, list[bool]] = {}
    for pair, supported in zip(pairs, taken, strict=True):
        if not pair.supported:
            kinds.setdefault(pair.fault or "unnamed", []).append(not supported)
    return {kind: round(sum(found) / len(found), 4) for kind, found in sorted(kinds.items())}


def show(name: str, taken: Sequence[bool], pairs: Sequence[Pair], samples: int) -> list[object]:
    """A row of the table."""
    found, spread = figures(taken, [pair.supported for pair in pairs]), intervals(taken, pairs, samples)
    return [name, *(f"{found[k]:.3f} ({spread[k][0]:.2f} to {spread[k][1]:.2f})" for k in found), sum(taken)]


def chosen(path: Path) -> tuple[list[Pair], str]:
    """What is reported: the reported half of WiCE dev, the whole of any other file."""
    pairs, wice = read_pairs(path)
    if wice and all(pair.group.startswith("dev") for pair in pairs):
        return half(pairs, calibrating=False), "the reported half of WiCE dev"
    return pairs, "the whole file"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 2 where the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ORACLE, help="a file of WiCE or of written pairs, JSONL")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="bootstrap samples")
    parser.add_argument("--misses", action="store_true", help="print what is judged wrongly when publishing")
    options = parser.parse_args(arguments)
    try:
        pairs, what = chosen(options.data)
    except (OSError, ValueError, KeyError) as error:
        print(f"no data: {error}. {MISSING}", file=sys.stderr)
        return 2
    model, seconds, verdicts = trained(), [], []
    support("The encoder is loaded by this sentence.", ["A first call takes longer."])
    for pair in pairs:
        began = time.perf_counter()
        verdicts.append(support(pair.sentence, pair.quotes, metadata=pair.metadata))
        seconds.append(time.perf_counter() - began)
    published = [verdict.verdict == "supported" for verdict in verdicts]
    balanced = [verdict.score >= model.best for verdict in verdicts]
    cut, words = best_coverage(pairs)
    truth = [pair.supported for pair in pairs]
    print(f"{len(pairs)} pairs ({what}), {sum(truth)} supported; judge {JUDGE_VERSION}\n")
    rows = [
        show("always supported", [True] * len(pairs), pairs, options.samples),
        show(f"word coverage, at least {cut}", words, pairs, options.samples),
        show(f"judge, score at least {model.best:.3f}", balanced, pairs, options.samples),
        show(f"judge, publishing ({model.publish:.3f}, no veto)", published, pairs, options.samples),
    ]
    print(table(["", "precision", "recall", "F1", "taken"], rows))
    shares = caught(pairs, published)
    if shares:
        print("\n" + table(["fault", "caught"], [[kind, share] for kind, share in shares.items()]))
    print(f"\na call takes {median(seconds) * 1000:.1f} ms (median)")
    if options.misses:
        for pair, verdict in zip(pairs, verdicts, strict=True):
            if (verdict.verdict == "supported") != pair.supported:
                print(f"- {pair.fault or 'supported'}: {pair.sentence} · {verdict.score} {'; '.join(verdict.reasons)}")
    best, publishing = (figures(taken, truth) for taken in (balanced, published))
    result = {
        "pairs": len(pairs), "supported": sum(truth), "judge": JUDGE_VERSION, "data": what,
        "precision": publishing["precision"], "recall": publishing["recall"], "threshold": model.publish,
        "f1": best["f1"], "f1_precision": best["precision"], "f1_recall": best["recall"], "f1_threshold": model.best,
        "publishing_f1": publishing["f1"], "faults_caught": shares,
        "always_supported_f1": figures([True] * len(pairs), truth)["f1"],
        "word_coverage_f1": figures(words, truth)["f1"], "milliseconds": round(median(seconds) * 1000, 2),
    }  # fmt: skip
    finish("support", result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
