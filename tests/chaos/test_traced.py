"""One trace from the webhook to the vendor's answer, through every process, as a collector receives it."""

import gzip
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.chaos.test_killed import know_the_order
from tests.chaos.test_seen import PERSONAL, SECRETS
from tests.support.listening import Listener, listening
from tests.support.programs import eventually
from tests.support.shop import Shop, order_status_changed


def spans(listener: Listener) -> list[Any]:
    """Return every span that came in."""
    found = []
    for heard in listener.heard:
        body = gzip.decompress(heard.body) if heard.headers.get("content-encoding") == "gzip" else heard.body
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found += [span for scope in of_resource.scope_spans for span in scope.spans]
    return found


def facts(span: Any) -> dict[str, str]:
    """Return a span's attributes, without our prefix."""
    return {
        one.key.removeprefix("hookyard."): one.value.string_value or str(one.value.int_value) for one in span.attributes
    }


def test_a_webhook_and_all_that_follows_is_one_trace(shop: Shop) -> None:
    """Receive, route, each attempt and its call; a retry says which attempt it follows; nothing of a person."""
    with listening() as collector:
        shop.environ["HOOKYARD_OTLP_ENDPOINT"] = collector.url
        shop.sandbox.fail(vendor="wabotick", status=503, times=1)
        shop.start_all()
        know_the_order(shop)
        event_id = shop.post_scalev(order_status_changed("shipped")).raise_for_status().json()["id"]
        [done] = shop.wait_for_deliveries(1, "succeeded")

        def trace(name: str) -> list[Any]:
            ours = [one.trace_id for one in spans(collector) if facts(one).get("event_id") == event_id]
            return [one for one in spans(collector) if one.trace_id in ours and one.name == name]

        wanted = {"receive": 1, "route": 1, "call": 2}
        eventually(lambda: all(len(trace(name)) >= count for name, count in wanted.items()), "the calls came in")
        called = {one.parent_span_id for one in trace("call")}
        eventually(lambda: called <= {one.span_id for one in trace("deliver")}, "the attempts came in")

        [receive], [route] = trace("receive"), trace("route")
        attempts = [one for one in trace("deliver") if one.span_id in called]
        first, second = sorted(attempts, key=lambda one: int(facts(one)["attempt"]))
        assert {one.parent_span_id for one in (route, first, second)} == {receive.span_id}
        assert not first.links
        assert [link.span_id for link in second.links] == [first.span_id]
        assert (facts(first)["state"], facts(second)["state"]) == ("retrying", "succeeded")
        assert {facts(one)["delivery_id"] for one in attempts} == {str(done.id)}
        assert {facts(one)["status"] for one in trace("call")} == {"503", "200"}
        everything = str(spans(collector))
        assert not [word for word in (*PERSONAL, *SECRETS) if word in everything]
