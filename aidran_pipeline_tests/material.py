"""Enough to write stories from: two beats, three days, outlets and posts of our own wording, taken through the stages.

The stages are the real ones; only ingest is left out (world.py writes its rows). What does not belong here: checks.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from aidran_pipeline.analyze import analyze_days, extract_claims
from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.signal import compute_signals
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.topics import sync_topics
from aidran_pipeline.write import ArticleResult, write_article
from aidran_pipeline_tests.world import World, at

DAY = date(2026, 6, 20)
DAYS = [DAY - timedelta(days=2), DAY - timedelta(days=1), DAY]
HEALTH, LAW = "ai-healthcare", "ai-law"
PUBLICATION = load_publication()
OUTLETS = ("harbour-ledger", "circuit-weekly", "nordlicht-tech", "meridian-post", "ward-round")

# (days before DAY, hour, outlet or handle or subreddit/user, title, text)
NEWS = [
    (
        0,
        6,
        "harbour-ledger",
        "Nine hospitals in Aldmoor let an AI model read chest scans at night",
        "Nine hospitals in Aldmoor let an AI model read chest scans between midnight and six. Radiologists check every scan when they arrive in the morning. The hospital group expects that patients go home four hours earlier because the reading no longer waits for the day shift.",
    ),
    (
        0,
        7,
        "circuit-weekly",
        "Aldmoor hospitals hand night reading of chest scans to an AI model",
        "The nine hospitals of Aldmoor hand the night reading of chest scans to an AI model by Sano Labs. In a pilot with 340 patients the model missed two fractures that doctors had found. It also found three fractures that doctors had missed, the hospital group said.",
    ),
    (
        0,
        8,
        "nordlicht-tech",
        "AI model of Sano Labs reads chest scans in nine Aldmoor hospitals",
        "Sano Labs supplies the AI model that reads chest scans in nine Aldmoor hospitals at night. Insurers have not decided whether they pay for a reading by a machine, the company said.",
    ),
    (
        0,
        9,
        "meridian-post",
        "Rural doctors share one AI triage line for night calls",
        "Forty rural doctors in Tamale share one AI triage line for patients who call at night. It sends one caller in seven to the hospital, and a nurse can overrule it at any time. Health minister Osei said that the line should cover the whole north by spring.",
    ),
    (
        0,
        10,
        "ward-round",
        "Tamale triage line sends one caller in seven to hospital",
        "The AI triage line that forty doctors in Tamale share sends one caller in seven to the hospital. Nurses overruled it 31 times in its first month, according to the clinic network.",
    ),
    (
        0,
        11,
        "circuit-weekly",
        "Clinic group Verity Health drops AI transcription after wrong drug names",
        "The clinic group Verity Health dropped an AI transcription tool after it confused two heart drugs in twelve letters. No patient was harmed, and doctors had reported the errors within a day.",
    ),
    (
        0,
        12,
        "harbour-ledger",
        "Verity Health stops AI transcription that mixed up heart drugs",
        "Verity Health stops the AI transcription of doctors' letters because the tool mixed up the names of two heart drugs. The group must review 4,000 letters by hand.",
    ),
    (
        1,
        7,
        "ward-round",
        "Nurses' union asks who answers when an AI monitor stays silent",
        "The nurses' union of Ostra asks who answers when an AI patient monitor stays silent. It reported 14 silent alarms in May at the city hospital.",
    ),
    (
        1,
        9,
        "meridian-post",
        "Ostra hospital investigates silent alarms of its AI patient monitors",
        "The city hospital of Ostra investigates 14 silent alarms of its AI patient monitors. The maker said that a network fault, not the AI model, was the reason.",
    ),
    (
        0,
        7,
        "meridian-post",
        "Judge Harlow lets the authors' copyright suit against Mimir Labs go on",
        "Judge Harlow ruled that the copyright suit of 40 authors against Mimir Labs may go on. The court found that training a language model on pirated books is not plainly fair use. The authors seek 90 million dollars in damages.",
    ),
    (
        0,
        9,
        "nordlicht-tech",
        "Copyright suit against Mimir Labs over pirated books may proceed",
        "A copyright suit against Mimir Labs over pirated books may proceed, Judge Harlow ruled. Mimir Labs said that it would appeal because the ruling threatens every language model trained on the open web.",
    ),
    (
        0,
        10,
        "harbour-ledger",
        "Ruling in Mimir Labs copyright case worries other AI companies",
        "The ruling in the copyright case against Mimir Labs worries other AI companies. Lawyers expect that three similar lawsuits in the same court will now go to trial in 2027.",
    ),
    (
        0,
        12,
        "circuit-weekly",
        "Lawyer fined for citing six cases that a chatbot invented",
        "A court in Lisbon fined a lawyer 3,000 euros for citing six cases that a chatbot had invented. The judge said that the lawyer should have read one of them.",
    ),
    (
        0,
        13,
        "ward-round",
        "Lisbon court fines lawyer over six invented chatbot cases",
        "The Lisbon court fines a lawyer 3,000 euros over six chatbot cases that do not exist. The bar association said that it would publish rules for chatbots in court filings by autumn.",
    ),
    (
        1,
        8,
        "nordlicht-tech",
        "Actors' guild sues studio over voices cloned by AI",
        "The actors' guild of Norrvik sues a game studio over 1,200 voices cloned by AI. The lawsuit says that contracts from 2019 never covered a synthetic voice.",
    ),
    (
        1,
        10,
        "harbour-ledger",
        "Norrvik actors take game studio to court over cloned voices",
        "Norrvik actors take a game studio to court because an AI library holds 1,200 cloned voices. The studio said that the contracts allowed it.",
    ),
    (
        0,
        13,
        "harbour-ledger",
        "Appeals court in Marwick throws out expert report that an AI model wrote",
        "An appeals court in Marwick threw out an expert report that an AI model had written for an insurer. The judges said that lawyers cannot question 61 pages of machine text as a witness.",
    ),
]
POSTS = [
    (
        0,
        8,
        "mara",
        "The AI reads the chest scans in Aldmoor at night and the radiologist signs in the morning. That order matters to patients.",
    ),
    (
        0,
        9,
        "nightshift",
        "Nine hospitals trust a model from Sano Labs with chest scans, but nobody phones the patient at four in the morning.",
    ),
    (
        0,
        11,
        "oldmed",
        "Two missed fractures in 340 patients is a better rate than my own night shifts as a tired doctor, AI or not.",
    ),
    (
        0,
        13,
        "tamalenurse",
        "I overruled the AI triage line twice this week in Tamale and both patients needed the hospital, so keep the nurse.",
    ),
    (
        0,
        14,
        "letterbox",
        "An AI that mixes up two heart drugs in a letter should not be near a doctor's signature, and Verity Health knew.",
    ),
    (
        0,
        15,
        "wardclerk",
        "Hospitals should publish how often an AI model is overruled, because patients cannot judge it otherwise.",
    ),
    (
        0,
        9,
        "quillpen",
        "The copyright ruling against Mimir Labs is the first time a judge said out loud that pirated books are not fair use.",
    ),
    (
        0,
        10,
        "fairuse",
        "Judge Harlow is wrong about Mimir Labs because a language model that reads a book does not copy it for readers.",
    ),
    (
        0,
        12,
        "courtwatch",
        "Three more copyright lawsuits against AI companies will follow the Mimir Labs ruling before the year is out.",
    ),
    (
        0,
        13,
        "notalawyer",
        "A lawyer who lets a chatbot cite six invented cases should lose more than 3,000 euros in Lisbon.",
    ),
    (
        0,
        16,
        "voicebox",
        "Cloned voices are a labour issue first and a copyright issue second, and AI contracts from 2019 prove it.",
    ),
]
THREADS = [
    (0, 10, "hospitaltech/gridlock", "Our clinic moved two AI models in house", "Our clinic moved two imaging AI models in house last year and the waiting time for scans fell by a third."),
    (0, 12, "hospitaltech/bluecode", "What nobody says about AI triage", "The AI triage line works because a nurse can overrule it, and the vendor never mentions the nurse."),
    (0, 11, "lawyertalk/redline", "Mimir Labs and the price of pirated books", "If the Mimir Labs copyright ruling stands, every AI company needs a licence for every book it trained on."),
    (0, 15, "lawyertalk/docket", "Chatbots in filings", "My court now requires a signed statement that no chatbot wrote the citations, and it should have come earlier."),
]  # fmt: skip


def tell(conn: Connection, *, news: int = len(NEWS), posts: int = len(POSTS), threads: int = len(THREADS)) -> World:
    """Records of the three days, the first so many of each kind; sources that reached them."""
    world = World(conn)
    sync_topics(conn, load_topics())
    for name in OUTLETS:
        world.source(name, publisher=name.replace("-", " ").title())
    world.source("bsky", "bluesky_search")
    world.source("reddit", "reddit")
    for name in world.sources:
        world.reach(name, DAYS[0], DAY)
    for i, (back, hour, outlet, title, text) in enumerate(NEWS[:news]):
        world.record(
            outlet, f"n{i:02}", text, at(DAY - timedelta(days=back), hour, i), title=title, author=f"{outlet}|desk{i}"
        )
    for i, (back, hour, handle, text) in enumerate(POSTS[:posts]):
        world.record("bsky", f"p{i:02}", text, at(DAY - timedelta(days=back), hour, i), author=f"{handle}.sample.test")
    for i, (back, hour, who, title, text) in enumerate(THREADS[:threads]):
        community, user = who.split("/")
        when = at(DAY - timedelta(days=back), hour, i)
        world.record("reddit", f"t{i:02}", text, when, title=title, author=user, community=community)
    return world


def prepare(
    conn: Connection, *, days: list[date] = DAYS, publication: Publication = PUBLICATION, hour: int = 23
) -> None:
    """Analysis, claims and signals of the days: everything a story is written from."""
    run = Run("prepared", at(days[-1], hour, 30))
    analyze_days(conn, days, run=run)
    extract_claims(conn, days, run=run)
    compute_signals(conn, [(day, t) for day in days for t in (HEALTH, LAW)], run=run, publication=publication)


def write(
    conn: Connection, topic: str = HEALTH, *, day: date = DAY, run: str = "w1", publication: Publication = PUBLICATION
) -> ArticleResult:
    """The story of one topic and day, written shortly before midnight of DAY."""
    return write_article(conn, day, topic, run=Run(run, at(DAY, 23, 45)), publication=publication)


def rows(conn: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows as tuples; columns need names of their own."""
    return [tuple(row.values()) for row in conn.execute(query, values).fetchall()]


def add_news(conn: Connection, *, day: date = DAY, seen: str = "later") -> None:
    """One more report and post on the lead event, analysed; what was sealed stays sealed."""
    world = World(conn, {"ward-round": ("rss", "Ward Round"), "bsky": ("bluesky_search", "Bluesky")})
    for name in world.sources:
        world.fetches[name] = world.one("SELECT min(id) FROM fetches WHERE source_id = %s", name)
    world.record(
        "ward-round", f"x-{seen}",
        "Aldmoor hospitals will publish every week how often the AI model by Sano Labs was overruled on chest scans. "
        "Patients asked for the figure because nobody else counts it.",
        at(day, 18), title=f"Aldmoor hospitals to publish how often the AI model was overruled, {seen}", author="ward-round|x",
    )  # fmt: skip
    world.record(
        "bsky", f"y-{seen}", f"Publishing how often the AI model in Aldmoor is overruled should be the law for hospitals, {seen}.",
        at(day, 19), author=f"{seen}.sample.test",
    )  # fmt: skip
    run = Run("more", at(day, 23, 40))
    analyze_days(conn, [day], run=run)
    extract_claims(conn, [day], run=run)
