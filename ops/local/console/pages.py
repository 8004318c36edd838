"""Every page of the console, looked at as a laptop and a phone show it, by day and by night."""

from browser import Fault

LOOKS = [(1280, False), (1280, True), (390, False), (390, True)]


def look_at(browser, pages, pictures):
    """Fails where axe-core finds fault with one of `pages`, paths by name, or one is wider than the window."""
    faults = []
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    for name, path in pages.items():
        for width, dark in LOOKS:
            browser.look(width, dark)
            browser.open(path)
            if (found := browser.path) != path:
                raise Fault(f"{path} led to {found}")
            look = f"{width}-{'dark' if dark else 'light'}"
            faults += [f"{path} ({look}): {violation}" for violation in browser.violations()]
            if (pixels := browser.overflow()) > 0:
                faults.append(f"{path} ({look}): {pixels} px wider than the window")
            if pictures:
                browser.picture(pictures / f"{name}-{look}.png", width, dark)
    browser.look(1280)
    print(f"{len(pages)} pages, {len(LOOKS)} looks each: {len(faults)} faults")
    if faults:
        raise Fault("\n".join(faults))
