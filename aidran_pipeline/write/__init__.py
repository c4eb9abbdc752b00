"""Writing: articles from claims, held to the gates. The faces below are all that others may use."""

from aidran_pipeline.write.article import ArticleResult, check_article, content_hash_of, write_article
from aidran_pipeline.write.gates import GATES, GateFailure
from aidran_pipeline.write.newsworthiness import in_order
from aidran_pipeline.write.persist import load_draft

__all__ = [
    "GATES", "ArticleResult", "GateFailure", "check_article", "content_hash_of", "in_order", "load_draft",
    "write_article",
]  # fmt: skip
