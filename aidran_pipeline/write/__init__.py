"""Writing: articles from claims, held to the gates. The faces below are all that others may use."""

from aidran_pipeline.write.article import ArticleResult, check_article, content_hash_of, write_article
from aidran_pipeline.write.gates import GATES, GateFailure
from aidran_pipeline.write.newsworthiness import in_order
from aidran_pipeline.write.persist import load_draft, make_slug
from aidran_pipeline.write.retell import retell

__all__ = [
    "GATES", "ArticleResult", "GateFailure", "check_article", "content_hash_of", "in_order", "load_draft",
    "make_slug", "retell", "write_article",
]  # fmt: skip
