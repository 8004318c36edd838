"""Chromium without a window, driven as a person would use it: by what labels, links and buttons say."""

import importlib.util
import json
import shutil
import time
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PATIENCE = 30
# The rules of WCAG 2.0 to 2.2 at levels A and AA, and what is good practice beyond.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Fault(Exception):
    """What a person would report."""


def axe_source():
    folder = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
    return (Path(folder) / "axe.min.js").read_text(encoding="utf-8")


class Browser:
    def __init__(self, origin):
        self.origin = origin
        options = Options()
        options.binary_location = shutil.which("chromium")
        # Without a sandbox, since the tests may run as root; it sees pages of ours alone.
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.axe = axe_source()
        self.look(1280)

    def close(self):
        self.driver.quit()

    def look(self, width, dark=False, height=900):
        """As wide as a laptop or a phone, by day or by night."""
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, path):
        self.driver.get(path if "://" in path else self.origin + path)

    @property
    def path(self):
        return self.driver.current_url.removeprefix(self.origin)

    @property
    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait(self, what, condition, patience=PATIENCE):
        """Waits until `condition()` is true of the page, and returns what it said."""
        deadline = time.monotonic() + patience
        while True:
            try:
                if said := condition():
                    return said
            except StaleElementReferenceException:
                pass
            if time.monotonic() > deadline:
                raise Fault(f"{what}: not within {patience} s at {self.path}, which says:\n{self.text[:3000]}")
            time.sleep(0.1)

    def says(self, *words):
        for some in words:
            self.wait(f"'{some}' is to be seen", lambda some=some: some in self.text)

    def says_not(self, *words):
        for some in words:
            if some in self.text:
                raise Fault(f"'{some}' is not to be seen at {self.path}, which says:\n{self.text[:3000]}")

    def reload_until(self, what, condition, patience=PATIENCE):
        """Opens the same page again until `condition()` is true of it."""

        def anew():
            if said := condition():
                return said
            time.sleep(0.3)
            self.driver.refresh()
            return condition()

        return self.wait(what, anew, patience)

    def _shown(self, selector, words, within=None):
        found = []
        for element in (within or self.driver).find_elements(By.CSS_SELECTOR, selector):
            name = element.accessible_name or element.text
            if element.is_displayed() and words in " ".join(name.split()):
                found.append((len(name), element))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def press(self, words, within=None):
        """Presses the button or follows the link that says `words`."""
        element = self.wait(f"a button or link '{words}'", lambda: self._shown("button, a, summary", words, within))
        element.click()

    def fill(self, label, value):
        """Writes into the field that is labelled so."""
        field = self.wait(f"a field '{label}'", lambda: self._shown("input, textarea", label))
        field.clear()
        field.send_keys(value)

    def choose(self, label, on=True):
        """Ticks the box that is labelled so."""
        box = self.wait(f"a box '{label}'", lambda: self._shown("input[type=checkbox], input[type=radio]", label))
        if box.is_selected() != on:
            box.click()

    def row(self, words):
        """The row of a table that says `words`."""

        def find():
            rows = self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")
            return next((row for row in rows if words in row.text), None)

        return self.wait(f"a row with '{words}'", find)

    def confirm(self):
        """Says yes in the dialog."""
        dialog = self.wait("a dialog", lambda: self._shown("dialog", ""))
        dialog.find_element(By.CSS_SELECTOR, "button").click()

    def complaints(self):
        """What the browser wrote down: errors of scripts, what the policy of contents kept out; not that a page is answered by an error."""
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE" and entry["source"] != "network"]

    def violations(self):
        """What axe-core finds wrong with the page, as a person with a screen reader or a keyboard would; a line each."""
        try:
            self.driver.execute_script(self.axe)
        except JavascriptException as error:
            raise Fault(f"axe-core does not run at {self.path}: {error}") from error
        result = self.driver.execute_async_script(
            "const done = arguments[1]; axe.run(document, arguments[0]).then(done, error => done({error: String(error)}));", RULES)
        if "error" in result:
            raise Fault(f"axe-core failed at {self.path}: {result['error']}")
        if not result["passes"]:
            raise Fault(f"axe-core checked nothing at {self.path}")
        return [
            f"{found['impact']}: {found['help']} ({found['id']}): " + json.dumps([node["html"][:160] for node in found["nodes"][:3]])
            for found in result["violations"]
        ]

    def overflow(self):
        """By how many pixels the page is wider than the window."""
        return self.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")

    def picture(self, file, width, dark):
        """The whole page."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.look(width, dark, min(max(height, 500), 5000))
        self.driver.save_screenshot(str(file))
        self.look(width, dark)
