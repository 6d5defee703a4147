"""The page for people who use a keyboard, a screen reader, large print or few colours."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from fakes import fake_answerer
from pages import ask, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    documents = {
        "bridge.txt": "The Sarn bridge was designed by MARLOWE of Brannick.",
        "other.txt": "The Sarn bridge was designed by HOLLIS of Brannick.",
        "museum.md": "# The museum\n\nThe museum of Brannick was founded by GARRITY. " + "More of it. " * 200,
    }
    place = tmp_path_factory.mktemp("accessibility")
    with fake_answerer(place, documents, threshold=0.5) as answerer, served(answerer) as address:
        yield address


def problems(page: Any) -> list[str]:
    """What axe-core finds serious or worse, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => {})))")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['impact']} {rule['id']}: {node['target']} {node['html'][:120]}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


def overflow(page: Any) -> list[str]:
    """What sticks out at the side of the screen."""
    return page.evaluate(
        """[...document.querySelectorAll("body *")].filter(element => {
            const box = element.getBoundingClientRect();
            const isScrolled = element.matches(":is(.pages, .grid, .thumbnails, .sheet) *"); // they scroll themselves
            return !isScrolled && box.width > 1 && box.right > document.documentElement.clientWidth + 1;
        }).map(element => element.outerHTML.slice(0, 120))"""
    )


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")], ids=["light", "dark", "phone"]
)
def test_nothing_serious_is_wrong_in_any_state(visit: Callable[..., Any], url: str, width: int, scheme: str) -> None:
    page = visit(url, width, 760, media={"color_scheme": scheme})
    states = {"welcome": problems(page)}
    turn = ask(page, "Who founded the museum of Brannick?")
    states["answer"] = problems(page)
    turn.locator(".verdict", has_text="Right").click()
    ask(page, "Which colour has the xylophone in the garden?")
    states["declined"] = problems(page)
    ask(page, "Who designed the Sarn bridge?")
    states["disagreement"] = problems(page)
    turn.locator(".verdict", has_text="Wrong").click()
    page.wait_for_selector("#correcting")
    states["correcting"] = problems(page)
    page.click("#correcting .leave")
    for drawer in page.locator("[data-drawer]").all():
        name = drawer.get_attribute("data-drawer")
        drawer.click()
        if page.locator(f"#drawer-{name}").count():
            page.locator(f"#drawer-{name} .body > *").first.wait_for()
            states[name] = problems(page) + overflow(page)
            page.keyboard.press("Escape")
    assert {state: found for state, found in states.items() if found} == {}
    assert overflow(page) == []


def focused(page: Any) -> str:
    """What has the focus, as a screen reader would name it."""
    return page.evaluate(
        """(() => {
            const element = document.activeElement;
            const name = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
            return name.trim().slice(0, 60);
        })()"""
    )


def is_focus_seen(page: Any) -> bool:
    return page.evaluate(
        """(() => {
            const style = getComputedStyle(document.activeElement);
            return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
        })()"""
    )


def test_everything_is_reached_with_the_keyboard_in_reading_order_and_seen_to_be(
    visit: Callable[..., Any], url: str
) -> None:
    page = visit(url)
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    page.keyboard.type("Who founded the museum of Brannick?")
    page.keyboard.press("Enter")
    page.wait_for_selector("#log .answered")
    page.wait_for_selector("#panel .text mark")  # the document opens when the answer stands
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    page.locator("h1").evaluate("h1 => { h1.tabIndex = -1; h1.focus(); }")
    walked, unseen = [], []
    for _ in range(40):
        page.keyboard.press("Tab")
        walked.append(focused(page))
        if page.evaluate("document.activeElement === document.body || document.activeElement.matches('h1')"):
            break
        if not is_focus_seen(page):
            unseen.append(walked[-1])
    assert unseen == []
    order = ["Documents", "Settings", "Answers", "The museum", "Right", "Wrong", "Your question", "Ask"]
    places = [walked.index(name) for name in order]
    assert places == sorted(places)
    assert "Text of the document" in walked[places[-1] :]


def test_a_drawer_keeps_the_keyboard_and_gives_it_back(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    page.locator("[data-drawer=settings]").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#max-wrong")
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.locator("input[name=theme]:checked").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.value") == "light"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate("document.activeElement.dataset.drawer") == "settings"


def test_the_page_says_what_it_is(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    assert page.title() == "Verbatim"
    assert page.get_attribute("html", "lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    ask(page, "Who founded the museum of Brannick?")
    ask(page, "Which colour has the xylophone in the garden?")
    # The log is written anew with each answer: what is read out is the newest, once.
    assert page.locator("#log :is([aria-live]:not([aria-live=off]), [role=status], [role=alert])").count() == 0
    announced = page.text_content("#announced")
    assert announced.startswith("I don’t know.")
    assert "GARRITY" not in announced
    levels = page.locator(":is(h1, h2, h3, h4)").evaluate_all("all => all.map(each => Number(each.tagName[1]))")
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_large_print_and_narrow_screens_lose_nothing(visit: Callable[..., Any], url: str) -> None:
    # 200 % of a window of 1280 by 800 is what a window of 640 by 400 shows.
    page = visit(url, 640, 400, device_scale_factor=2)
    ask(page, "Who founded the museum of Brannick?")
    assert overflow(page) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) == []
    assert page.evaluate("document.querySelector('#ask').getBoundingClientRect().bottom <= innerHeight")


def test_nothing_moves_for_who_wants_no_motion(visit: Callable[..., Any], url: str) -> None:
    page = visit(url, 360, 740, media={"reduced_motion": "reduce"})
    ask(page, "Who founded the museum of Brannick?")
    page.locator("#log .turn").hover()  # which shows what can be done with it
    page.wait_for_function("getComputedStyle(document.querySelector('#log .edit')).opacity === '1'")
    moving = """[...document.querySelectorAll("#masthead *, #log *, #panel *")].filter(element => {
        if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
        const style = getComputedStyle(element);
        return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0.01;
    }).map(element => element.outerHTML.slice(0, 100))"""
    assert page.evaluate(moving) == []
    page.click("#log .citation")
    assert page.evaluate(moving) == []


def test_where_colours_are_forced_what_they_said_is_said_otherwise(visit: Callable[..., Any], url: str) -> None:
    page = visit(url, media={"forced_colors": "active"})
    turn = ask(page, "Who founded the museum of Brannick?")
    turn.locator(".verdict", has_text="Right").click()
    pressed = turn.locator('.verdict[aria-pressed="true"]')
    pressed.wait_for()
    unpressed = turn.locator('.verdict[aria-pressed="false"]')
    width = "button => getComputedStyle(button).borderTopWidth + getComputedStyle(button).fontWeight"
    assert pressed.evaluate(width) != unpressed.evaluate(width)
    around = "mark => getComputedStyle(mark.parentElement).backgroundColor === getComputedStyle(mark).backgroundColor"
    assert not page.locator("#log mark").first.evaluate(around)
