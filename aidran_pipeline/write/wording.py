"""Every sentence that the engine may write in its own voice, as templates: the writer fills them, the judge knows them.

A template states who, where, when and how many, never what: that is quoted. {q} quotation, {t} citation token; {who}
{site} {platform} {sub} {places} {names} {label} {date} metadata of sources and topic; {n} {outlets} {tail} {days}
{outlet} {moment} {since} {observed} {expected} {history} counts and facts that the gates take again; {subject} names
out of the quotes; {verb} one of `VERBS`. What does not belong here: which template comes when.
"""

from __future__ import annotations

# “…” and a citation token where {q} and {t} stand; {who} is the speaker's name.
NEWS_FIRST = (
    "{who} reported on {date}: {q} {t}.",
    "{q}, {who} reported on {date} {t}.",
    "On {date}, {who} wrote: {q} {t}.",
)
NEWS_NEXT = (
    "{who} put it this way: {q} {t}.",
    "{q}, according to {who} {t}.",
    "{who} wrote: {q} {t}.",
    "{q}, {who} reported {t}.",
    "In the words of {who}: {q} {t}.",
)
TITLE_FIRST = (
    "{who} reported on {date}: {q} {t}.",
    "{q}, {who} reported on {date} {t}.",
    "On {date}, {who} ran the headline {q} {t}.",
)
TITLE_NEXT = (
    "{who} put it this way: {q} {t}.",
    "{q}, read the headline at {who} {t}.",
    "{who} ran it as {q} {t}.",
    "{q}, {who} wrote {t}.",
)
BRIEF = (
    "{who} reported on {date}: {q} {t}.",
    "{q}, {who} wrote {t}.",
    "From {who}, on {date}: {q} {t}.",
    "{who} had this: {q} {t}.",
    "{q}, according to {who} {t}.",
)
NEWS_SAME = (
    "The same report says: {q} {t}.",
    "{q}, according to the same report {t}.",
)
NEWS_AGAIN = (
    "It added: {q} {t}.",
    "The same report says: {q} {t}.",
    "{q}, it went on {t}.",
)
POST_FIRST = (
    "On {platform}, {who} {verb}: {q} {t}.",
    "{q}, {who} {verb} on {platform} {t}.",
)
POST_NEXT = (
    "{who} {verb}: {q} {t}.",
    "{q}, {verb} {who} {t}.",
    "{q}, {who} {verb} {t}.",
)
POST_PAIR = (
    "{a}; {b}.",
    "{a}, and {b}.",
)
REDDIT = (
    "In {sub}, a user {verb}: {q} {t}.",
    "{q}, a post in {sub} said {t}.",
    "A user of {sub} {verb}: {q} {t}.",
)
REDDIT_TITLE = (
    "In {sub}, a thread opened with {q} {t}.",
    "A thread in {sub} was headed {q} {t}.",
    "{q} was the title of a post in {sub} {t}.",
)
PAGE = (
    "The page at {site} that they link to says: {q} {t}.",
    "{q}, says the linked page at {site} {t}.",
    "Whoever followed the link to {site} could read: {q} {t}.",
)
PAGE_OWN = (
    "The full report says: {q} {t}.",
    "Its full text says: {q} {t}.",
)
PAGE_OF = (
    "The full report at {site} says: {q} {t}.",
    "{q}, says the full report at {site} {t}.",
)
# Kinds of claims that have verbs of their own, in turn; the others take OTHER_VERBS.
VERBS = {"opinion": ("argued", "wrote"), "advice": ("argued", "wrote"), "question": ("asked", "asked")}
OTHER_VERBS = ("wrote", "said")

CARRIED = (
    "The same news stood at {names}.",
    "{names} carried it as well.",
    "Reports to the same effect came from {names}.",
)
ROUNDUP_OPEN = (
    "Elsewhere on {label} there were {n} reports from {outlets}, each a story of its own.",
    "Also on {label}: {n} reports from {outlets}, each a story of its own.",
    "There were {n} more reports on {label} from {outlets}, each a story of its own.",
)
VOICES_OPEN = (
    "{n} people spoke about {label} on {places} in these days, each on a matter of their own.",
    "Away from the headlines, {n} people on {places} had their own view of {label}.",
    "On {places}, {n} people raised other matters of {label}.",
)
REACTIONS_OPEN = (
    "{n} people spoke of the same matter on {places}.",
    "On {places}, {n} people had their say on this.",
    "{n} people wrote about this on {places}.",
)
EARLIEST = "Of the {n} cited on this, {outlet} was the earliest, on {moment}."
DEK_SECOND = (
    "{q}, {who} reported; the records it cites come from {tail}.",
    "{q}, {who} wrote; the records it cites come from {tail}.",
)
DEK_PLAIN = (
    "{who} had it on {date}; the records it cites come from {tail}.",
    "{who} had it; the records it cites come from {tail}.",
)
HEADINGS = ("What {n} report", "What {n} reports", "What {n} say", "What {n} says")
QUESTIONS = {
    "why": ("Why does {subject} matter?", "Why do {subject} matter?", "Why does this matter?"),
    "advice": (
        "What do the cited sources advise or do about {subject}?",
        "What do the cited sources advise or do about this?",
    ),
    "counter": ("What is the strongest counter-argument in the records?",),
}
NOTHING = {
    "why": (
        "Nothing more on why this matter counts was found beyond the quotations above; {n} records were read, and "
        "{outlets} carried it.",
        "Nothing more on why this matter counts was found beyond the quotations above; {n} records were read, and "
        "{outlets} spoke of it.",
    ),
    "advice": (
        "No advice and no next step on this matter was found beyond the quotations above; {n} records were read.",
    ),
    "counter": ("No argument against it was found on this matter beyond the quotations above; {n} records were read.",),
}
# What stories that stand were written with: known to the judge, written no more.
FORMER = (
    "{q}, {who} reported; the page rests on {tail}.",
    "{q}, {who} wrote; the page rests on {tail}.",
    "{who} had it on {date}; the page rests on {tail}.",
    "{who} had it; the page rests on {tail}.",
    "Beyond the quotations above, nothing on why it matters was found in the {n} records read; {outlets} carried it.",
    "Beyond the quotations above, nothing on why it matters was found in the {n} records read; {outlets} spoke of it.",
    "Beyond the quotations above, no advice and no next step was found in the {n} records read.",
    "Beyond the quotations above, no argument for the other side was found in the {n} records read.",
)
LOUDER = (
    "{label} was louder than usual on {date}: {observed}, where its share of the {history} before gives {expected}."
)
WARMING_UP = (
    "With {history} of history there is nothing yet to measure {label} against; the page rests on the breadth of its "
    "evidence."
)
LED = ("The day before, this page led with {q}.", "On {days}, this page led with {q}.")
LED_BEFORE = "Before that, on {days}, it was {q}."
TODAY = (
    "Today’s page rests on {n} that no earlier story used, and follows the same storyline further.",
    "Today’s page rests on {n} that no earlier story used, and leads with a storyline that was not the lead before.",
    "Today’s page rests on {n} that no earlier story used, and leads with a storyline that has been developing since "
    "{since}.",
)
FIRST_STORY = "No earlier story on {label} stands within {days}; the oldest record cited dates from {date}."
