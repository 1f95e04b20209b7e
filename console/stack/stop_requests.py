"""What asks the supervisor to stop: signals, and other threads; and the bell that ends its sleep.

Invariant: a signal is only remembered here; what follows from it happens in the supervisor's own loop.
"""

import signal
import socket
import time
from contextlib import suppress
from types import FrameType
from typing import Self

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEBOUNCE_SECONDS = 0.5  # one Ctrl-C can arrive twice: from the terminal, and passed on by what started us


class Requests:
    """Takes the signals of the process while it is entered; enter it in the main thread."""

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self.kill = False  # asked to stop, and then a second time: do not wait any more
        self._stop_asked: float | None = None
        self._ends: tuple[socket.socket, socket.socket] | None = None

    @property
    def stop(self) -> bool:
        """Say whether somebody asked us to stop."""
        return self._stop_asked is not None

    def ask_to_stop(self) -> None:
        """Ask for an orderly stop; from any thread."""
        self._stop_asked = self._stop_asked or time.monotonic()
        self.ring()

    def ring(self) -> None:
        """End the sleep of the supervisor; from any thread."""
        if self._ends:
            with suppress(OSError):  # full: it will wake anyway; closed: nobody is left to wake
                self._ends[1].send(b"\0")

    def fileno(self) -> int:
        """Return what becomes readable when the bell was rung or a signal came."""
        assert self._ends is not None  # noqa: S101  (entered)
        return self._ends[0].fileno()

    def answer(self) -> None:
        """Forget the rings so far."""
        if self._ends:
            with suppress(BlockingIOError):
                self._ends[0].recv(4096)

    def __enter__(self) -> Self:
        self._ends = socket.socketpair()
        for end in self._ends:
            end.setblocking(False)
        numbers = [*_STOP_SIGNALS, signal.SIGCHLD]
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup
            numbers.remove(signal.SIGHUP)
        self._before = {number: signal.signal(number, self._on_signal) for number in numbers}
        self._wakeup_before = signal.set_wakeup_fd(self._ends[1].fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        ends, self._ends = self._ends, None
        for end in ends or ():
            end.close()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return
        now = time.monotonic()
        if self._stop_asked is None:
            self._stop_asked = now
        elif number == signal.SIGINT and now - self._stop_asked > _DEBOUNCE_SECONDS:
            self.kill = True
