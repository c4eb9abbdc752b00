"""What the writer model is shown: validated claims and sentences of linked pages, capped, each under a short id.

Which ones is decided by code, with the measures of the extractive engine (threads.py, select.py); their number has a
bound, so that the cost of a story does not grow with noise. Ids count from 1 in the order of the offer: c1, c2, … for
claims, p1.2 for sentence 2 of page 1, y1, … for sentences of the story before. What does not belong here: words to the
model (prompting.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.text import split_sentences
from aidran_pipeline.write.draft import Use
from aidran_pipeline.write.fit import opens, printable, repeats, similarity
from aidran_pipeline.write.frames import bare, use_of
from aidran_pipeline.write.gates.quotes import cut_off, whole_sentence
from aidran_pipeline.write.material import Claim, Material, Page, Told
from aidran_pipeline.write.select import MIN_FIT, NotEnough, Plan, make_plan, nothing_to_tell
from aidran_pipeline.write.threads import Thread, threads_of

MOST_CLAIMS = 44
LEAD, SECOND, OTHER = 16, 10, 4  # claims of the storyline that leads, of those with a section, of a small one
A_RECORD, A_RECORD_THIN = 3, 5  # claims of one record; where a topic has few records
THIN_RECORDS = 14
LEAST_WORDS = 290  # of all quotes: less makes no prose of 600 words without filler
SAME_STORY = 3  # claims of other outlets that repeat one that is offered already
PAGES, A_PAGE = 6, 4
MOST_OF_PAGES = 18
PAGE_LENGTH = (50, 280)
PAGE_NEAR = 0.12


@dataclass(frozen=True)
class Item:
    """One piece of evidence under its id. storyline: letters in the order of the offer, A leads; about: what for."""

    id: str
    use: Use
    storyline: str
    claim: Claim | None = None
    page: Page | None = None
    answers: tuple[str, ...] = ()

    @property
    def statement(self) -> str:
        """The reader's words for it where they differ from the quote, else ''."""
        said = self.claim.statement if self.claim else ""
        return "" if not said or similarity(said, self.use.quote) == 1.0 else said


@dataclass(frozen=True)
class Offer:
    """All that a story may be made of, by id, and the threads behind it for what code writes itself."""

    items: dict[str, Item]
    told: dict[str, Told]
    lead: Thread
    threads: tuple[Thread, ...]
    plan: Plan | None = None
    read: tuple[str, ...] = field(default=())

    def words(self) -> int:
        """Words of all quotes."""
        return sum(len(item.use.quote.split()) for item in self.items.values())

    def records(self) -> int:
        """Distinct records among the items."""
        return len({i.use.source.record_id for i in self.items.values() if i.claim is not None})


def make_offer(material: Material, publication: Publication, without: frozenset[int] = frozenset()) -> Offer:
    """Choose what the writer is shown. Raises NotEnough when no story can be made of the material.

    without: ids of claims not to be offered.
    """
    threads = threads_of(material, without)
    if not threads:
        raise nothing_to_tell(material)
    plan = _plan(material, without)
    ordered = _in_order(threads, plan)
    claims = list(_chosen(ordered, plan, publication))
    need = publication.evidence
    records = {c.source.record_id for _, c in claims}
    if len(records) < need.records:
        raise NotEnough("not enough evidence", f"{len(records)} records cited, {need.records} needed")
    letters = {id(t): chr(ord("A") + n) if n < 26 else f"Z{n}" for n, t in enumerate(ordered)}
    answers = {c.id: key for key, kept in (plan.reserved if plan else {}).items() for c in kept}
    items = {
        f"c{n}": Item(f"c{n}", use_of(c), letters[id(t)], c, answers=(answers[c.id],) if c.id in answers else ())
        for n, (t, c) in enumerate(claims, start=1)
    }
    quotes = [item.use.quote for item in items.values()]
    offered = {id(t) for t, _ in claims}
    for number, (thread, page, uses) in enumerate(_pages([t for t in ordered if id(t) in offered], quotes), start=1):
        for n, use in enumerate(uses, start=1):
            items[f"p{number}.{n}"] = Item(f"p{number}.{n}", use, letters[id(thread)], page=page)
    told = {f"y{n}": t for n, t in enumerate((t for t in material.told if t.part != "story_so_far"), start=1)}
    return Offer(items, told, ordered[0], tuple(ordered), plan)


