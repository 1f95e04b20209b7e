"""How somebody works a page: with a finger on a phone, with a mouse at a desk, or with the keys alone.

Invariant: what a hand presses was within its reach before: whole in the window, not covered, large enough, and come to
by Tab where there are only keys.
"""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

LEAST_TARGET_PIXELS = 24
"""Both ways; WCAG 2.2, success criterion 2.5.8."""
MOST_TABS = 600
"""More than any page has to be tabbed through."""
_OUT_OF_REACH = """(pressed, least) => {
  const faults = [];
  for (const part of new Set([pressed, ...(pressed.form?.elements ?? [])])) {
    if (part.type === "hidden" || !part.checkVisibility()) continue;
    const target = part.type === "checkbox" ? part.labels[0] : part;
    const fault = (text) => faults.push(`${part.outerHTML.slice(0, 80)} ${text}`);
    target.scrollIntoView({block: "center", inline: "nearest"});
    for (let over = target.parentElement; over; over = over.parentElement)
      if (over.scrollLeft) fault("is reached by moving sideways only");
    const box = target.getClientRects()[0];
    if (box.left < 0 || box.right > window.innerWidth) fault("is cut off");
    if (Math.min(box.width, box.height) < least) fault(`is only ${box.width} by ${box.height} large`);
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    if (!target.contains(hit)) fault(`lies below ${hit?.outerHTML.slice(0, 80)}`);
  }
  if (document.documentElement.scrollWidth > window.innerWidth) faults.push("the page is wider than its window");
  return faults;
}"""
_HAS_FOCUS = "one => one === document.activeElement"
_SHOWS_FOCUS = "one => getComputedStyle(one).outlineStyle !== 'none'"
_STEPS_TO = "(one, value) => [...one.options].findIndex(option => option.value === value) - one.selectedIndex"


def out_of_reach(pressed: Locator) -> list[str]:
    """Return what is wrong with the place of a button, or of a field of its form."""
    return list(pressed.evaluate(_OUT_OF_REACH, LEAST_TARGET_PIXELS))


@dataclass(frozen=True)
class Mouse:
    """Points and clicks."""

    name: str = "mouse"
    width: int = 1280
    has_touch: bool = False

    def press(self, target: Locator) -> None:
        """Press a button, or follow a link."""
        target.click()

    def put(self, field: Locator, value: str) -> None:
        """Fill a field in, choose an option, tick a box."""
        match _kind(field):
            case "select-one":
                field.select_option(value)
            case "checkbox":
                self.press(field)
            case _:
                field.fill(value)


class Finger(Mouse):
    """Taps on a phone."""

    def __init__(self) -> None:
        super().__init__("phone", 360, has_touch=True)

    def press(self, target: Locator) -> None:
        """Press a button, or follow a link."""
        target.tap()


class Keys(Mouse):
    """Has no pointer: Tab to everything, as it comes."""

    def __init__(self) -> None:
        super().__init__("keyboard")

    def press(self, target: Locator) -> None:
        """Press a button, or follow a link."""
        _tab_to(target)
        target.page.keyboard.press("Enter")

    def put(self, field: Locator, value: str) -> None:
        """Fill a field in, choose an option, tick a box."""
        _tab_to(field)
        keyboard = field.page.keyboard
        match _kind(field):
            case "select-one":
                steps = field.evaluate(_STEPS_TO, value)
                for _ in range(abs(steps)):
                    keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
            case "checkbox":
                keyboard.press("Space")
            case "datetime-local":
                _type_moment(field.page, value)
            case _:
                keyboard.press("ControlOrMeta+a")
                keyboard.insert_text(value)


MOUSE = Mouse()
HANDS = (Finger(), Keys())


def _kind(field: Locator) -> str:
    return str(field.evaluate("one => one.type"))


def _tab_to(target: Locator) -> None:
    """Press Tab until it has the focus, which has to be seen."""
    for _ in range(MOST_TABS):
        if target.evaluate(_HAS_FOCUS):
            assert target.evaluate(_SHOWS_FOCUS), f"the focus on {target} is not seen"
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"{target} is not come to by Tab")


def _type_moment(page: Page, value: str) -> None:
    """Type `2026-01-31T08:00:00` into the parts of the field, in the order that an American browser has them."""
    day, _, time = value.partition("T")
    year, month, date = day.split("-")
    page.keyboard.type(f"{month}{date}{year}")
    page.keyboard.press("ArrowRight")
    page.keyboard.type(time.replace(":", "") + "AM")
