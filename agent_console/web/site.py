"""The web server's pages: desks in a terminal the browser draws, and the wallboard. Nothing comes from elsewhere."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import textual_serve
from aiohttp import WSMsgType, web
from aiohttp.typedefs import Handler

from agent_console.web.terminals import Full, Terminals
from agent_console.web.viewers import Away, Viewers
from ivr.desk.catalogue import Catalogue
from ivr.desk.envelope import Refused

logger = logging.getLogger(__name__)

KEY: Final = re.compile(r"[0-9a-f]{32}")
COOKIE: Final = "huying_wall"
LARGEST: Final = 64 * 1024
LARGEST_SIDE: Final = 500
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Only what we serve is loaded; xterm.js styles its elements in place."""

TERMINALS: Final = web.AppKey("terminals", Terminals)
VIEWERS: Final = web.AppKey("viewers", Viewers)
WORDS: Final = web.AppKey("words", Catalogue)


def site(terminals: Terminals, viewers: Viewers, words: Catalogue) -> web.Application:
    """The application; its owner runs `terminals.run`."""
    app = web.Application(client_max_size=LARGEST, middlewares=[_headers])
    app[TERMINALS], app[VIEWERS], app[WORDS] = terminals, viewers, words
    package = resources.files(textual_serve)
    assert isinstance(package, Path)
    app.add_routes(
        [
            web.get("/", _page("desk.html")),
            web.get("/wall", _page("wall.html")),
            web.get("/words", _words),
            web.get("/desk/{key}", _alive),
            web.get("/ws/{key}", _terminal),
            web.post("/wall/sign-in", _sign_in),
            web.post("/wall/sign-out", _sign_out),
            web.get("/wall/stream", _stream),
            web.static("/static", package / "static"),
            web.static("/pages", Path(__file__).with_name("pages")),
        ]
    )
    app.cleanup_ctx.append(_viewers)
    return app


async def _viewers(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[VIEWERS].close()


@web.middleware
async def _headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def _page(name: str) -> Handler:
    html = (resources.files("agent_console.web") / "pages" / name).read_text(encoding="utf-8")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    return page


async def _words(request: web.Request) -> web.Response:
    words = request.app[WORDS]
    wanted = ("web.", "wall.", "agent_state.", "call_state.", "fault.", "pause.")
    return web.json_response({code: text for code, text in words.words.items() if code.startswith(wanted)})


# ---- desks


async def _alive(request: web.Request) -> web.Response:
    return web.json_response({"alive": request.app[TERMINALS].alive(_key(request))})


def _key(request: web.Request) -> str:
    key = request.match_info["key"]
    if not KEY.fullmatch(key):
        raise web.HTTPBadRequest(text="not a desk's key")
    return key


def _own_page(request: web.Request) -> None:
    """A page from elsewhere may not open our sockets (RFC 6455, 10.2) nor send our forms."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="not our page")


async def _terminal(request: web.Request) -> web.WebSocketResponse:
    _own_page(request)
    key = _key(request)
    try:
        terminal = request.app[TERMINALS].get(key)
    except Full:
        raise web.HTTPServiceUnavailable(text="no room for another desk") from None
    socket = web.WebSocketResponse(heartbeat=15, max_msg_size=LARGEST)
    await socket.prepare(request)
    try:
        await terminal.attach(socket, _side(request, "width", 120), _side(request, "height", 40))
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            match json.loads(message.data):
                case ["ping", str() as sent]:
                    await socket.send_json(["pong", sent])
                case [str() as kind, *rest]:
                    await terminal.take(kind, rest[0] if rest else None)
    except json.JSONDecodeError:
        await socket.close(code=1007, message=b"not a message of this protocol")
    finally:
        terminal.detach(socket)
    return socket


def _side(request: web.Request, name: str, usual: int) -> int:
    given = request.query.get(name, "")
    return min(int(given), LARGEST_SIDE) if given.isdecimal() and int(given) > 0 else usual


# ---- the wallboard


async def _sign_in(request: web.Request) -> web.Response:
    _own_page(request)
    form = await request.post()
    person, password = form.get("person", ""), form.get("password", "")
    if not isinstance(person, str) or not isinstance(password, str):
        raise web.HTTPBadRequest(text="person and password, please")
    try:
        got = await request.app[VIEWERS].sign_in(person, password)
    except Away:
        return web.json_response({"said": request.app[WORDS].say("wall.away")}, status=503)
    if isinstance(got, Refused):
        return web.json_response({"said": request.app[WORDS].tell(got.code, got.params)}, status=403)
    response = web.json_response({})
    response.set_cookie(COOKIE, got, httponly=True, samesite="Strict", secure=request.secure, path="/wall")
    return response


async def _sign_out(request: web.Request) -> web.Response:
    _own_page(request)
    await request.app[VIEWERS].sign_out(request.cookies.get(COOKIE, ""))
    response = web.json_response({})
    response.del_cookie(COOKIE, path="/wall")
    return response


async def _stream(request: web.Request) -> web.StreamResponse:
    viewer = request.app[VIEWERS].get(request.cookies.get(COOKIE, ""))
    if viewer is None:
        raise web.HTTPUnauthorized(text="sign in first")
    response = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
    await response.prepare(request)
    try:
        async for shown in viewer.states():
            line = b": still here\n\n" if shown is None else b"data: " + msgspec.json.encode(shown) + b"\n\n"
            await response.write(line)
        await response.write(b"event: over\ndata: {}\n\n")
    except (ConnectionResetError, asyncio.CancelledError):
        logger.info("a wallboard page is gone")
        raise
    return response
