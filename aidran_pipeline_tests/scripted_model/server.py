"""An OpenAI-compatible chat completions server on loopback whose model is a Python function, the player.

    with serving(player) as server:
        settings = server.settings(AIDRAN_HOME=…)      # AIDRAN_ENGINE=model, the address, a key

    def player(request: ChatRequest) -> Reply:
        if request.prompt.startswith("read-claims"):
            return Reply(as_json({"claims": []}))
        return Reply(status=500)

What the project's client sends with every call, and a player reads: header X-Aidran-Prompt (`request.prompt`, name and
version of the prompt), X-Aidran-Role (`request.role`), Idempotency-Key (`request.key`). A re-ask has more than two
messages (`request.reasked`, `request.reasons`). Probes of what the server can do (prompt "probe-…") are answered by the
server itself, from `modes`; a player sees them only with `plays_probes=True`.

Money: `server.charges` is what a paying user would be charged, in tokens, by idempotency key. A key that was answered
before is answered the same again, without a charge, unless `idempotent=False`. Only replies with status 200 and usage
cost anything. A client that is gone when the answer comes has still been charged.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from aidran_pipeline.config.settings import Settings

MODES = ("json_schema", "json_object+schema", "json_object", "text")
KEY = "sk-scripted"


def as_json(value: Any) -> str:
    """A value as the text of a reply."""
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class ChatRequest:
    """One call as it arrived. number: 1 for the first call but probes; attempt: how often this key was seen, from 1."""

    number: int
    attempt: int
    body: dict[str, Any]
    headers: dict[str, str]  # names in lower case

    @property
    def prompt(self) -> str:
        """Name and version of the prompt, such as "read-claims-1"."""
        return self.headers.get("x-aidran-prompt", "")

    @property
    def role(self) -> str:
        """reader, writer or judge."""
        return self.headers.get("x-aidran-role", "")

    @property
    def key(self) -> str:
        """The idempotency key: equal calls have the same."""
        return self.headers.get("idempotency-key", "")

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body.get("messages", []))

    @property
    def response_format(self) -> dict[str, Any] | None:
        return self.body.get("response_format")

    @property
    def mode(self) -> str:
        """Which form of reply was asked for: one of MODES."""
        asked = self.response_format or {}
        if asked.get("type") == "json_object":
            return "json_object+schema" if "schema" in asked else "json_object"
        return "json_schema" if asked.get("type") == "json_schema" else "text"

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of the reply, where the form of the call carries one."""
        asked = self.response_format or {}
        return asked.get("schema") or asked.get("json_schema", {}).get("schema")

    @property
    def system(self) -> str:
        return next((str(m["content"]) for m in self.messages if m["role"] in ("system", "developer")), "")

    @property
    def user(self) -> str:
        """The question, without what a re-ask added."""
        return next((str(m["content"]) for m in self.messages if m["role"] == "user"), "")

    @property
    def reasked(self) -> bool:
        """Whether an earlier reply was not accepted."""
        return len(self.messages) > 2

    @property
    def reasons(self) -> str:
        """The last message of a re-ask: why the earlier reply was not accepted."""
        return str(self.messages[-1]["content"]) if self.reasked else ""


@dataclass(frozen=True)
class Reply:
    """What the server does. content alone is a good answer.

    finish: finish_reason; usage: token counts, made up from the lengths by default, None leaves them out; cached,
    reasoning: parts of those counts. body: raw bytes in place of a completion, with status and headers. delay: seconds
    before anything is sent. stall: seconds of silence after the header and half the body. reset: the connection is
    reset without an answer; lost: it is reset after the work was done (and charged). then: called once all of it has
    left, or the half before a stall.
    """

    content: str | None = None
    finish: str = "stop"
    refusal: str | None = None
    usage: Mapping[str, Any] | None = field(default_factory=lambda: {"auto": True})
    cached: int = 0
    reasoning: int = 0
    choices: bool = True
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0
    stall: float = 0
    reset: bool = False
    lost: bool = False
    then: Callable[[], object] | None = None

    @classmethod
    def error(cls, status: int, code: str = "", message: str = "no", **headers: str) -> Reply:
        """An error as OpenAI words it. Headers by name with underscores: retry_after="1"."""
        body = as_json({"error": {"message": message, "type": code or "error", "param": None, "code": code or None}})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status=status, body=body.encode(), headers={"Content-Type": "application/json", **named})


Player = Callable[[ChatRequest], Reply]


