"""The receiver as it should be served; its settings come from the environment."""

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

from config.load import load_accounts
from config.settings import load_settings, read_environment
from webhooks.app import make_app
from webhooks.serving import Served
from worker.logs import configure_logging


def make_receiver() -> Served:
    """Make the application of one worker process."""
    environ = read_environment()
    settings = load_settings(environ)
    configure_logging(settings, "receiver")
    app = make_app(settings, load_accounts(settings.config_dir, environ))
    return Served(app, threads=settings.receiver_threads, most_body_bytes=settings.max_body_bytes, body_seconds=1.0)


if __name__ == "__main__":
    Granian(
        "tests.integration.receiver.serve_rsgi:make_receiver",
        factory=True,
        address="127.0.0.1",
        port=load_settings(read_environment()).receiver_port,
        interface=Interfaces.RSGI,
        backpressure=128,
        websockets=False,
        log_access=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=64 * 1024),
    ).serve()
