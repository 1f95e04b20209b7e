"""The same Flask application on the same Granian settings with nothing behind it: what the figures are compared with.

Invariant: it stores nothing. `/webhooks/<account>` reads the body and answers 200; `/relay` calls the vendor before it
answers. Run as `python -m bench.bare`, with the receiver's settings.
"""

import json
import os

import httpx
from flask import Flask, Response, request

from config.settings import load_settings, read_environment
from console.processes.receiver import serve
from webhooks.serving import Served

VENDOR_URL_VARIABLE = "BENCH_VENDOR_URL"


def make_bare() -> Served:
    """Return the application of one process."""
    settings = load_settings(read_environment())
    app = Flask("bare")
    vendor_url = os.environ.get(VENDOR_URL_VARIABLE, "")
    client = httpx.Client(trust_env=False)

    def answer(account: str) -> Response:
        request.environ["wsgi.input"].read()
        return Response(json.dumps({"status": "accepted", "id": account}), 200, mimetype="application/json")

    def relay() -> Response:
        form = send_template_form(json.loads(request.environ["wsgi.input"].read())["data"]["order_id"])
        status = client.post(vendor_url, data=form).status_code
        return Response(json.dumps({"status": "relayed"}), status, mimetype="application/json")

    app.add_url_rule("/webhooks/<account>", view_func=answer, methods=["POST"])
    app.add_url_rule("/relay", view_func=relay, methods=["POST"])
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    return Served(app, threads=settings.receiver_threads, most_body_bytes=settings.max_body_bytes)


def send_template_form(number: str) -> dict[str, str]:
    """Return what Hookyard's action sends for an order, as `bench.stage` has its rule."""
    return {
        "apiToken": "bench", "phone_number_id": "100000000000001", "phone_number": "6281200000001",
        "template_id": "257000", "templateVariable-value-1": "Bench", "templateVariable-value-2": number,
    }  # fmt: skip


if __name__ == "__main__":
    serve(load_settings(read_environment()), "bench.bare:make_bare")
