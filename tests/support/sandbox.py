"""The sandbox vendors as tests see them: what they received, what they did, how they should fail."""

from typing import Any

import httpx


class Sandbox:
    """A running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30)
        self.hangs = False
        """Whether a fault was set by which no answer comes."""

    def effects(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what the vendors really did, in order; of one kind such as `message` or `order_status`."""
        found: list[dict[str, Any]] = self._http.get("/_sandbox/effects").raise_for_status().json()
        return [effect for effect in found if kind is None or effect["kind"] == kind]

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """Return what the vendors received, in order; `path` is the end of a path, or a glob."""
        found: list[dict[str, Any]] = (
            self._http.get("/_sandbox/requests", params={"path": path}).raise_for_status().json()
        )
        return found

    def fail(self, **fault: Any) -> None:
        """Set a fault: vendor, path, every, times, when, status, retry_after, delay_seconds, hang, reset, truncate."""
        self.hangs = self.hangs or bool(fault.get("hang"))
        self._http.post("/_sandbox/faults", json=fault).raise_for_status()

    def heal(self) -> None:
        """Take all faults away."""
        self._http.delete("/_sandbox/faults").raise_for_status()

    def state(self, vendor: str) -> Any:
        """Return a vendor's state."""
        return self._http.get(f"/_sandbox/state/{vendor}").raise_for_status().json()

    def set_trap(self, vendor: str, **settings: Any) -> None:
        """Switch a vendor's traps."""
        self._http.put(f"/_sandbox/settings/{vendor}", json=settings).raise_for_status()

    def reset(self) -> None:
        """Begin anew: seeds only, nothing received, no faults."""
        self.hangs = False
        self._http.post("/_sandbox/reset").raise_for_status()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
