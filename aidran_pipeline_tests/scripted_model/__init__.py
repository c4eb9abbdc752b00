"""A model server on loopback that answers what a test tells it to, over real HTTP, for the real `openai` client."""

from aidran_pipeline_tests.scripted_model.server import ChatRequest, Player, Reply, ScriptedServer, as_json, serving

__all__ = ["ChatRequest", "Player", "Reply", "ScriptedServer", "as_json", "serving"]
