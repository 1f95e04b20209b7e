"""`python -m tasks.trying JOB`: play a backtest that was begun; workers start it, people press for it.

Invariant: it stands back behind everything else on its machine before it loads or asks anything.
"""

import sys
from uuid import UUID

from config.settings import load_settings, read_environment
from tasks.trying.playing import play, step_back
from worker.logs import configure_logging
from worker.sentry import start_sentry


def main() -> None:
    """Play the job that is named."""
    step_back()
    environ = read_environment()
    settings = load_settings(environ)
    configure_logging(settings, "backtest")
    start_sentry(settings, "backtest")
    play(settings, environ, UUID(sys.argv[1]))


if __name__ == "__main__":
    main()