def _plan(material: Material, without: frozenset[int]) -> Plan | None:
    """The extractive engine's plan, whose choice of a lead is a good one; a model needs less for three sections."""
    try:
        return make_plan(material, without)
    except NotEnough as nothing:
        if nothing.reasons[0]["rule"] == "three sections":
            return None
        raise


def _in_order(threads: list[Thread], plan: Plan | None) -> list[Thread]:
    """The lead, those with a section of their own, then small ones that are on the beat."""
    if plan is None:
        return threads
    first = {t.storyline.id: t for _, group in plan.sections for t in group}
    small = [t for t in threads if t.storyline.id not in first and t.fit >= MIN_FIT]
    joined = {c.id for c in plan.lead.claims}
    return [*first.values(), *(t for t in small if not any(c.id in joined for c in t.claims))]


def _chosen(threads: list[Thread], plan: Plan | None, publication: Publication) -> Iterator[tuple[Thread, Claim]]:
    """Claims by thread: the best ones, those kept for the questions first, within every bound."""
    kept = {c.id for claims in (plan.reserved if plan else {}).values() for c in claims}
    sections = {t.storyline.id for kind, group in (plan.sections if plan else []) for t in group if kind == "storyline"}
    records: set[int | None] = set()
    few = len({c.source.record_id for t in threads for c in t.claims}) < THIN_RECORDS
    each = A_RECORD_THIN if few else A_RECORD
    total = 0
    for place, thread in enumerate(threads):
        most = LEAD if place == 0 else SECOND if thread.storyline.id in sections else OTHER
        taken: list[Claim] = []
        ordered = sorted(thread.claims, key=lambda c: c.id not in kept)
        for claim in ordered:
            new = claim.source.record_id not in records
            if len(taken) >= most or total >= MOST_CLAIMS or (new and len(records) >= publication.max_cited_records):
                continue
            if _offered(claim, taken, each):
                taken.append(claim)
                records.add(claim.source.record_id)
                total += 1
        yield from ((thread, c) for c in _told_in_order(taken))


def _told_in_order(claims: list[Claim]) -> list[Claim]:
    """Record by record, the best record first, each record's claims as they stand in it."""
    first: dict[tuple[str, int], int] = {}
    for place, claim in enumerate(claims):
        first.setdefault(claim.source.key, place)
    return sorted(claims, key=lambda c: (first[c.source.key], c.start))


def _offered(claim: Claim, taken: list[Claim], each: int) -> bool:
    """Whether a claim adds to what its thread offers: quotable whole, and no repetition but another outlet's.

    each: claims of one record at most.
    """
    use = use_of(claim)
    if not whole_sentence(use) or cut_off(use):
        return False
    same = [c for c in taken if c.source.key == claim.source.key]
    if len(same) >= each or (not same and not opens(claim)):
        return False
    said = [c for c in taken if repeats(claim.quote, c.quote)]
    if any(c.source.family == claim.source.family and c.source.platform == claim.source.platform for c in said):
        return False
    return not said or sum(any(repeats(a.quote, b.quote) for b in taken if b is not a) for a in taken) < SAME_STORY


def _pages(threads: list[Thread], quotes: list[str]) -> Iterator[tuple[Thread, Page, list[Use]]]:
    """The sentences of linked pages that are nearest to their storyline and repeat nothing, a few a page."""
    made = total = 0
    for thread in threads:
        words = " ".join(c.quote for c in thread.claims[:6])
        for page in thread.pages:
            if made == PAGES or total >= MOST_OF_PAGES:
                return
            found: list[tuple[float, Use]] = []
            for span in split_sentences(page.source.text)[:60]:
                quote = page.source.text[span.start : span.end]
                near = similarity(quote, words)
                fits = PAGE_LENGTH[0] <= len(quote) <= PAGE_LENGTH[1] and printable(quote) and near >= PAGE_NEAR
                if not fits or page.heads(quote) or any(repeats(quote, other) for other in quotes):
                    continue
                kept, cut = bare(quote)
                use = Use(page.source, kept, span.start, span.end - cut)
                if whole_sentence(use):
                    found.append((near + (0.3 if any(ch.isdigit() for ch in quote) else 0.0), use))
            best = sorted(sorted(found, key=lambda f: (-f[0], f[1].start))[:A_PAGE], key=lambda f: f[1].start)
            if best:
                made, total = made + 1, total + len(best)
                quotes.extend(use.quote for _, use in best)
                yield thread, page, [use for _, use in best]
