"""A headless Chromium that finds elements by their labels and texts, as a person does."""

import importlib.util
import json
import shutil
import time
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

TIMEOUT = 30
# The rules of WCAG 2.0 to 2.2 at levels A and AA, and best practices.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Failure(Exception):
    """A page that does not look or behave as expected."""


def axe_source():
    folder = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
    return (Path(folder) / "axe.min.js").read_text(encoding="utf-8")


class Browser:
    def __init__(self, origin):
        self.origin = origin
        options = Options()
        options.binary_location = shutil.which("chromium")
        # Without the sandbox, because the tests may run as root. The browser opens only pages of the suite.
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.axe = axe_source()
        self.set_viewport(1280)

    def close(self):
        self.driver.quit()

    def set_viewport(self, width, dark=False, height=900):
        """Sets the size of the window and the color scheme."""
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
        """The visible text of the page. Raises NoSuchElementException while the page has no body."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait(self, name, condition, timeout=TIMEOUT):
        """Waits until `condition()` returns a true value, and returns it. Raises Failure after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                if result := condition():
                    return result
            except (NoSuchElementException, StaleElementReferenceException):
                # The page is being replaced; it may have no body yet.
                pass
            if time.monotonic() > deadline:
                raise Failure(f"{name}: timed out after {timeout} s at {self.path}, which shows:\n{self.text[:3000]}")
            time.sleep(0.1)

    def expect_text(self, *texts):
        for text in texts:
            self.wait(f"the text '{text}'", lambda text=text: text in self.text)

    def expect_no_text(self, *texts):
        for text in texts:
            if text in self.wait("a page", lambda: self.text):
                raise Failure(f"unexpected text '{text}' at {self.path}, which shows:\n{self.text[:3000]}")

    def reload_until(self, name, condition, timeout=TIMEOUT):
        """Reloads the page until `condition()` returns a true value, and returns it."""

        def reload():
            if result := condition():
                return result
            time.sleep(0.3)
            self.driver.refresh()
            return condition()

        return self.wait(name, reload, timeout)

    def find(self, selector, text, within=None):
        """Returns the visible element whose accessible name contains `text`, or None. Of several, the one with the shortest name."""
        found = []
        for element in (within or self.driver).find_elements(By.CSS_SELECTOR, selector):
            name = element.accessible_name or element.text
            if element.is_displayed() and text in " ".join(name.split()):
                found.append((len(name), element))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def click(self, text, within=None):
        """Clicks the button or link whose name contains `text`."""
        element = self.wait(f"a button or link '{text}'", lambda: self.find("button, a, summary", text, within))
        element.click()

    def fill(self, label, value):
        """Fills in the field with a label."""
        field = self.wait(f"a field '{label}'", lambda: self.find("input, textarea", label))
        field.clear()
        field.send_keys(value)

    def check(self, label, on=True):
        """Checks or unchecks the box with a label."""
        box = self.wait(f"a box '{label}'", lambda: self.find("input[type=checkbox], input[type=radio]", label))
        if box.is_selected() != on:
            box.click()

    def row(self, text):
        """Returns the table row that contains `text`."""

        def find():
            rows = self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")
            return next((row for row in rows if text in row.text), None)

        return self.wait(f"a row with '{text}'", find)

    def confirm(self):
        """Clicks the first button of the dialog."""
        dialog = self.wait("a dialog", lambda: self.find("dialog", ""))
        dialog.find_element(By.CSS_SELECTOR, "button").click()

    def console_errors(self):
        """Returns the errors in the log of the browser, such as script errors and violations of the content security policy. Without HTTP errors."""
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE" and entry["source"] != "network"]

    def violations(self):
        """Returns the accessibility violations that axe-core finds, one line each."""
        try:
            self.driver.execute_script(self.axe)
        except JavascriptException as error:
            raise Failure(f"axe-core failed to load at {self.path}: {error}") from error
        result = self.driver.execute_async_script(
            "const done = arguments[1]; axe.run(document, arguments[0]).then(done, error => done({error: String(error)}));", RULES)
        if "error" in result:
            raise Failure(f"axe-core failed at {self.path}: {result['error']}")
        if not result["passes"]:
            raise Failure(f"axe-core checked nothing at {self.path}")
        return [
            f"{found['impact']}: {found['help']} ({found['id']}): " + json.dumps([node["html"][:160] for node in found["nodes"][:3]])
            for found in result["violations"]
        ]

    def overflow(self):
        """Returns the number of pixels by which the page is wider than the window."""
        return self.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")

    def screenshot(self, file, width, dark):
        """Saves a screenshot of the whole page."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.set_viewport(width, dark, min(max(height, 500), 5000))
        self.driver.save_screenshot(str(file))
        self.set_viewport(width, dark)
