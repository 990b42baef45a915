"""The page in a real browser: Debian's chromium, driven by Playwright, against a service on loopback."""

import re
import shutil

import cv2
import numpy as np
import pytest
from served import TOKEN, bar_picture, png

from kontur.service.app import STATIC

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.slow
browser_needed = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """A page that has the token; it fails the test on any error in the console and on requests to other hosts."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1100, "height": 800})
    context.add_init_script(f"sessionStorage.setItem('token', '{TOKEN}')")
    page, faults, hosts = context.new_page(), [], set()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: hosts.add(re.sub(r"^(\w+://[^/]*).*", r"\1", request.url)))
    page.goto(address)
    yield page
    assert faults == []
    assert {host for host in hosts if host.startswith("http")} == {address}
    context.close()


@pytest.fixture
def picture_file(tmp_path):
    path = tmp_path / "bench.png"
    path.write_bytes(png(bar_picture()[0]))
    return path


@browser_needed
def test_contours_lie_on_the_part_in_the_picture(page, picture_file):
    page.set_input_files("#picture-file", picture_file)
    page.wait_for_selector("#overlay path", timeout=60_000)
    box = page.evaluate(
        """() => { const a = document.querySelector('#overlay path').getBoundingClientRect(),
                   b = document.querySelector('#picture').getBoundingClientRect();
                   return [a.left - b.left, a.top - b.top, a.right - b.left, a.bottom - b.top]
                       .map(v => v / b.width * 224); }"""
    )
    material = (bar_picture()[0][..., 0] > 115).nonzero()
    expected = [material[1].min(), material[0].min(), material[1].max() + 1, material[0].max() + 1]
    assert np.allclose(box, expected, atol=1.5)


@browser_needed
def test_hovering_and_the_keyboard_tell_of_a_part(page, picture_file):
    page.set_input_files("#picture-file", picture_file)
    page.wait_for_selector("#found tbody tr", timeout=60_000)
    page.hover("#found tbody tr")
    assert "contour supported" in page.inner_text("#detail")
    page.focus("#overlay path")
    assert page.inner_text("#detail dd") == page.inner_text("#found tbody td")


@browser_needed
def test_results_can_be_saved(page, picture_file):
    page.set_input_files("#picture-file", picture_file)
    page.wait_for_selector("#overlay path", timeout=60_000)
    with page.expect_download() as download:
        page.click("#save-png")
    data = np.fromfile(download.value.path(), np.uint8)
    assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape == (160, 224, 3)


@browser_needed
def test_a_dropped_drawing_is_read(page, served_root):
    page.click("#tab-parts")
    page.set_input_files("#drawing-file", served_root / "data/raw/dxf_templates/ring.dxf")
    page.wait_for_selector("#drawing-read .card", timeout=60_000)
    assert "round" in page.inner_text("#drawing-read")
    page.wait_for_selector("#drawings .card")
    assert page.locator("#drawings .card").count() == 3


@browser_needed
@pytest.mark.parametrize(
    ("name", "text"), [("data", "train"), ("training", "kontur train"), ("machine", "workers"), ("monitor", "latency")]
)
def test_pages_show_what_the_service_knows(page, name, text):
    page.click(f"#tab-{name}")
    page.wait_for_function("([id, text]) => document.getElementById(id).innerText.includes(text)", arg=[name, text])
    assert page.locator("#problem").is_hidden()


@browser_needed
def test_tabs_are_walked_with_the_arrows(page):
    page.focus("#tab-try")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-parts", "aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#tab-monitor", "aria-selected") == "true"


@browser_needed
def test_a_file_that_is_no_picture_is_told_in_a_sentence(page, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    page.set_input_files("#picture-file", tmp_path / "notes.png")
    page.wait_for_selector("#problem:not([hidden])")
    assert "not a PNG" in page.inner_text("#problem")
    assert page.get_attribute("#problem", "role") == "alert"


@browser_needed
def test_russian_is_complete(page):
    page.select_option("#language", "ru")
    assert page.inner_text("#tab-try") == "Проба"
    assert page.get_attribute("html", "lang") == "ru"
    for name in ("try", "parts", "machine", "monitor"):
        page.click(f"#tab-{name}")
        page.wait_for_timeout(300)
        shown = page.inner_text("body")
        assert "undefined" not in shown
    page.reload()
    assert page.inner_text("#tab-try") == "Проба"


@browser_needed
def test_the_token_is_asked_for(browser, address):
    page = browser.new_page()
    page.goto(address + "#parts")
    page.wait_for_selector("#token-dialog[open]")
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawings .card", timeout=30_000)
    page.close()


def test_both_languages_have_the_same_texts():
    text = (STATIC / "texts.js").read_text(encoding="utf-8")
    english, russian = (set(re.findall(r"(\w+): \"", block)) for block in text.split("ru: {"))
    assert english == russian
    used = set(re.findall(r"data-(?:text|label|alt)=\"(\w+)\"", (STATIC / "index.html").read_text(encoding="utf-8")))
    for script in ("try.js", "pages.js", "ui.js"):
        used |= set(re.findall(r"say\(\"(\w+)\"\)", (STATIC / script).read_text(encoding="utf-8")))
    assert used <= english


def test_the_page_asks_no_other_host():
    for path in STATIC.iterdir():
        found = set(re.findall(r"https?://[\w./]+", path.read_text(encoding="utf-8")))
        assert found <= {"http://www.w3.org/2000/svg"}, path