class ScriptedServer:
    """player: the model; may be replaced in mid-test. modes: forms of reply the server honours, the rest as `refuses`.

    refuses: "silently" answers prose to a form it does not know, "400" refuses it. requests: every call but probes, in
    order; probes: those. replies: what was answered, by position of the request. charges: tokens by idempotency key.
    """

    def __init__(self, player: Player, *, modes: tuple[str, ...] = MODES, refuses: str = "silently") -> None:
        self.player = player
        self.modes = modes
        self.refuses = refuses
        self.plays_probes = False
        self.idempotent = True
        self.requests: list[ChatRequest] = []
        self.probes: list[ChatRequest] = []
        self.replies: dict[int, Reply] = {}
        self.charges: dict[str, int] = {}
        self.connections = 0
        self.most_at_once = 0
        self._at_once = 0
        self._seen: dict[str, int] = {}
        self._answered: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self.http = _Quiet(("127.0.0.1", 0), _handler(self))
        self.port = int(self.http.server_address[1])
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def charged(self) -> int:
        """Tokens that a paying user would be charged for, probes included."""
        return sum(self.charges.values())

    def settings(self, **values: Any) -> Settings:
        """Settings of the model engine on this server; values by the names of the variables."""
        known = {
            "AIDRAN_ENGINE": "model",
            "AIDRAN_MODEL": "scripted-1",
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": KEY,
        }
        return Settings(**{**known, **values})

    def asked(self, prompt: str) -> list[ChatRequest]:
        """The calls whose prompt begins so."""
        return [request for request in self.requests if request.prompt.startswith(prompt)]

    def answer(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        """Ask the player, once for each idempotency key; count what it costs."""
        key = headers.get("idempotency-key", "")
        probe = headers.get("x-aidran-prompt", "").startswith("probe-")
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self._seen[key] = self._seen.get(key, 0) + 1
            logged = self.probes if probe else self.requests
            request = ChatRequest(len(logged) + 1, self._seen[key], body, headers)
            logged.append(request)
            known = self._answered.get(key) if self.idempotent and key else None
        try:
            reply = known or (self.said_to_probe(request) if probe and not self.plays_probes else self.player(request))
        finally:
            with self._lock:
                self._at_once -= 1
        with self._lock:
            if not probe:
                self.replies[request.number] = reply
            if known is None and completes(reply):
                if key:
                    self._answered[key] = replace(reply, lost=False, delay=0, stall=0, then=None)
                self.charges[key] = self.charges.get(key, 0) + usage_of(request, reply)["total_tokens"]
        return reply

    def said_to_probe(self, request: ChatRequest) -> Reply:
        """What a server with these modes says to a probe: an instance of the schema, any JSON, or prose."""
        if request.mode not in self.modes:
            if self.refuses == "400":
                return Reply.error(400, "invalid_request_error", f"response_format {request.mode} is not supported")
            return Reply("Of course! Here you are.")
        if request.mode in ("json_schema", "json_object+schema"):
            return Reply(as_json(instance_of(request.schema or {})))
        return Reply(as_json({"ready": True}) if request.mode == "json_object" else "ready")


def completes(reply: Reply) -> bool:
    """Whether the model did its work: a completion that says what it used."""
    return reply.status == 200 and reply.body is None and not reply.reset and reply.usage is not None


def instance_of(schema: Mapping[str, Any]) -> Any:
    """The plainest value that fits a schema without references: what constrained decoding would give."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: instance_of(part) for name, part in schema.get("properties", {}).items()}
    plain = {"array": [], "integer": 1, "number": 1, "boolean": True}
    return plain.get(str(schema.get("type")), "text")


def usage_of(request: ChatRequest, reply: Reply) -> dict[str, Any]:
    """Token counts: a token for every four characters, unless the reply brings its own."""
    if reply.usage is not None and "auto" not in reply.usage:
        return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, **reply.usage}
    read = sum(len(str(message["content"])) for message in request.messages) // 4 + 1
    written = len(reply.content or reply.refusal or "") // 4 + 1 + reply.reasoning
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": min(reply.cached, read)},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning},
    }


def completion(request: ChatRequest, reply: Reply) -> bytes:
    """The body of a chat completion."""
    message = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish, "logprobs": None}
    body: dict[str, Any] = {
        "id": f"chatcmpl-{request.number}",
        "object": "chat.completion",
        "created": 1_780_000_000,
        "model": request.model,
        "choices": [choice] if reply.choices else [],
    }
    if reply.usage is not None:
        body["usage"] = usage_of(request, reply)
    return json.dumps(body).encode()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args: object) -> None:
        return None


def _handler(owner: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            owner.connections += 1
            super().setup()

        def log_message(self, *args: object) -> None:
            return None

        def do_GET(self) -> None:
            known = urlsplit(self.path).path == "/v1/models"
            listed = {"object": "list", "data": [{"id": "scripted-1", "object": "model", "owned_by": "tests"}]}
            _send(self, 200 if known else 404, {"Content-Type": "application/json"}, as_json(listed).encode())

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if urlsplit(self.path).path != "/v1/chat/completions":
                _send(self, 404, {"Content-Type": "text/plain"}, b"no such path")
                return
            body = json.loads(raw)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = owner.answer(body, headers)
            _perform(self, ChatRequest(len(owner.requests), 1, body, headers), reply)

    return Handler


def _perform(handler: BaseHTTPRequestHandler, request: ChatRequest, reply: Reply) -> None:
    time.sleep(reply.delay)
    if reply.reset or reply.lost:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True
        return
    body = completion(request, reply) if reply.body is None else reply.body
    headers = {"Content-Type": "application/json", **reply.headers}
    if reply.stall:
        _send(handler, reply.status, headers, body[: len(body) // 2], promised=len(body))
        if reply.then is not None:
            reply.then()
        time.sleep(reply.stall)
        handler.close_connection = True
        return
    _send(handler, reply.status, headers, body)
    if reply.then is not None:
        reply.then()


def _send(
    handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes, promised: int | None = None
) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


@contextmanager
def serving(player: Player, **options: Any) -> Iterator[ScriptedServer]:
    """A server for the duration of a test. options: those of ScriptedServer."""
    server = ScriptedServer(player, **options)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
