"""console  goes through the admin's story in Chromium against a running suite, checks every page's accessibility, and takes pictures.

usage: console [--pictures DIRECTORY]

Settings in the environment, as rollcall.env has them: ROLLCALL_SCIM_URL, ROLLCALL_CONSOLE_URL, ROLLCALL_SCIMCTL, ROLLCALL_MAIL_DIR. The
workspace is one of its own.
"""

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

from browser import Browser, Fault
from pages import look_at
from story import Story


def main():
    parser = argparse.ArgumentParser(prog="console")
    parser.add_argument("--pictures", type=Path, help="where pictures of every page are put, by day and by night, wide and narrow")
    options = parser.parse_args()
    # A name that no other run has: who runs this twice finds an empty workspace twice.
    story = Story(os.environ, f"console-{int(time.time())}")
    browser = Browser(story.origin)
    try:
        story.tell(browser)
        look_at(browser, story.pages(), options.pictures)
        story.end(browser)
        look_at(browser, story.open_pages(), options.pictures)
        if complaints := browser.complaints():
            raise Fault("the browser complained:\n" + "\n".join(complaints))
    except Exception as error:
        (print if isinstance(error, Fault) else traceback.print_exception)(error, file=sys.stderr)
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            browser.driver.save_screenshot(str(options.pictures / "failure.png"))
        return 1
    finally:
        browser.close()
    return 0


sys.exit(main())
