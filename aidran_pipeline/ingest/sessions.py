"""Signing in: Reddit's application token and Bluesky's session, kept in table source_sessions between runs.

A failure to sign in is a failed attempt like any other; the sources of that host fail with its class.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.ingest.http import FetchResult, HttpClient
from aidran_pipeline.ingest.readers import BLUESKY
from aidran_pipeline.ingest.reddit_reader import REDDIT_WEB
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.fetches import save_fetch
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.sources import load_session, save_session

MARGIN = timedelta(minutes=15)


@dataclass(frozen=True)
class SignIn:
    """Either a token (api: the address its calls go to), or the attempt that failed."""

    token: str | None = None
    api: str | None = None
    failure: FetchResult | None = None


def needs(source: dict[str, Any], settings: Settings) -> str | None:
    """Why a source cannot be read with these settings, with the remedy; None when it can."""
    if source["kind"] == "bluesky_search" and not (settings.bluesky_handle and settings.bluesky_app_password):
        return (
            "set BLUESKY_HANDLE and BLUESKY_APP_PASSWORD: searching needs an account; make an app password at "
            "https://bsky.app/settings/app-passwords"
        )
    return None


def sign_in(conn: Connection, client: HttpClient, source: dict[str, Any], *, run: Run, settings: Settings) -> SignIn:
    """The sign-in a source of this kind and host needs; an empty one when it needs none."""
    host = str(source["config"].get("host") or "").rstrip("/")
    if source["kind"] == "bluesky_search":
        return _bluesky(conn, client, host or BLUESKY, run, settings)
    if source["kind"] == "reddit" and settings.reddit_client_id and settings.reddit_client_secret:
        return _reddit(conn, client, host or REDDIT_WEB, run, settings)
    return SignIn()


def _reddit(conn: Connection, client: HttpClient, host: str, run: Run, settings: Settings) -> SignIn:
    account = str(settings.reddit_client_id)
    kept = json.loads(load_session(conn, host, account) or "{}")
    if kept and datetime.fromisoformat(kept["expires_at"]) - MARGIN > run.now:
        return SignIn(token=kept["token"])
    assert settings.reddit_client_secret is not None
    pair = f"{account}:{settings.reddit_client_secret.get_secret_value()}"
    attempt = client.request(
        "POST",
        f"{host}/api/v1/access_token",
        now=run.now,
        headers={"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()},
        data={"grant_type": "client_credentials"},
    )
    token, seconds = _granted(attempt.body)
    if attempt.outcome == "ok" and token:
        expires = run.now + timedelta(seconds=seconds)
        save_session(conn, host, account, json.dumps({"token": token, "expires_at": expires.isoformat()}), run.now)
        _note(conn, attempt, run)
        return SignIn(token=token)
    return _refused(conn, attempt, run, "no token in the answer; check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET")


def _granted(body: bytes) -> tuple[str | None, int]:
    try:
        found = json.loads(body or b"{}")
        return str(found["access_token"]), int(found.get("expires_in", 3600))
    except (ValueError, KeyError, TypeError):
        return None, 0


def _bluesky(conn: Connection, client: HttpClient, host: str, run: Run, settings: Settings) -> SignIn:
    """Through the atproto client, whose requests go over this project's guarded transport."""
    import httpx
    from atproto import Client, Request
    from atproto_client.exceptions import AtProtocolError

    account = str(settings.bluesky_handle)
    request = Request(transport=client.transport, timeout=httpx.Timeout(client.limits.total), trust_env=False)
    request.set_additional_headers({"User-Agent": client.user_agent})
    at = Client(base_url=host, request=request)
    kept = load_session(conn, host, account)
    try:
        client.begin()
        if kept:
            at.login(session_string=kept, fetch_bsky_profile=False)
            if _stale(at._session.access_jwt if at._session else "", run.now):
                at._refresh_and_set_session()
        else:
            raise ValueError("no session is kept")
    except (AtProtocolError, ValueError, OSError, RuntimeError, TypeError, KeyError, IndexError):
        kept = None
    finally:
        client.end()
    if kept is None:
        failed = _create(conn, client, at, host, run, settings)
        if failed is not None:
            return failed
    exported = at.export_session_string()
    if exported != kept:
        save_session(conn, host, account, exported, run.now)
    session = at._session
    assert session is not None
    return SignIn(token=session.access_jwt, api=_api(session.pds_endpoint, host))


def _stale(token: str, now: datetime) -> bool:
    """Whether an access token ends soon, by its own payload. One that cannot be read is used until it is refused.

    The package's own check also decodes the signature, which is none of a client's business.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC) - MARGIN <= now
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return False


def _api(endpoint: str | None, host: str) -> str:
    """Where searches go: the account's own server when it names one, else the host that was signed in to."""
    return (endpoint or host).rstrip("/").removesuffix("/xrpc")


def _create(conn: Connection, client: HttpClient, at: Any, host: str, run: Run, settings: Settings) -> SignIn | None:
    url = f"{host}/xrpc/com.atproto.server.createSession"
    assert settings.bluesky_app_password is not None
    try:
        client.begin()
        at.login(settings.bluesky_handle, settings.bluesky_app_password.get_secret_value(), fetch_bsky_profile=False)
    except Exception as error:  # the package raises its own, httpx's and pydantic's errors
        status = getattr(getattr(error, "response", None), "status_code", None)
        named = client.explain(url, "POST", error, status)
        return _refused(conn, named, run, "sign-in failed; check BLUESKY_HANDLE and BLUESKY_APP_PASSWORD")
    finally:
        client.end()
    _note(conn, FetchResult(url=url, method="POST", outcome="ok", final_url=url, http_status=200), run)
    return None


def _note(conn: Connection, attempt: FetchResult, run: Run) -> None:
    """The row of a sign-in; its body holds secrets and is not kept."""
    save_fetch(conn, attempt, purpose="session", run_id=run.id, requested_at=run.now)


def _refused(conn: Connection, attempt: FetchResult, run: Run, otherwise: str) -> SignIn:
    if attempt.outcome != "failed":
        named = {"outcome": "failed", "error_class": "forbidden", "error": otherwise, "body": b""}
        attempt = FetchResult(**{**vars(attempt), **named})
    _note(conn, attempt, run)
    return SignIn(failure=attempt)
