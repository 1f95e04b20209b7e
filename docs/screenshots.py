"""Take the README's pictures: `python -m docs.screenshots` runs a shop with the sandbox vendors, and photographs it.

Invariant: what a picture shows happened, on the program as it is now; nobody touched it up.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
PATIENCE_SECONDS = 120
FIGURES_SECONDS = 40
"""How long until the figures of the plots have been counted, and there are some minutes of them."""
_PORTS = ("RECEIVER_PORT", "CONSOLE_PORT", "FLOWER_PORT", "SANDBOX_PORT")
_DESK, _PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
_BUYERS = ("2511AMBON", "2511BOGOR", "2511CIREBON", "2511DEPOK", "2511ENDE", "2511FLORES")
# By file: the page, the window, and whether it is night.
PICTURES = {
    "now": ("/?span=hour", _DESK | {"height": 1120}, False),
    "order": ("/orders/toko/order:2511AMBON", _DESK, False),
    "deliveries": ("/deliveries", _DESK, True),
    "rules": ("/rules", _DESK, False),
    "connect": ("/connect", _DESK, False),
    "press": ("/press", _DESK, False),
    "order-on-a-phone": ("/orders/toko/order:2511AMBON", _PHONE, True),
}


class Shop:
    """A shop that runs on ports and in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.ports = {name: _free_port() for name in _PORTS}
        self._environ = os.environ | {f"HOOKYARD_{name}": str(port) for name, port in self.ports.items()}
        self._environ |= {"HOOKYARD_DATA_DIR": str(folder / "var"), "HOOKYARD_LOG_LEVEL": "warning"}
        self._log = folder / "up.log"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start everything, and stop it in order."""
        with self._log.open("wb") as log:
            process = subprocess.Popen(_hookyard("up", "--sandbox"), env=self._environ, stdout=log, stderr=log)
        try:
            _wait(lambda: "Hookyard is ready" in self._log.read_text("utf-8", "replace"), "everything is ready")
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)

    def send(self, vendor: str, event: str, **values: str) -> None:
        """Send an event as the vendor does."""
        changes = [word for path, value in values.items() for word in ("--set", f"data.{path}={value}")]
        subprocess.run(_hookyard("send", vendor, event, *changes), env=self._environ, check=True, capture_output=True)

    def fail(self, fault: bytes) -> None:
        """Let a vendor fail."""
        url = f"http://127.0.0.1:{self.ports['SANDBOX_PORT']}/_sandbox/faults"
        asked = urllib.request.Request(url, fault, {"Content-Type": "application/json"})
        urllib.request.urlopen(asked).close()  # noqa: S310 - as above

    def settled(self) -> bool:
        """Whether no delivery is on its way."""
        for state in ("ready", "in_flight", "waiting", "retrying"):
            command = _hookyard("deliveries", "--state", state, "--json")
            done = subprocess.run(command, env=self._environ, check=True, capture_output=True, text=True)
            if done.stdout.strip() != "[]":
                return False
        return True


def play(shop: Shop) -> None:
    """Let a morning pass: orders that are paid and shipped, a customer, a tap, and a vendor that fails."""
    for number in _BUYERS:
        shop.send("scalev", "order.created", order_id=number)
        shop.send("scalev", "order.payment_status_changed", order_id=number)
    for number in _BUYERS[:3]:
        shop.send("scalev", "order.status_changed", order_id=number)
    shop.send("proton", "customer.created")
    shop.send("wabotick", "postback")
    _wait(shop.settled, "the first deliveries are settled")
    shop.fail(b'{"vendor": "wabotick", "status": 422, "times": 1}')
    shop.send("scalev", "order.status_changed", order_id=_BUYERS[3])
    _wait(shop.settled, "the refused delivery is settled")
    shop.fail(b'{"vendor": "wabotick", "when": "after", "reset": true, "times": 1}')
    shop.send("scalev", "order.status_changed", order_id=_BUYERS[4])
    _wait(shop.settled, "the unknown delivery is settled")
    time.sleep(FIGURES_SECONDS)


def photograph(page: Page, url: str) -> None:
    """Take every picture."""
    for name, (path, window, is_night) in PICTURES.items():
        page.set_viewport_size({"width": window["width"], "height": window["height"]})
        page.emulate_media(color_scheme="dark" if is_night else "light")
        page.goto(url + path)
        page.screenshot(path=str(IMAGES / f"{name}.png"))
        sys.stdout.write(f"{name}.png taken\n")


def _hookyard(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "console.cli.main", *arguments]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait(condition: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            raise SystemExit(f"did not happen within {PATIENCE_SECONDS} s: {what}")
        time.sleep(0.5)


def main() -> None:
    """Run the shop, play, photograph."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium on PATH (Debian: apt install chromium)")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hookyard-pictures-") as folder:
        shop = Shop(Path(folder))
        with shop.running(), sync_playwright() as playwright:
            play(shop)
            browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
            photograph(browser.new_page(), f"http://127.0.0.1:{shop.ports['CONSOLE_PORT']}")
            browser.close()


if __name__ == "__main__":
    main()
