"""Words that speak well or ill of something, in the news and talk of AI. Written by hand, no list taken over.

Compared as stems (text/words.py), a phrase as the stems of its words in order. A word after a negation counts for the
other side. What a word is worth is learned (weights.json); the lists only say which words work alike. What does not
belong here: the learned part (model.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from aidran_pipeline.text.words import DROP, stem

HARM = """
sue, sues, sued, lawsuit, ban, banned, fined, fines, probe, investigation, investigate, layoff, layoffs, laid off,
job cuts, cut jobs, breach, leaked, hacked, hack, hackers, attack, attacker, malware, exploit, vulnerability,
vulnerabilities, outage, crash, shut down, shutting down, shutdown, scam, scammer, fraud, deepfake, deepfakes,
abuse, abusive, violate, violation, accuse, accused, allege, arrest, charged with, convicted, guilty, jailed, kill,
killed, death, dead, died, suicide, victim, murder, threat, threaten, risk, risky, danger, dangerous, harm, harmful,
hurt, damage, destroy, poison, toxic, warn, warning, fear, concern, concerns, worry, worried, alarm, alarming,
anxiety, backlash, protest, oppose, opposition, reject, boycott, condemn, denounce, slam, blast, resign, resigns,
quits, jump ship, crisis, bubble, collapse, shortage, drain, pollution, pollute, strain, burden, dispute, clash,
feud, fight, battle, war, kill list, displace, displacement, unemployment, replace workers, replacing jobs, steal,
stolen, theft, infringe, infringement, piracy, surveillance, spy, spying, tracking, bias, biased, discrimination,
discriminate, racist, misinformation, disinformation, propaganda, manipulate, manipulation, deceive, deception,
blackmail, restrict, restriction, block, blocked, halt, pull, pulled, suspend, delay, postpone, setback, miss,
tumble, plunge, slump, fall, drop, decline, lose, loses, losing, loss, losses, fail, fails, failed, failing,
failure, shortfall, recall, penalty, sanction, crackdown, clamp, illegal, unlawful, unconstitutional, antitrust,
monopoly, loophole, jailbreak, misuse, nightmare, disaster, catastrophe, catastrophic, apocalypse, extinction, doom,
bloodbath
"""
BLAME = """
slop, garbage, trash, junk, crap, shit, shitty, bullshit, terrible, awful, horrible, horror, bad, badly, worse,
worst, useless, pointless, worthless, meaningless, waste, wasted, annoying, annoyed, frustrating, frustration,
irritating, disappointing, disappointed, disappointment, broken, buggy, bug, hallucination, hallucinate,
hallucinated, hallucinations, wrong, incorrect, inaccurate, error, errors, mistake, mistakes, misleading, overhyped,
overrated, hype, hyped, buzzword, nonsense, ridiculous, absurd, stupid, dumb, idiotic, idiocracy, lazy, creepy,
unsettling, disturbing, dystopian, scary, scared, terrifying, terrified, skeptical, sceptical, doubt, doubtful,
distrust, don't trust, can't trust, untrustworthy, suspicious, cynical, lie, lies, lying, liar, fake, faked, cheat,
cheating, cheater, expensive, overpriced, price hike, nerf, nerfed, censor, censorship, refuse, refusal, refusals,
greed, greedy, sad, sadly, sucks, tired, tiring, sick of, fed up, hate, hated, hates, unfortunately, problem,
problems, problematic, issue, struggle, struggling, suffer, painful, pain, hell, mess, messy, unethical, immoral,
evil, irresponsible, reckless, egregious, shameful, shame, hypocrisy, hypocritical, insecure, unsafe, unreliable,
inferior, mediocre, sloppy, ugly, flawed, flaw, weak, weakest, poor, poorly, lousy, cringe, unfair, unhappy, angry,
anger, outrage, furious, upset, regret, complain, complaint, complaints, enshittification, rot, rotting, parrot,
parrots, regurgitate, plagiarism, plagiarize, spam, spamming, forced, forcing, force, shove, shoved, hostile,
gaslight, gaslighting, atrophy, addiction, addictive, lonely, loneliness, overreach, overreaction, not convinced, no
idea, no benefit, doesn't work, isn't worth, not worth, can't believe, wake-up call, out of touch, red flag,
skepticism, dread, hellscape, slow, slower, degrade, degraded, degradation, shaky, hard to believe, crackpot
"""
GAIN = """
raises, raised, funding, series a, series b, series c, valuation, profit, profitable, revenue, growth, grow, grew,
record, win, wins, won, beat, beats, outperform, outperforms, surpass, top, topped, breakthrough, discovery,
discover, discovers, cure, succeed, success, successful, improve, improved, improves, improvement, boost, boosts,
accelerate, accelerates, speed up, faster, cheaper, save, saves, saving, saved, efficiency, efficient, reduce cost,
reduced cost, cut costs, reduces, double, doubling, triple, expand, expands, expansion, partner, partnership, team
up, approve, approved, award, awarded, unlock, unlocks, unlocking, enable, enables, empower, help, helps, helping,
helped, support, protect, protects, secure, solve, solves, solved, fix, fixed, advance, advances, advancing,
transform, transforming, upgrade, launch, launches, unveil, unveils, introducing, invest, invests, investment, back,
backed, hire, hiring, benefit, benefits, opportunity, demand, soar, soars, surge, rally, milestone, first ever,
world's first, sota, leading, productivity, ease, simplify, streamline, automate, detect, detects,
diagnose, access, accessible, free, open source, open-source, open weight
"""
PRAISE = """
great, love, loved, lovely, amazing, impressive, impressed, awesome, excellent, brilliant, nice, cool, good, best,
better, useful, helpful, powerful, incredible, incredibly, insane, insanely, fantastic, perfect, perfectly,
exciting, excited, happy, glad, delighted, thrilled, thanks, thank you, congrats, congratulations, kudos, recommend,
recommended, fun, funny, beautiful, elegant, clever, smart, promising, huge, blown away, blows my mind, mind
blowing, finally, easy, easily, worth, works well, reliable, robust, solid, neat, sensible, reasonable, welcome,
enjoy, enjoyed, pleasure, favorite, favourite, game changer, game-changer, revolutionary, remarkable, stunning,
wonderful, superb, wow, hope, hopeful, optimistic, looking forward, can't wait, proud, inspiring, inspired,
creative, creativity, correct, right, fair, honest, trust, trusted, safe, fascinating, interesting, intrigued,
legit, surprisingly good, pretty good, really good, very good, great at, good at, well done, win for, hits the nail,
pristine, spot on, strong, strongest, gem, magic, magical, golden, crazy good, underrated
"""
NEGATIONS = frozenset(
    """not no never nor neither without hardly barely isn't aren't wasn't weren't don't doesn't didn't won't wouldn't
    can't cannot couldn't shouldn't ain't nobody nothing stop less lack lacks""".split()
)
FIRST_PERSON = frozenset("i i'm i've i'd my me we we're we've our".split())
GROUPS = ("harm", "blame", "gain", "praise")
REACH = 3  # words over which a negation reaches
WORD = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")


@lru_cache(maxsize=1)
def table() -> dict[tuple[str, ...], int]:
    """Phrases as stems → group, the place in `GROUPS`. A phrase in two groups belongs to the first."""
    found: dict[tuple[str, ...], int] = {}
    for group, words in enumerate((HARM, BLAME, GAIN, PRAISE)):
        for phrase in words.replace("\n", " ").split(","):
            found.setdefault(tuple(_stems(plain(phrase))), group)
    return found


def plain(text: str) -> list[str]:
    """Lower-case words in order, addresses and handles dropped, apostrophes straightened."""
    return [m.group(0).lower() for m in WORD.finditer(DROP.sub(" ", text.replace("’", "'")))]


def _stems(words: Iterable[str]) -> list[str]:
    return [stem(word.removesuffix("'s")) for word in words]


def counted(text: str) -> list[tuple[int, bool]]:
    """(group, negated) of each phrase of the table in the text, longest first at a place, in order."""
    words = plain(text)
    stems, known = _stems(words), table()
    found, at = [], 0
    while at < len(stems):
        size = next((n for n in (3, 2, 1) if tuple(stems[at : at + n]) in known and at + n <= len(stems)), 0)
        if size:
            before = words[max(0, at - REACH) : at]
            found.append((known[tuple(stems[at : at + size])], any(word in NEGATIONS for word in before)))
        at += size or 1
    return found
