"""Runs a supervisor in a process of its own, as told by a JSON document: RUN_STACK.py SPEC."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from console.stack.directories import run_directory
from console.stack.errors import StackError
from console.stack.postgres import EmbeddedPostgres
from console.stack.redis import EmbeddedRedis
from console.stack.service import Service
from console.stack.supervisor import Supervisor


def main() -> int:
    """Run what the document on the command line says; a StackError goes to stderr."""
    spec = json.loads(sys.argv[1])
    data_dir = Path(spec["data_dir"])
    run_dir = run_directory(data_dir)
    environment = {**os.environ, "DATA_DIR_OF_TEST": spec["data_dir"]}  # the tests look for it
    services = [service(environment, **item) for item in spec["services"]]
    if spec["servers"]:
        servers = (EmbeddedPostgres(data_dir, run_dir), EmbeddedRedis(data_dir, run_dir))
        services = [*(server.service() for server in servers), *services]
    try:
        Supervisor(data_dir, services, ports=spec["ports"]).run(lambda: print("everything is ready", flush=True))  # noqa: T201
    except StackError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def service(env: dict[str, str], name: str, code: str, ready_file: str | None = None, **options: Any) -> Service:
    """Describe a service that runs Python code, and is ready when a file exists."""

    def ready() -> bool:
        return ready_file is None or Path(ready_file).exists()

    options["after"] = tuple(options.get("after", ()))
    return Service(name=name, argv=(sys.executable, "-c", code), env=env, ready=ready, **options)


if __name__ == "__main__":
    sys.exit(main())
