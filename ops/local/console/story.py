"""What an admin does in the console on the first day, from the sign-in to the end of the token."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from browser import Fault
from identity_provider import IdentityProvider

ANA, BEN, MALLORY, CLEO = "ana@example.com", "ben@example.com", "mallory@example.com", "cleo@example.com"
TEAM = "Data team"
# Names that would be more than names where somebody forgot to escape them, or escapes what people take for characters: U+0600 is one with
# what follows it, and not for a browser.
TRAP = "\u0600<img src=x onerror=\"document.title='trapped'\">"


class Story:
    def __init__(self, environment, workspace):
        self.scim_url = environment["ROLLCALL_SCIM_URL"]
        console = urlsplit(environment["ROLLCALL_CONSOLE_URL"])
        self.origin = f"{console.scheme}://{console.netloc}"
        self.scimctl_path = environment["ROLLCALL_SCIMCTL"]
        self.mail = Path(environment["ROLLCALL_MAIL_DIR"])
        self.workspace = workspace
        self.found = {}

    def step(self, words):
        print(words, flush=True)

    def scimctl(self, *arguments):
        """What the operator's command prints, of the story's workspace."""
        of = [] if arguments[0] == "workspace" else ["--workspace", self.workspace]
        done = subprocess.run([self.scimctl_path, *arguments, *of], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Fault(f"scimctl {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def mails_to(self, address):
        """How many mails to `address` there are that invite to this workspace."""
        mails = (file.read_bytes() for file in (self.mail / "new").glob("*"))
        return sum(1 for mail in mails if address.encode() in mail and self.title.encode() in mail)

    @property
    def title(self):
        """What the workspace is called; other suites' mails, and other runs', do not name it."""
        return f"Console {self.workspace.removeprefix('console-')}"

    def tell(self, browser):
        subprocess.run(
            [self.scimctl_path, "workspace", "create", self.workspace, "--name", self.title, "--plan", "enterprise", "--saml-sso", "--scim",
             "--sign-in-url", f"{self.origin}/sign-in"],
            check=True, stdout=subprocess.DEVNULL)
        self.sign_in(browser)
        self.make_token(browser)
        self.push(browser)
        self.see_invited(browser)
        self.resend(browser)
        self.sign_ana_in(browser)
        self.mend_a_push(browser)
        self.hold_a_change(browser)

    def sign_in(self, browser):
        self.step("A one-time link signs in, once")
        browser.open("/console/members")
        browser.says("Sign in")
        link = re.search(r"https?://\S+", self.scimctl("console", "link", "--for", "ana admin")).group()
        browser.open(self.origin + link[link.index("/console/"):])
        browser.says(f"Sign in to {self.title}")
        browser.press("Sign in")
        browser.says("Members", "ana admin")
        cookies = {cookie["name"]: cookie for cookie in browser.driver.get_cookies()}
        session = next(cookie for name, cookie in cookies.items() if "session" in name)
        if not session["httpOnly"] or session["sameSite"] not in ("Lax", "Strict"):
            raise Fault(f"the session's cookie is {session}")
        browser.open(self.origin + link[link.index("/console/"):])
        if "This link does not sign you in" not in browser.text:
            browser.press("Sign in")
            browser.says("This link does not sign you in")
        browser.open("/console/members")
        browser.says("Members")

    def make_token(self, browser):
        self.step("A token is made, and shown once")
        browser.press("Settings › API")
        browser.press("New token")
        browser.fill("Name", "Okta")
        browser.choose("scim")
        browser.press("Make it")
        shown = browser.wait("the token", lambda: re.search(r"rollcall_[\w-]{60,}", browser.text))
        self.identity_provider = IdentityProvider(self.scim_url, shown.group())
        browser.open("/console/settings/api")
        browser.says("Okta")
        browser.says_not(shown.group())
        browser.press("Okta")
        browser.says("Revoke")
        self.found["token"] = browser.path

    def push(self, browser):
        self.step("The identity provider connects, and pushes people and a group")
        browser.open("/console/settings/scim")
        browser.says("Waiting for the first call")
        self.expect(200, "GET", "/Users?startIndex=1&count=1")
        # The page says it by itself.
        browser.says("Received:", "Okta")
        people = [self.pushed(ANA, "Ana", "Silva"), self.pushed(BEN, "Ben", "Okoro"), self.pushed(MALLORY, TRAP, "O'Hara & \"Sons\"")]
        self.found["member"] = people[0]["id"]
        status, group = self.identity_provider.push_group(TEAM, people)
        if status != 201:
            raise Fault(f"the group was answered {status}: {group}")
        self.found["group"] = group["id"]
        status, trap = self.identity_provider.push_group(f"{TRAP} group", people[:1])
        if status != 201:
            raise Fault(f"the group with markup in its name was answered {status}: {trap}")

    def pushed(self, email, given, family):
        status, person = self.identity_provider.push_user(email, given, family)
        if status != 201:
            raise Fault(f"{email} was answered {status}: {person}")
        return person

    def expect(self, status, method, path, body=None):
        answered, answer = self.identity_provider.call(method, path, body)
        if answered != status:
            raise Fault(f"{method} {path} was answered {answered}: {answer}")
        return answer

    def see_invited(self, browser):
        self.step("They are under Invited and not under Active; the group has them pending")
        browser.open("/console/members")
        browser.says_not(ANA, BEN)
        browser.press("Invited")
        browser.says(ANA, BEN, TRAP)
        browser.open("/console/groups")
        browser.says(f"{TRAP} group")
        browser.press(TEAM)
        browser.open(f"/console/groups/{self.found['group']}?state=pending")
        browser.reload_until("pending members", lambda: "Ana Silva" in browser.text and "first sign-in" in browser.text)
        if browser.driver.title == "trapped":
            raise Fault("markup in a name was carried out")

    def resend(self, browser):
        self.step("An invitation is sent again")
        browser.wait("the first invitation", lambda: self.mails_to(ANA) == 1)
        browser.open("/console/members?state=invited")
        browser.press("Resend", within=browser.row(ANA))
        browser.wait("the second invitation", lambda: self.mails_to(ANA) == 2)

    def sign_ana_in(self, browser):
        self.step("The first sign-in makes active and visible")
        self.scimctl("sign-in", ANA)
        browser.open("/console/members")
        browser.reload_until("Ana among the active", lambda: ANA in browser.text)
        browser.says_not(BEN)
        browser.open(f"/console/groups/{self.found['group']}?state=visible")
        browser.reload_until("Ana among the visible", lambda: "Ana Silva" in browser.text)
        browser.says_not("Ben Okoro")
        browser.open(f"/console/members/{self.found['member']}")
        browser.says("Ana Silva", TEAM, "What happened")

    def mend_a_push(self, browser):
        self.step("A push fails; its page says why; mended, it is sent again")
        status, error = self.identity_provider.push_user(CLEO, "Cleo", "Marsh", secodaRole="designer")
        if status != 400:
            raise Fault(f"a role that is none was answered {status}: {error}")
        browser.open("/console/provisioning?failed=1")
        browser.reload_until("the failed push", lambda: CLEO in browser.text)
        browser.press(CLEO, within=browser.row(CLEO))
        browser.says("designer", "400")
        self.found["entry"] = browser.path
        self.scimctl("workspace", "role", "add", self.workspace, "designer")
        browser.press("Send it again")
        browser.confirm()
        browser.says("201 Done")
        self.expect_person(CLEO)

    def expect_person(self, email):
        found = self.expect(200, "GET", f"/Users?filter=userName%20eq%20%22{email}%22")
        if found["totalResults"] != 1:
            raise Fault(f"{email} was found {found['totalResults']} times")

    def hold_a_change(self, browser):
        self.step("A change that empties a group waits for approval")
        self.scimctl("workspace", "guard", "set", self.workspace, "--shrink", "50", "--from-members", "2", "--notify", "it@example.com")
        self.expect(200, "PUT", f"/Groups/{self.found['group']}", {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": TEAM, "members": []})
        browser.open("/console/provisioning/held")
        browser.reload_until("the change that is held", lambda: TEAM in browser.text)

    def pages(self):
        """The name and the path of every page that there is to look at."""
        return {
            "members-active": "/console/members", "members-invited": "/console/members?state=invited",
            "members-disabled": "/console/members?state=disabled", "member": f"/console/members/{self.found['member']}",
            "groups": "/console/groups", "group": f"/console/groups/{self.found['group']}?state=pending",
            "settings-api": "/console/settings/api", "token": self.found["token"], "token-new": "/console/settings/api/new",
            "settings-scim": "/console/settings/scim", "provisioning": "/console/provisioning",
            "entry": self.found["entry"], "health": "/console/provisioning/health", "drift": "/console/provisioning/drift",
            "held": "/console/provisioning/held", "audit": "/console/audit", "not-found": "/console/members/none",
        }

    def open_pages(self):
        """Those that are shown to whoever has not signed in."""
        return {"sign-in": "/console/sign-in", "link": "/console/link"}

    def end(self, browser):
        self.step("The change is rejected, the token revoked, the session ended")
        browser.open("/console/provisioning/held")
        browser.press("Reject")
        browser.confirm()
        browser.wait("nothing that waits", lambda: not browser._shown("button", "Reject"))
        browser.open("/console/settings/api")
        browser.press("Okta")
        browser.press("Revoke Okta")
        browser.confirm()
        browser.says("Okta", "revoked")
        browser.wait("401 for the token", lambda: self.identity_provider.call("GET", "/Users?count=0")[0] == 401)
        browser.press("Sign out")
        browser.open("/console/members")
        browser.says("Access token")
