"""Checks the accessibility and layout of console pages on wide and narrow screens, light and dark."""

from browser import Failure

VIEWPORTS = [(1280, False), (1280, True), (390, False), (390, True)]


def check_pages(browser, pages, pictures):
    """Checks pages (paths by name), and saves screenshots in `pictures` if given. Raises Failure if a page has an accessibility violation or is
    wider than the window."""
    problems = []
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    for name, path in pages.items():
        for width, dark in VIEWPORTS:
            browser.set_viewport(width, dark)
            browser.open(path)
            if (found := browser.path) != path:
                raise Failure(f"{path} redirected to {found}")
            viewport = f"{width}-{'dark' if dark else 'light'}"
            problems += [f"{path} ({viewport}): {violation}" for violation in browser.violations()]
            if (pixels := browser.overflow()) > 0:
                problems.append(f"{path} ({viewport}): {pixels} px wider than the window")
            if pictures:
                browser.screenshot(pictures / f"{name}-{viewport}.png", width, dark)
    browser.set_viewport(1280)
    print(f"{len(pages)} pages, {len(VIEWPORTS)} viewports each: {len(problems)} problems")
    if problems:
        raise Failure("\n".join(problems))
