"""The words of the test newsroom: invented outlets, people and sites, so that nobody is quoted with what they never said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from aidran_pipeline_tests.newsroom import DAY, Item, Say

BEFORE = DAY - timedelta(days=2)
TOPICS = (
    (
        "ai-geopolitics",
        "AI & Geopolitics",
        "Who builds, owns and controls the means of artificial intelligence: states, chips, power and treaties.",
    ),
    (
        "ai-healthcare",
        "AI in Healthcare",
        "Machines that read scans, write notes and advise patients, and the people who answer for them.",
    ),
    ("ai-law", "AI & Law", "Courts, copyright and liability where machines write, draw and decide."),
)
ITEMS = {
    "ai-geopolitics": (
        Item("gulf", "news", "Meridian Post", DAY, "Three Gulf funds will put 18 billion dollars into data centres that no foreign cloud operates. The first halls open in 2027. Lenders asked for power contracts before they asked for customers.", "Gulf funds order 18 billion dollars of sovereign data centres"),
        Item("cloud", "news", "The Harbour Gazette", DAY, "A services group from Mumbai opened a sovereign cloud for European customers on Tuesday. Its contracts keep both data and operators inside the Union. The group says that ministries asked for certificates, not for benchmark tables.", "Sovereign cloud opens for European ministries"),
        Item("heat", "news", "Silicon Ledger", DAY, "A new memory package carries its own cooling element and lowers thermal resistance by 30 percent. Engineers call heat the last obstacle to denser halls.", "Memory maker puts the cooling inside the package"),
        Item("bluegrid", "bluesky", "gridwatch.example", DAY, "Everyone ranks models. Nobody ranks substations. The country that finishes its substations first wins this race, and it is not close."),
        Item("bluelag", "bluesky", "labnotes.example", DAY, "An evaluation puts the open model eight months behind the frontier. Eight months is a procurement cycle, not a moat 😀 — you can run it on your own racks today."),
        Item("redrack", "reddit", "datacenter", DAY, "We were quoted 34 months for a transformer. Thirty-four. If you plan a hall for 2028, order the transformer before you hire anybody.", "Lead times for transformers are now longer than for the building"),
        Item("redsceptic", "reddit", "MachineLearning", DAY, "Unpopular view: a hall without a frontier model is a warehouse with a fine cooling system. Capability still sets the ceiling.", "The infrastructure story is overdone"),
        Item("report", "web", "Grid Research Institute", DAY, "Connection queues in four of six countries surveyed now exceed five years. Where a government guarantees the connection, the queue falls to fourteen months.", "Queues for power, 2026 survey"),
        Item("cert", "web", "Open Certification Forum", DAY, "The certificate covers the operator, the staff and the place of the keys. It says nothing of the quality of any model.", "What the sovereign certificate covers", "https://forum-certificates.example/what-it-covers?lang=en&part=2"),
        Item("oldhalls", "news", "Meridian Post", BEFORE, "Two ministries will publish a map of planned data halls in June. The map will show power, water and owner.", "Ministries to map planned data halls"),
        Item("oldblue", "bluesky", "gridwatch.example", BEFORE, "A public map of data halls would be the most useful thing any ministry has done for this debate in a year."),
        Item("oldred", "reddit", "energy", BEFORE, "Our town learned about the hall from the water company, so yes, print the map.", "A map of data halls, at last"),
    ),
    "ai-healthcare": (
        Item("scan", "news", "Clinic Courier", DAY, "Eleven hospitals let a program read every mammogram as second reader. Recall rates fell by 9 percent over a year, the group reported.", "Eleven hospitals use a program as second reader"),
        Item("nurse", "bluesky", "wardround.example", DAY, "The second reader never gets tired, but it also never phones the patient. Staff the phone."),
        Item("redscan", "reddit", "Radiology", DAY, "It flags old scars as findings about twice a shift. You learn to read its habits.", "Six months with a second reader"),
        Item("bmj", "web", "Screening Review", DAY, "Programs that act as second reader should report their misses as openly as their finds.", "Second readers and their misses"),
    ),
}  # fmt: skip


def q(key: str, words: str) -> tuple[tuple[str, str], ...]:
    """One quote."""
    return ((key, words),)


def lead(earlier: str) -> list[Say]:
    """The lead story: seven records, two web pages, the story so far resting on the story of two days before."""
    return [
        Say("headline", 0, "Gulf funds order 18 billion dollars of sovereign data centres", rests=(5,)),
        Say("short_title", 0, "Gulf funds and the race for power", rests=(5,)),
        Say("dek", 0, "So Meridian Post put it; the story draws on three outlets and four posts, and turns next to “Eight months is a procurement cycle”.", rests=(5, 12)),
        Say("heading", 1, "The first halls open in 2027", rests=(6,)),
        Say("body", 1, "Meridian Post ran its report of 20 May under the headline “Gulf funds order 18 billion dollars of sovereign data centres” [[gulf]].", q("gulf", "Gulf funds order 18 billion dollars of sovereign data centres")),
        Say("body", 1, "“The first halls open in 2027”, it went on [[gulf]].", q("gulf", "The first halls open in 2027")),
        Say("body", 1, "On Bluesky, @gridwatch.example argued: “The country that finishes its substations first wins this race, and it is not close” [[bluegrid]].", q("bluegrid", "The country that finishes its substations first wins this race, and it is not close")),
        Say("body", 1, "The page at Grid Research Institute goes into detail: “Connection queues in four of six countries surveyed now exceed five years” [[report]].", q("report", "Connection queues in four of six countries surveyed now exceed five years"), paragraph=2),
        Say("body", 1, "In r/datacenter, one post said: “We were quoted 34 months for a transformer” [[redrack]].", q("redrack", "We were quoted 34 months for a transformer"), paragraph=2),
        Say("body", 1, "One outlet, two posts and a survey meet here on one thing: power comes before machines.", rests=(5, 7, 8, 9), paragraph=2),
        Say("heading", 2, "Eight months is a procurement cycle", rests=(12,)),
        Say("body", 2, "@labnotes.example wrote on Bluesky: “An evaluation puts the open model eight months behind the frontier. Eight months is a procurement cycle, not a moat 😀” [[bluelag]].", q("bluelag", "An evaluation puts the open model eight months behind the frontier. Eight months is a procurement cycle, not a moat 😀")),
        Say("body", 2, "The Harbour Gazette reported on 20 May: “Its contracts keep both data and operators inside the Union” [[cloud]].", q("cloud", "Its contracts keep both data and operators inside the Union")),
        Say("body", 2, "The certificate behind such contracts “covers the operator, the staff and the place of the keys” [[cert]].", q("cert", "covers the operator, the staff and the place of the keys")),
        Say("heading", 3, "Memory maker puts the cooling inside the package", rests=(16,)),
        Say("body", 3, "At Silicon Ledger, the headline on 20 May read “Memory maker puts the cooling inside the package” [[heat]].", q("heat", "Memory maker puts the cooling inside the package")),
        Say("body", 3, "The package “lowers thermal resistance by 30 percent”, the same report says [[heat]].", q("heat", "lowers thermal resistance by 30 percent")),
        Say("story_so_far", 0, "On 18 May, this page led with “Ministries to map planned data halls”.", earlier=(earlier,)),
        Say("story_so_far", 0, "Today’s page rests on seven records that no earlier story used.", rests=(5, 7, 9, 12, 13, 16)),
        Say("question", 1, "Why do Gulf funds matter?", rests=(5,)),
        Say("answer", 1, "Meridian Post put it this way: “Lenders asked for power contracts before they asked for customers” [[gulf]].", q("gulf", "Lenders asked for power contracts before they asked for customers")),
        Say("question", 2, "What do the cited sources advise or do about data centres?", rests=(5,)),
        Say("answer", 2, "A user of r/datacenter advised: “If you plan a hall for 2028, order the transformer before you hire anybody” [[redrack]].", q("redrack", "If you plan a hall for 2028, order the transformer before you hire anybody")),
        Say("question", 3, "What is the strongest counter-argument in the records?", rests=(5,)),
        Say("answer", 3, "“Capability still sets the ceiling”, a post in r/MachineLearning said [[redsceptic]].", q("redsceptic", "Capability still sets the ceiling")),
    ]  # fmt: skip


def first_version(says: Sequence[Say]) -> list[Say]:
    """The lead as first published: another headline wording of the dek, without the sentence on the certificate."""
    kept = [say for say in says if "cert" not in dict(say.quotes)]
    moved = {old: new for new, old in enumerate((i for i, say in enumerate(says, 1) if say in kept), 1)}
    return [
        replace(
            say,
            rests=tuple(moved[r] for r in say.rests),
            text=say.text.replace("turns next to", "goes on to") if say.part == "dek" else say.text,
        )
        for say in kept
    ]


EARLIER = [
    Say("headline", 0, "Ministries to map planned data halls", rests=(5,)),
    Say("short_title", 0, "A map of data halls", rests=(5,)),
    Say("dek", 0, "So Meridian Post put it; the story draws on one outlet and two posts.", rests=(5,)),
    Say("heading", 1, "The map will show power, water and owner", rests=(5,)),
    Say("body", 1, "Meridian Post reported on 18 May: “The map will show power, water and owner” [[oldhalls]].", q("oldhalls", "The map will show power, water and owner")),
    Say("heading", 2, "The most useful thing", rests=(7,)),
    Say("body", 2, "@gridwatch.example called it “the most useful thing any ministry has done for this debate in a year” [[oldblue]].", q("oldblue", "the most useful thing any ministry has done for this debate in a year")),
    Say("heading", 3, "Word from the water company", rests=(9,)),
    Say("body", 3, "In r/energy, one post said: “Our town learned about the hall from the water company” [[oldred]].", q("oldred", "Our town learned about the hall from the water company")),
    Say("story_so_far", 0, "This is the first story in thirty days on AI & Geopolitics.", rests=(5,)),
    Say("question", 1, "Why does the map matter?", rests=(5,)),
    Say("answer", 1, "“Two ministries will publish a map of planned data halls in June”, Meridian Post noted [[oldhalls]].", q("oldhalls", "Two ministries will publish a map of planned data halls in June")),
    Say("question", 2, "What do the cited sources advise or do about data halls?", rests=(5,)),
    Say("answer", 2, "None of the three records names a next step that could be quoted here.", rests=(9,)),
    Say("question", 3, "What is the strongest counter-argument in the records?", rests=(5,)),
    Say("answer", 3, "None of the records argues the other side in words that could be quoted here.", rests=(5,)),
]  # fmt: skip
BESIDE = [
    Say("headline", 0, "Eleven hospitals use a program as second reader", rests=(5,)),
    Say("short_title", 0, "Second reader", rests=(5,)),
    Say("dek", 0, "So Clinic Courier put it; the story draws on one outlet and two posts.", rests=(5,)),
    Say("heading", 1, "Recall rates fell by 9 percent over a year", rests=(5,)),
    Say("body", 1, "Clinic Courier reported on 20 May: “Recall rates fell by 9 percent over a year, the group reported” [[scan]].", q("scan", "Recall rates fell by 9 percent over a year, the group reported")),
    Say("heading", 2, "Staff the phone", rests=(7,)),
    Say("body", 2, "On Bluesky, @wardround.example advised: “Staff the phone” [[nurse]].", q("nurse", "Staff the phone")),
    Say("heading", 3, "You learn to read its habits", rests=(9,)),
    Say("body", 3, "“You learn to read its habits”, a post in r/Radiology said [[redscan]].", q("redscan", "You learn to read its habits")),
    Say("story_so_far", 0, "This is the first story in thirty days on AI in Healthcare.", rests=(5,)),
    Say("question", 1, "Why does a second reader matter?", rests=(5,)),
    Say("answer", 1, "“Eleven hospitals let a program read every mammogram as second reader”, Clinic Courier noted [[scan]].", q("scan", "Eleven hospitals let a program read every mammogram as second reader")),
    Say("question", 2, "What do the cited sources advise or do about second readers?", rests=(5,)),
    Say("answer", 2, "The linked text at Screening Review says: programs “should report their misses as openly as their finds” [[bmj]].", q("bmj", "should report their misses as openly as their finds")),
    Say("question", 3, "What is the strongest counter-argument in the records?", rests=(5,)),
    Say("answer", 3, "A user of r/Radiology wrote: “It flags old scars as findings about twice a shift” [[redscan]].", q("redscan", "It flags old scars as findings about twice a shift")),
]  # fmt: skip
