"""``assay serve``: the site and the API of a home, until Ctrl-C."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from assay.cli.failure import after_the_document
from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen at; else serve.host, 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one; else serve.port, 8000.", min=0, max=65535)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the site and the API until Ctrl-C."""
    settings = options_of(context).settings(serve__host=host, serve__port=port)
    with working("starting the server"):
        from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
        from assay.server import listen  # noqa: PLC0415
        from assay.server import serve as run  # noqa: PLC0415

        workspace = open_workspace(settings)
        listener = listen(settings.serve)

    def say(url: str) -> None:
        document = {"url": url, "home": str(workspace.home.root), "api": f"{url}/api/v1/openapi.json"}
        emit(document, as_json=as_json, text=lambda: f"{url}\nCtrl-C ends it")
        if workspace.home.demo.exists():
            print("Nothing new arrives in this demo: run `assay follow` beside, or `assay demo`.", file=sys.stderr)
        sys.stdout.flush()

    with after_the_document(as_json=as_json):
        run(workspace, listener=listener, on_ready=say)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(serve)
