"""The model engine's writer. The faces below are all that write/ uses."""

from aidran_pipeline.write.model.asking import PASSING, Asking, ModelFailure, TooThin
from aidran_pipeline.write.model.compose import ENGINE, compose_with_model, engine_version
from aidran_pipeline.write.model.finish import WORDS, words_of

__all__ = [
    "ENGINE", "PASSING", "WORDS", "Asking", "ModelFailure", "TooThin", "compose_with_model", "engine_version",
    "words_of",
]  # fmt: skip
