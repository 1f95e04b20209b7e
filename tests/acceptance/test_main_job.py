"""The main job, end to end, with real processes: three flows, each effect exactly once."""

from tests.support.shop import Shop, order_status_changed
from webhooks.examples import load_example


def test_a_shipped_order_sends_one_template_with_phone_name_and_receipt(shop: Shop) -> None:
    """The event that says "shipped" carries no phone: it comes from the snapshot of the order."""
    shop.start_all()

    shop.know_order()
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()

    shop.wait_for_deliveries(1, "succeeded")
    [message] = shop.sandbox.effects("message")
    assert message["phone_number"] == "628123456789"
    assert message["template_id"] == "257000"
    assert message["variables"] == ["Budi Contoh", "JX1234567890"]


def test_an_order_never_seen_is_asked_of_the_api(shop: Shop) -> None:
    """A status event of an unknown order waits for the API's answer, then goes on."""
    shop.start_all()

    shop.post_scalev(order_status_changed("shipped")).raise_for_status()

    shop.wait_for_deliveries(2, "succeeded")
    [message] = shop.sandbox.effects("message")
    assert message["phone_number"] == "628123456789"
    assert shop.sandbox.requests("*/orders/*")


def test_a_new_customer_gets_one_opportunity_in_the_configured_stage(shop: Shop) -> None:
    """proton.customer.created becomes one opportunity for that customer."""
    shop.start_all()

    shop.post_proton(load_example("proton", "customer.created")).raise_for_status()

    shop.wait_for_deliveries(1, "succeeded")
    [opportunity] = shop.sandbox.effects("opportunity")
    assert opportunity["customer_id"] == "HL-20418"
    assert (opportunity["pipeline_id"], opportunity["stage_id"]) == ("pipeline-sales", "stage-new")


def test_a_tapped_button_confirms_the_order_it_names(shop: Shop) -> None:
    """wabotick.postback with "Confirm" changes the Scalev order to confirmed."""
    shop.start_all()
    shop.know_order()

    tap = load_example("wabotick", "postback") | {"order_id": "250804QWERTY", "chat_id": "628123456789"}
    shop.post_wabotick(tap).raise_for_status()

    shop.wait_for_deliveries(1, "succeeded")
    [change] = shop.sandbox.effects("order_status")
    assert (change["order_id"], change["status"]) == ("250804QWERTY", "confirmed")
