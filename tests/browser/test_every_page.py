"""Every page of the console in real Chromium: on a phone as on a desk, in the dark as in the light, for everybody.

A page that is added is looked at without being named here; what its address needs stands in `Stage.paths`.
"""

import pytest

from console.users import Role
from tests.browser.conftest import HOSTILE, Looked, Stage

NOT_PAGES = {"static", "healthz", "login.login"}
LOOKS = pytest.mark.parametrize(
    ("width", "height", "scheme"), [(360, 780, "dark"), (1280, 900, "light")], ids=["phone", "desk"]
)


def addresses(stage: Stage) -> dict[str, str]:
    """Return a path of every page, by its name."""
    found = {}
    with stage.app.test_request_context():
        for rule in stage.app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and rule.endpoint not in NOT_PAGES:
                values = {name: stage.paths[name] for name in rule.arguments}
                found[rule.endpoint] = stage.app.url_for(rule.endpoint, **values, _external=False)
    return found


def everywhere(looked: Looked) -> dict[str, str]:
    """Return the paths of pages that show something: not those that send a file or lead on."""
    return {name: path for name, path in addresses(looked.stage).items() if name not in looked.stage.not_shown}


@LOOKS
def test_every_page_can_be_read_by_everybody(stage: Stage, width: int, height: int, scheme: str) -> None:
    """Nothing serious that axe finds, nothing that the policy refuses, no page wider than its window."""
    faults: dict[str, object] = {}
    with stage.page(width, height, scheme) as looked:
        looked.log_in()
        for name, path in everywhere(looked).items():
            looked.complaints.clear()
            status = looked.open(path)
            found = [*looked.barriers(), *looked.complaints]
            if status != 200:
                found.append(f"answered {status}")
            if looked.is_wider_than_its_window:
                found.append("is wider than its window")
            if found:
                faults[f"{name} {path}"] = found

    assert faults == {}


def test_hostile_payloads_show_as_the_text_that_they_are(stage: Stage) -> None:
    """No page runs a script of a vendor's, draws its HTML, or breaks under a text of a megabyte."""
    with stage.page() as looked:
        looked.log_in()
        for path in everywhere(looked).values():
            looked.open(path)
            assert looked.page.title() != "taken", path
            assert looked.page.locator("img[src=x]").count() == 0, path
            assert "Hookyard" in looked.page.title()


def test_every_page_is_reached_by_keyboard_alone(stage: Stage) -> None:
    """Log in, skip to the content, walk the navigation, open a delivery: with Tab and Enter; focus is always seen."""
    with stage.page() as looked:
        page = looked.page
        page.goto(f"{stage.url}/login")
        page.keyboard.type("admin")  # the name has the focus
        page.keyboard.press("Tab")
        page.keyboard.type("a password for tests")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{stage.url}/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent").strip() == "Skip to the content"
        for name in page.locator("nav[aria-label=Areas] a").all_text_contents():
            while page.evaluate("document.activeElement.textContent").strip() != name:
                page.keyboard.press("Tab")
                assert page.evaluate("document.activeElement !== document.body"), f"{name} is not reached"
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'"), (
                    f"focus is not seen before {name}"
                )
            with page.expect_navigation():
                page.keyboard.press("Enter")
            assert page.locator("nav[aria-label=Areas] a[aria-current=page]").inner_text() == name


def test_pages_work_without_scripts(stage: Stage) -> None:
    """Every page answers and shows its content where no script runs."""
    context = stage.browser.new_context(java_script_enabled=False)
    try:
        looked = Looked(stage, context.new_page()).log_in(Role.OPERATOR)
        for path in everywhere(looked).values():
            assert looked.open(path) == 200, path
            assert looked.page.locator("main h1").count() == 1, path
    finally:
        context.close()


def test_a_viewer_sees_no_names_or_numbers(stage: Stage) -> None:
    """On no page is a buyer's phone or name in full, as text or in the source."""
    with stage.page() as looked:
        looked.log_in(Role.VIEWER)
        for path in everywhere(looked).values():
            looked.open(path)
            source = looked.page.content()
            assert "8123456789" not in source, path
            assert HOSTILE not in source, path
            assert "Budi Santoso" not in source, path
