"""Text tools: sentences, quotations, facts, tokens. Pure functions; every offset counts Unicode code points.

Nothing here knows of records, claims or the database.
"""

from aidran_pipeline.text.clauses import clause_spans
from aidran_pipeline.text.entities import Mention, entities_of
from aidran_pipeline.text.facts import Fact, facts_of, names_agree, supports_facts
from aidran_pipeline.text.normalise import Normalised, find_quote, find_quotes, normalise
from aidran_pipeline.text.sentences import split_sentences
from aidran_pipeline.text.spans import Span
from aidran_pipeline.text.words import tokens

__all__ = [
    "Fact", "Mention", "Normalised", "Span", "clause_spans", "entities_of", "facts_of", "find_quote", "find_quotes",
    "names_agree", "normalise", "split_sentences", "supports_facts", "tokens",
]  # fmt: skip
