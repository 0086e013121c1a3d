"""The web application: routes, error answers, and the server."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from pipeline.core.errors import InputError, LookbookError, OutputError
from pipeline.review.decoding import RETRY_AFTER_S, BusyError
from pipeline.review.events import TooManyStreamsError
from pipeline.review.files import RefusedFileError
from pipeline.review.jobs.queue import COMMAND, QueueFullError, UnknownJobError
from pipeline.review.jobs.webhook_address import RefusedWebhookError
from pipeline.review.models import Refusal
from pipeline.review.options import Serving
from pipeline.review.page import Page
from pipeline.review.routes.gallery import gallery_routes
from pipeline.review.routes.inputs import file_routes, input_routes
from pipeline.review.routes.jobs import job_routes
from pipeline.review.routes.masks import mask_routes
from pipeline.review.routes.placement import placement_routes
from pipeline.review.routes.settings_files import settings_routes
from pipeline.review.saving import ConflictError
from pipeline.review.security import COOKIE, Guard
from pipeline.review.workspace import UnknownItemError

STATIC = Path(__file__).with_name("static")
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": about}
    for status, about in (
        (400, "the request is malformed"),
        (401, "a token is needed"),
        (403, "the request comes from another page, or names a webhook that is not on the list"),
        (404, "it does not exist"),
        (409, "it does not fit the present state"),
        (413, "too large"),
        (421, "not a host name of the page"),
        (422, "a value does not fit"),
        (429, "too much at once"),
        (503, "busy with other pictures; ask again"),
    )
}


def make_app(serving: Serving, command: Sequence[str] = COMMAND) -> FastAPI:
    """The application, with its access control.

    Args:
        serving: folders, address, limits.
        command: what runs a job; replaced in tests.
    """
    page = Page(serving, command)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        page.start()
        yield
        await page.close()

    app = FastAPI(
        title="Lookbook",
        version=_version(),
        description="Try-on pictures in batch: submit jobs, follow them, fetch and judge the results.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        responses=REFUSALS,
        separate_input_output_schemas=False,
    )
    app.state.page = page
    _describe_access(app, serving)
    for routes in (gallery_routes, job_routes, placement_routes, mask_routes, input_routes, settings_routes, file_routes):
        app.include_router(routes)
    _add_pages(app)
    _add_refusals(app, page.workspace.plain)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=4)
    app.add_middleware(Guard, serving=serving)
    return app


def _describe_access(app: FastAPI, serving: Serving) -> None:
    """Write into the description how the token is sent."""
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "the token that the command printed"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "set by the printed link"},
    }
    plain = app.openapi

    def described() -> dict[str, Any]:
        made = plain()
        made.setdefault("components", {})["securitySchemes"] = schemes
        made["security"] = [{name: []} for name in schemes] if serving.token else [{}, *({name: []} for name in schemes)]
        return made

    app.openapi = described  # type: ignore[method-assign]


def _add_pages(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    def entrance() -> FileResponse:
        """The page."""
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    @app.get("/api", include_in_schema=False)
    def description() -> FileResponse:
        """The description of the API for people."""
        return FileResponse(STATIC / "api.html", headers={"cache-control": "no-cache"})


def _add_refusals(app: FastAPI, plain: Callable[[str], str]) -> None:
    """Answer every error in one form: message and remedy, without the folders of this machine."""

    def answer(status: int, message: str, remedy: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"message": plain(message), "remedy": plain(remedy)}, status_code=status, headers=headers)

    def of(status: int, message: str = "", remedy: str = "") -> Callable[[Request, Exception], JSONResponse]:
        return lambda request, problem: answer(status, message or str(problem.args[0] if problem.args else problem), remedy)

    def ours(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, LookbookError)
        status = 507 if isinstance(problem, OutputError) else 422 if isinstance(problem, InputError) else 409
        return answer(status, problem.message, problem.remedy)

    def webhook(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, RefusedWebhookError)
        return answer(403, problem.message, problem.remedy)

    def misfit(request: Request, problem: Exception) -> JSONResponse:
        """Name the field; its value, which may be anything, is not repeated."""
        assert isinstance(problem, RequestValidationError)
        lines = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in problem.errors()[:5]]
        return answer(422, "; ".join(lines).encode("utf-8", "replace").decode())

    def http(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, HTTPException)
        return answer(problem.status_code, str(problem.detail), headers=dict(problem.headers or {}))

    app.add_exception_handler(LookbookError, ours)
    app.add_exception_handler(RequestValidationError, misfit)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ConflictError, ours)
    app.add_exception_handler(RefusedWebhookError, webhook)
    app.add_exception_handler(UnknownItemError, of(404))
    app.add_exception_handler(UnknownJobError, of(404, "no such job"))
    app.add_exception_handler(RefusedFileError, of(404, "no such file"))
    app.add_exception_handler(TooManyStreamsError, of(429, "too many open pages", "close some"))
    busy = {"retry-after": str(RETRY_AFTER_S)}
    app.add_exception_handler(BusyError, lambda request, problem: answer(503, str(problem), "send it again in a moment", busy))
    app.add_exception_handler(
        QueueFullError, lambda request, problem: answer(429, "the queue is full", "wait for a job to end", {"retry-after": "30"})
    )


def new_token() -> str:
    """A secret that cannot be guessed."""
    return secrets.token_urlsafe(24)


def serve(serving: Serving) -> None:
    """Serve until Ctrl-C."""
    import uvicorn

    uvicorn.run(
        make_app(serving),
        host=serving.host,
        port=serving.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        proxy_headers=False,
    )


def _version() -> str:
    try:
        return version("lookbook")
    except PackageNotFoundError:
        return "0"
