"""What the kinds of signals are to an editor: a reason for a story, or a warning. Measures stand in signal/."""

from __future__ import annotations

# Says that a conversation may be pushed, not that something happened: no story is written because of it.
WARNINGS = frozenset({"coordinated_posting"})
