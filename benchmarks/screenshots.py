"""Screenshots of the page in each of its states: python benchmarks/screenshots.py [FOLDER].

Serves the packaged example and some other documents with the real models, uses the page as a person would, and writes
one PNG per state to FOLDER (docs/screenshots). Needs a browser, as the tests do.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import qa  # noqa: E402
from conftest import chromium  # noqa: E402 (found beside the tests)
from pages import ask, served  # noqa: E402
from pdfs import make_pdf, print_paragraph  # noqa: E402
from qa.open_folder import default_folder  # noqa: E402
from qa.web.security.passwords import Password, hash_password  # noqa: E402
from qa.web.security.sessions import Access  # noqa: E402

DOCUMENTS = {
    "harlow-bridge.md": (
        "# Harlow Bridge\n\nHarlow Bridge was designed by the engineer Edith Marlowe. It was opened on 4 May 1931"
        " by the Earl of Brannick, and cost 212,000 pounds.\n\n## Materials\n\n"
        "Its arches are made of granite, steel and oak."
    ),
    "county-guide.md": (
        "# A guide to the county\n\nThe traveller will want to see Harlow Bridge. Harlow Bridge was opened on 9"
        " June 1932, after years of delay.\n\nThe museum of Brannick shows coins, maps and clocks."
    ),
    "repairs.csv": "year,work,paid\n1947,arches repointed,1180\n1962,deck replaced,23400\n1988,railings painted,5600\n",
}
PRINTED = [
    "Report of the county surveyor. The survey of the bridge was begun in March 1974.",
    "The inspector of the county was the surveyor Thomas Garrity of Dunmore.",
    "He found the northern arch to be cracked, and advised to close the bridge.",
]
WIDE, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)


def write_documents(folder: Path) -> None:
    """Write the documents that are asked."""
    for file in default_folder().glob("*.txt"):
        shutil.copy(file, folder)
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "survey.pdf").write_bytes(make_pdf([print_paragraph(PRINTED)]))


class Camera:
    """Takes screenshots of a page."""

    def __init__(self, browser: Browser, url: str, out: Path) -> None:
        """Create a camera.

        Args:
            browser: Chromium.
            url: Address of the page.
            out: Folder for the screenshots.
        """
        self._browser, self._url, self._out = browser, url, out

    @contextmanager
    def page(
        self, size: ViewportSize, *, been_here: bool = True, dark: bool = False, phone: bool = False
    ) -> Iterator[Page]:
        """Open the page in a new browser context; `been_here` skips the tour."""
        context = self._browser.new_context(
            viewport=size,
            color_scheme="dark" if dark else "light",
            device_scale_factor=2 if phone else 1,
            has_touch=phone,
            is_mobile=phone,
        )
        if been_here:
            context.add_init_script("localStorage.setItem('verbatim-shown-around', '1')")
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(self._url)
        page.wait_for_selector("#log")
        yield page
        context.close()

    def take(self, page: Page, name: str) -> None:
        """Take a screenshot, once nothing moves any more."""
        page.wait_for_timeout(700)
        page.screenshot(path=self._out / f"{name}.png")
        print(name, flush=True)

    def wide(self) -> None:
        """Take the states on a wide screen."""
        with self.page(WIDE, been_here=False) as page:
            self.take(page, "welcome")
        with self.page(WIDE) as page:
            ask(page, "Who was the suicide bomber?")
            ask(page, "Where was he trained?")
            self.take(page, "chat-light")
            ask(page, "Who was the inspector of the county?")
            page.wait_for_selector("#panel .page img")
            self.take(page, "pdf")
            ask(page, "When was Harlow Bridge opened?")
            self.take(page, "disagreement")
            ask(page, "What does the museum of Brannick show?")
            self.take(page, "list")
            turn = ask(page, "Who is the president of Tajikistan?")
            self.take(page, "declined")
            ask(page, "Who designed Harlow Bridge?").locator(".verdict", has_text="Wrong").click()
            page.wait_for_selector("#correcting")
            self.take(page, "correcting")
            turn.wait_for()
            page.click("#correcting .leave")
            self.drawers(page)

    def drawers(self, page: Page) -> None:
        """Take the drawers beside the chat."""
        for name in ("documents", "history", "settings"):
            page.click(f"[data-drawer={name}]")
            page.wait_for_selector(f"#drawer-{name} .body > *")
            if name == "documents":
                with page.expect_file_chooser() as chooser:
                    page.locator("#drawer-documents .add-files").click()
                minutes = b"Minutes of 3 May. The treasurer is Ann Lee."
                files = [("minutes.txt", minutes), ("tool.exe", b"MZ\0\0"), ("empty.txt", b"")]
                chooser.value.set_files([{"name": n, "mimeType": "", "buffer": content} for n, content in files])
                page.wait_for_selector("#drawer-documents >> text=Ask about it")
            self.take(page, name)
            page.keyboard.press("Escape")

    def dark_and_phone(self) -> None:
        """Take dark mode and the phone."""
        with self.page(WIDE, dark=True) as page:
            ask(page, "Who is the president of Tajikistan?")
            ask(page, "when was Jamaat Ansarullah banned?")
            self.take(page, "chat-dark")
        with self.page(PHONE, phone=True) as page:
            ask(page, "Who was the suicide bomber?")
            self.take(page, "chat-phone")
            page.click("#log .answered .citation")
            self.take(page, "phone-document")


def main() -> None:
    """Serve, use the page, and take the screenshots."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch) / "county"
        folder.mkdir()
        write_documents(folder)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with qa.load(folder, index_dir=Path(scratch) / "index") as answerer:
            answerer.ask("Who was the suicide bomber?")  # the models are loaded by now
            with served(answerer) as url:
                camera = Camera(browser, url, out)
                camera.wide()
                camera.dark_and_phone()
            with served(answerer, Access(Password(hashed=hash_password("four words of one's own")))) as url:
                page = browser.new_page(viewport=WIDE)
                page.goto(url)
                Camera(browser, url, out).take(page, "login")
        browser.close()


if __name__ == "__main__":
    main()
