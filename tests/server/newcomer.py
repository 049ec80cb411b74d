"""A server with routes that nobody opened: what somebody adds tomorrow. Prints its address once it answers."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from litestar import Request, WebSocket, get, post, websocket

from taskscope import app, config
from taskscope.server.access.tokens import ensure_admin
from taskscope.server.application import create_app
from taskscope.server.listening import listen, serve, url


@get("/api/v1/newcomer", sync_to_thread=False)
def look() -> dict[str, bool]:
    return {"seen": True}


@get("/elsewhere/{name:str}", sync_to_thread=False)
def look_elsewhere(name: str) -> dict[str, str]:
    return {"seen": name}


@post("/api/v1/newcomer/{name:str}", sync_to_thread=False)
def act(request: Request[Any, Any, Any], name: str) -> dict[str, str]:
    if name == "fails":
        raise ValueError("on purpose")
    change = request.scope["state"]["change"]
    change.before, change.after = {"name": None}, {"name": name}
    return {"done": name}


@websocket("/api/v1/echo")
async def talk(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


def main(home: str) -> None:
    """Serve until SIGTERM."""
    settings = config.load(home)
    store = app.open_store(settings)
    ensure_admin(store, Path(home), app.now_us())
    application = create_app(store, settings)
    for handler in (look, look_elsewhere, act, talk):
        application.register(handler)
    with listen("127.0.0.1", 0) as listener:
        serve(application, listener, lambda: print(json.dumps({"url": url(listener)}), flush=True))  # noqa: T201
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
