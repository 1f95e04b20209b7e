"""The Celery application: how wake-ups travel.

Invariant: messages carry ids only, and losing all of them costs seconds; nothing is decided here.
"""

from celery import Celery
from celery.signals import setup_logging
from kombu.entity import Queue

from config.load import Config
from config.settings import Settings

PROCESS_EVENTS = "hookyard.process_events"
DELIVER = "hookyard.deliver"
SETTLE = "hookyard.settle"
PRESS = "hookyard.press"
RECONCILE = "hookyard.reconcile"
SWEEP = "hookyard.sweep"
HEARTBEAT = "hookyard.heartbeat"
ALERT = "hookyard.alert"
FIGURES = "hookyard.figures"

# Kombu keeps a list for each, and takes from all lists of one before any of the next. What beat sends has none, which
# is the first: it is little, and the rest depends on it.
PRIORITY_STEPS = (0, 5, 9)
EVENTS_QUEUE = "events"
CONTROL_QUEUE = "control"
SWEEP_SECONDS = 1.0
HEARTBEAT_SECONDS = 2.0
ALERT_SECONDS = 60.0
FIGURES_SECONDS = 15.0
# A message that a killed worker held comes back after this long; a sweep is much faster, so it only tidies up.
VISIBILITY_SECONDS = 600


def delivery_queue(vendor: str) -> str:
    """Return the name of the queue for deliveries to a vendor."""
    return f"deliver.{vendor}"


def all_queues(config: Config) -> list[str]:
    """Return the names of the queues of a configuration."""
    return [EVENTS_QUEUE, CONTROL_QUEUE, *sorted({delivery_queue(one.vendor) for one in config.accounts.values()})]


def make_celery(settings: Settings, config: Config) -> Celery:
    """Return the application that publishes and consumes wake-ups; no connection is made yet."""
    setup_logging.connect(_keep_our_logging)
    app = Celery("hookyard", broker=settings.require_redis_url(), set_as_current=False)
    app.conf.update(
        task_queues=[Queue(name) for name in all_queues(config)],  # type: ignore[no-untyped-call]
        task_default_queue=CONTROL_QUEUE,
        task_acks_late=True,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=2,
        worker_send_task_events=True,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_publish_retry=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "queue_order_strategy": "round_robin",
            "priority_steps": list(PRIORITY_STEPS),
            # A wake-up that cannot be published is given up at once: a sweep repeats it, nobody waits for the broker.
            "max_retries": 0,
            "socket_connect_timeout": 2,
            "socket_timeout": 30,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        beat_max_loop_interval=SWEEP_SECONDS,
        # A wake-up that nobody took in time is of no use: the next one is a second away.
        beat_schedule={
            "sweep": {"task": SWEEP, "schedule": SWEEP_SECONDS, "options": {"queue": CONTROL_QUEUE, "expires": 5}},
            "heartbeat": {
                "task": HEARTBEAT,
                "schedule": HEARTBEAT_SECONDS,
                "options": {"queue": CONTROL_QUEUE, "expires": 30},
            },
            "alert": {"task": ALERT, "schedule": ALERT_SECONDS, "options": {"queue": CONTROL_QUEUE, "expires": 60}},
            "figures": {
                "task": FIGURES,
                "schedule": FIGURES_SECONDS,
                "options": {"queue": CONTROL_QUEUE, "expires": FIGURES_SECONDS},
            },
        },
    )
    if settings.reconcile_minutes:
        seconds = settings.reconcile_minutes * 60
        options = {"queue": CONTROL_QUEUE, "expires": seconds}
        app.conf.beat_schedule["reconcile"] = {"task": RECONCILE, "schedule": seconds, "options": options}
    return app


def _keep_our_logging(**_: object) -> None:
    """Stop Celery from setting up logging: `worker.logs` has done it."""
