"""`kontur serve`: detection over HTTP, with a web page and metrics."""

from pathlib import Path
from typing import Annotated

import typer

from kontur.cli.common import EngineName, ScaleOption, WorkspaceOption
from kontur.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    workspace: WorkspaceOption = Path(),
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that others can reach needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    engine: Annotated[EngineName | None, typer.Option(help="Who proposes; overrides the configuration.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that detect; one for each CPU by default.")
    ] = None,
    mm_per_px: ScaleOption = None,
    collect: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep uncertain pictures there, for labelling.")
    ] = None,
) -> None:
    """Serve detection over HTTP, with a web page and metrics, until stopped.

    Limits are in configs/service_config.yaml. A bearer token is taken from KONTUR_TOKEN, or from the file that
    KONTUR_TOKEN_FILE names. SIGHUP loads the model anew; SIGTERM lets running requests finish.

    Example: kontur serve --port 8000 --collect data/collected
    """
    import uvicorn

    from kontur.service.app import Exposure, create_app
    from kontur.service.logs import use_json_logs
    from kontur.service.settings import check_exposure, find_token, load_settings
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    settings = load_settings(space)
    changes = {"engine": engine.value if engine else None, "workers": workers}
    settings = settings.model_copy(update={name: value for name, value in changes.items() if value is not None})
    token = find_token()
    check_exposure(host, token)
    use_json_logs()
    app = create_app(space, settings, Exposure(token, mm_per_px, collect))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host,
            port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=int(settings.deadline_s) + 5,
        )
    )
    server.run()
    if not server.started:
        raise ConfigError(f"the service did not start; its log above says why (is port {port} taken?)")
