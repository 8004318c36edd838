"""The console test: what an admin does on the first day, from the sign-in to the revocation of the token."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from browser import Failure
from identity_provider import IdentityProvider
from product import ProductStory

ANA, BEN, MALLORY, CLEO = "ana@example.com", "ben@example.com", "mallory@example.com", "cleo@example.com"
TEAM = "Data team"
# A name that runs a script if a page does not escape it. U+0600 forms a grapheme cluster with the next character, so code that escapes
# grapheme clusters instead of code points misses the "<".
MARKUP = "\u0600<img src=x onerror=\"document.title='injected'\">"


class Story:
    def __init__(self, environment, workspace):
        self.scim_url = environment["ROLLCALL_SCIM_URL"]
        console = urlsplit(environment["ROLLCALL_CONSOLE_URL"])
        self.origin = f"{console.scheme}://{console.netloc}"
        self.scimctl_path = environment["ROLLCALL_SCIMCTL"]
        self.mail = Path(environment["ROLLCALL_MAIL_DIR"])
        self.workspace = workspace
        self.found = {}
        self.product = ProductStory(self)

    def step(self, text):
        print(text, flush=True)

    def scimctl(self, *arguments):
        """Runs scimctl for the workspace of this test and returns its output."""
        workspace = [] if arguments[0] == "workspace" else ["--workspace", self.workspace]
        done = subprocess.run([self.scimctl_path, *arguments, *workspace], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"scimctl {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def mails_to(self, address):
        """Returns the number of invitations to this workspace that were sent to `address`."""
        mails = (file.read_bytes() for file in (self.mail / "new").glob("*"))
        return sum(1 for mail in mails if address.encode() in mail and self.title.encode() in mail)

    @property
    def title(self):
        """The name of the workspace, which is unique to this run, so that it identifies its mails."""
        return f"Console {self.workspace.removeprefix('console-')}"

    def run(self, browser):
        subprocess.run(
            [self.scimctl_path, "workspace", "create", self.workspace, "--name", self.title, "--plan", "enterprise", "--saml-sso", "--scim",
             "--sign-in-url", f"{self.origin}/sign-in"],
            check=True, stdout=subprocess.DEVNULL)
        self.sign_in(browser)
        self.create_token(browser)
        self.push(browser)
        self.show_invited(browser)
        self.resend(browser)
        self.sign_ana_in(browser)
        self.replay_failed_push(browser)
        self.hold_change(browser)
        self.product.run(browser)

    def sign_in(self, browser):
        self.step("A one-time link signs in, once")
        browser.open("/console/members")
        browser.expect_text("Sign in")
        link = re.search(r"https?://\S+", self.scimctl("console", "link", "--for", "ana admin")).group()
        browser.open(self.origin + link[link.index("/console/"):])
        browser.expect_text(f"Sign in to {self.title}")
        browser.click("Sign in")
        browser.expect_text("Members", "ana admin")
        cookies = {cookie["name"]: cookie for cookie in browser.driver.get_cookies()}
        session = next(cookie for name, cookie in cookies.items() if "session" in name)
        if not session["httpOnly"] or session["sameSite"] not in ("Lax", "Strict"):
            raise Failure(f"the session cookie has wrong attributes: {session}")
        browser.open(self.origin + link[link.index("/console/"):])
        if "This link is not valid" not in browser.wait("a page", lambda: browser.text):
            browser.click("Sign in")
            browser.expect_text("This link is not valid")
        browser.open("/console/members")
        browser.expect_text("Members")

    def create_token(self, browser):
        self.step("A token is created, and shown once")
        browser.click("Settings › API")
        browser.click("New token")
        browser.fill("Name", "Okta")
        browser.check("scim")
        browser.click("Create token")
        shown = browser.wait("the token", lambda: re.search(r"rollcall_[\w-]{60,}", browser.text))
        self.identity_provider = IdentityProvider(self.scim_url, shown.group())
        browser.open("/console/settings/api")
        browser.expect_text("Okta")
        browser.expect_no_text(shown.group())
        browser.click("Okta")
        browser.expect_text("Revoke")
        self.found["token"] = browser.path

    def push(self, browser):
        self.step("The identity provider connects, and pushes users and groups")
        browser.open("/console/settings/scim")
        browser.expect_text("Waiting for the first request")
        self.expect(200, "GET", "/Users?startIndex=1&count=1")
        # The page updates itself.
        browser.expect_text("Received:", "Okta")
        users = [self.pushed(ANA, "Ana", "Silva"), self.pushed(BEN, "Ben", "Okoro"), self.pushed(MALLORY, MARKUP, "O'Hara & \"Sons\"")]
        self.found["member"] = users[0]["id"]
        status, group = self.identity_provider.push_group(TEAM, users)
        if status != 201:
            raise Failure(f"POST /Groups returned {status}: {group}")
        self.found["group"] = group["id"]
        status, group = self.identity_provider.push_group(f"{MARKUP} group", users[:1])
        if status != 201:
            raise Failure(f"POST /Groups with markup in the name returned {status}: {group}")

    def pushed(self, email, given, family):
        status, user = self.identity_provider.push_user(email, given, family)
        if status != 201:
            raise Failure(f"POST /Users for {email} returned {status}: {user}")
        return user

    def expect(self, status, method, path, body=None):
        actual, response = self.identity_provider.call(method, path, body)
        if actual != status:
            raise Failure(f"{method} {path} returned {actual}: {response}")
        return response

    def show_invited(self, browser):
        self.step("The users are invited, not active, and pending members of the group")
        browser.open("/console/members")
        browser.expect_no_text(ANA, BEN)
        browser.click("Invited")
        browser.expect_text(ANA, BEN, MARKUP)
        browser.open("/console/groups")
        browser.expect_text(f"{MARKUP} group")
        browser.click(TEAM)
        browser.open(f"/console/groups/{self.found['group']}?state=pending")
        browser.reload_until("pending members", lambda: "Ana Silva" in browser.text and "first sign-in" in browser.text)
        if browser.driver.title == "injected":
            raise Failure("a script in a name was executed")

    def resend(self, browser):
        self.step("An invitation is sent again")
        browser.wait("the first invitation", lambda: self.mails_to(ANA) == 1)
        browser.open("/console/members?state=invited")
        browser.click("Resend", within=browser.row(ANA))
        browser.wait("the second invitation", lambda: self.mails_to(ANA) == 2)

    def sign_ana_in(self, browser):
        self.step("The first sign-in activates the user and makes the membership visible")
        self.scimctl("sign-in", ANA)
        browser.open("/console/members")
        browser.reload_until("Ana under Active", lambda: ANA in browser.text)
        browser.expect_no_text(BEN)
        browser.open(f"/console/groups/{self.found['group']}?state=visible")
        browser.reload_until("Ana under Visible", lambda: "Ana Silva" in browser.text)
        browser.expect_no_text("Ben Okoro")
        browser.open(f"/console/members/{self.found['member']}")
        browser.expect_text("Ana Silva", TEAM, "Timeline")

    def replay_failed_push(self, browser):
        self.step("A push fails, its page shows the reason, and it is sent again after the fix")
        status, error = self.identity_provider.push_user(CLEO, "Cleo", "Marsh", secodaRole="designer")
        if status != 400:
            raise Failure(f"an unknown role returned {status}: {error}")
        browser.open("/console/provisioning?failed=1")
        browser.reload_until("the failed push", lambda: CLEO in browser.text)
        browser.click(CLEO, within=browser.row(CLEO))
        browser.expect_text("designer", "400")
        self.found["entry"] = browser.path
        self.scimctl("workspace", "role", "add", self.workspace, "designer")
        browser.click("Send again")
        browser.confirm()
        browser.expect_text("201 Done")
        self.expect_user(CLEO)

    def expect_user(self, email):
        found = self.expect(200, "GET", f"/Users?filter=userName%20eq%20%22{email}%22")
        if found["totalResults"] != 1:
            raise Failure(f"{found['totalResults']} users have the name {email}")

    def hold_change(self, browser):
        self.step("A change that empties a group waits for approval")
        self.scimctl("workspace", "guard", "set", self.workspace, "--shrink", "50", "--from-members", "2", "--notify", "it@example.com")
        self.expect(200, "PUT", f"/Groups/{self.found['group']}", {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": TEAM, "members": []})
        browser.open("/console/provisioning/held")
        browser.reload_until("the held change", lambda: TEAM in browser.text)

    def pages(self):
        """Returns the paths of all pages for a signed-in admin by name."""
        return {
            "members-active": "/console/members", "members-invited": "/console/members?state=invited",
            "members-disabled": "/console/members?state=disabled", "member": f"/console/members/{self.found['member']}",
            "groups": "/console/groups", "group": f"/console/groups/{self.found['group']}?state=pending",
            "settings-api": "/console/settings/api", "token": self.found["token"], "token-new": "/console/settings/api/new",
            "settings-scim": "/console/settings/scim", "provisioning": "/console/provisioning",
            "entry": self.found["entry"], "health": "/console/provisioning/health", "drift": "/console/provisioning/drift",
            "held": "/console/provisioning/held", "audit": "/console/audit", "not-found": "/console/members/none",
            **self.product.pages(),
        }

    def public_pages(self):
        """Returns the paths of the pages that do not need a sign-in."""
        return {"sign-in": "/console/sign-in", "link": "/console/link"}

    def end(self, browser):
        self.product.end(browser)
        self.step("The change is rejected, the token revoked, and the session ended")
        browser.open("/console/provisioning/held")
        browser.click("Reject")
        browser.confirm()
        browser.wait("no held change", lambda: not browser.find("button", "Reject"))
        browser.open("/console/settings/api")
        browser.click("Okta")
        browser.click("Revoke Okta")
        browser.confirm()
        browser.expect_text("Okta", "revoked")
        browser.wait("401 for the token", lambda: self.identity_provider.call("GET", "/Users?count=0")[0] == 401)
        browser.click("Sign out")
        browser.open("/console/members")
        browser.expect_text("Access token")
