"""Flower as a process: shows the tasks, which carry the ids of the ledger.

Invariant: it only looks; what it forgets, the ledger knows.
"""

import logging

import click
from celery.bin.base import CLIContext
from celery.bin.celery import celery
from flower.command import flower

from config.load import Config
from config.settings import Settings
from console.processes.flower_links import add_to_flower
from worker.celery_app import make_celery


def show(settings: Settings, config: Config) -> None:
    """Serve the pages until a signal comes."""
    # It asks workers that are still starting, and warns of each that does not answer yet.
    logging.getLogger("flower").setLevel(logging.ERROR)
    app = make_celery(settings, config)
    add_to_flower(settings)
    arguments = [
        f"--address={settings.bind}",
        f"--port={settings.flower_port}",
        "--max_tasks=10000",
        "--natural_time=False",
        "--tasks_columns=name,uuid,state,exception,args,received,runtime,worker",
    ]
    if settings.flower_auth:
        arguments.append(f"--basic_auth={settings.flower_auth.get_secret_value()}")
    # Flower's command expects Celery's own above it, and its application in the context.
    with click.Context(
        celery, info_name="celery", obj=CLIContext(app=app, no_color=True, workdir=None, quiet=True)
    ) as top:
        flower.main(args=arguments, parent=top, standalone_mode=False)
