"""Models behind any OpenAI-compatible server: requests, calls, ledger, prices. `openai` is imported on the first call.

The faces below are all that stages use.
"""

from aidran_pipeline.llm.asking import Answer, Failure, FailureKind, Models, Request, Role
from aidran_pipeline.llm.models import open_models

__all__ = ["Answer", "Failure", "FailureKind", "Models", "Request", "Role", "open_models"]
