"""Tests the console in Chromium against a running suite: an admin's first day, and the accessibility and layout of every page.

usage: console [--pictures DIRECTORY]

Environment: the variables of rollcall.env. Creates a workspace for each run.
"""

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

from browser import Browser, Failure
from pages import check_pages
from story import Story


def main():
    parser = argparse.ArgumentParser(prog="console")
    parser.add_argument("--pictures", type=Path, help="where to save screenshots of every page, light and dark, wide and narrow")
    options = parser.parse_args()
    # A unique name, so that each run has an empty workspace.
    story = Story(os.environ, f"console-{int(time.time())}")
    browser = Browser(story.origin)
    try:
        story.run(browser)
        check_pages(browser, story.pages(), options.pictures)
        story.end(browser)
        check_pages(browser, story.public_pages(), options.pictures)
        if errors := browser.console_errors():
            raise Failure("the browser logged errors:\n" + "\n".join(errors))
    except Exception as error:
        (print if isinstance(error, Failure) else traceback.print_exception)(error, file=sys.stderr)
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            browser.driver.save_screenshot(str(options.pictures / "failure.png"))
        return 1
    finally:
        browser.close()
    return 0


sys.exit(main())
