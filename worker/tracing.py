"""One trace from a webhook to the vendor's answer, for whoever collects them by OpenTelemetry.

The broker carries ids only, so the trace of an event stands in its row: who routes or delivers it later goes on in it.
Invariant: what is sent holds ids, names of the configuration, states, reasons and figures; nothing of a person. Without
an endpoint nothing of OpenTelemetry is loaded, and a span costs a call of a function that does nothing.
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Self

from config.faults import ConfigError, Fault
from config.settings import PREFIX, Settings

PATH = "/v1/traces"
EXPORT_MILLISECONDS = 1_000
_tracer: Any = None


class Span:
    """A part of a trace; this one is none, and does nothing."""

    def note(self, **facts: Any) -> None:
        """Add what became known meanwhile; None is left out."""

    def fail(self, reason: str) -> None:
        """Note that it did not work."""

    @property
    def trace(self) -> str | None:
        """Where somebody else can go on with the trace, as W3C's `traceparent`."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


_NOTHING = Span()


def start_tracing(settings: Settings, program: str) -> None:
    """Begin to send traces; does nothing without an endpoint. ConfigError when the libraries are not installed."""
    global _tracer  # noqa: PLW0603 - of a process there is one, as with its log
    if settings.otlp_endpoint is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError:
        what = 'traces need their libraries: install hookyard with its extra "otel"'
        raise ConfigError([Fault(f"{PREFIX}OTLP_ENDPOINT", what)]) from None
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # it warns at each try while nobody listens
    facts = {
        "service.name": "hookyard",
        "service.version": settings.release,
        "deployment.environment.name": settings.environment,
        "hookyard.program": program,
    }
    provider = TracerProvider(resource=Resource.create(facts))
    base = settings.otlp_endpoint.get_secret_value().rstrip("/").removesuffix(PATH)
    exporter = OTLPSpanExporter(endpoint=base + PATH)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_MILLISECONDS))
    _tracer = provider.get_tracer("hookyard")


def is_on() -> bool:
    """Whether traces are sent."""
    return _tracer is not None


def span(name: str, *, within: str | None = None, after: str | None = None, **facts: Any) -> Span:
    """Open a part of a trace, below the one that is open in this thread, or within one that began elsewhere.

    `after`: what it is another try of.
    """
    return _NOTHING if _tracer is None else _Open(name, within, after, facts)


def here() -> str | None:
    """Return where somebody else can go on with what is open in this thread; None when nothing is."""
    if _tracer is None:
        return None
    from opentelemetry import trace  # noqa: PLC0415 - optional

    return _written(trace.get_current_span().get_span_context())


class _Open(Span):
    """A span that is sent."""

    def __init__(self, name: str, within: str | None, after: str | None, facts: dict[str, Any]) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - optional

        began = _context(within)
        links = [trace.Link(context)] if (context := _span_context(after)) else []
        self._span = _tracer.start_span(name, context=began, links=links, record_exception=False)
        self._current: AbstractContextManager[Any] = nullcontext()
        self._trace = trace
        self.note(**facts)

    def note(self, **facts: Any) -> None:
        for name, value in facts.items():
            if value is not None:
                self._span.set_attribute(f"hookyard.{name}", value if isinstance(value, int | float) else str(value))

    def fail(self, reason: str) -> None:
        self._span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, reason))

    @property
    def trace(self) -> str | None:
        return _written(self._span.get_span_context())

    def __enter__(self) -> Self:
        # Neither an exception's text nor its trace is sent: they may hold what was said of a person.
        self._current = self._trace.use_span(self._span, record_exception=False, set_status_on_exception=False)
        self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._current.__exit__(None, None, None)
        if kind is not None:
            self.fail(str(getattr(error, "reason", kind.__name__)))
        self._span.end()


def _context(within: str | None) -> Any:
    """Return the context of a trace that began elsewhere; None goes on with this thread's."""
    if (context := _span_context(within)) is None:
        return None
    from opentelemetry import trace  # noqa: PLC0415 - optional

    return trace.set_span_in_context(trace.NonRecordingSpan(context))


def _span_context(written: str | None) -> Any:
    parts = (written or "").split("-")
    if len(parts) != 4:
        return None
    from opentelemetry import trace  # noqa: PLC0415 - optional

    flags = trace.TraceFlags(int(parts[3], 16))
    return trace.SpanContext(int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=flags)


def _written(context: Any) -> str | None:
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
