"""The part of the console test about the product: its accounts, the access to the workspace, and webhooks."""

import json
import time
import urllib.request

from browser import Failure
from receiver import Receiver

DORA, ERIN = "dora@example.com", "erin@example.com"
# An address that is too long for one line of a narrow screen.
LONG = "a-person-with-a-very-long-name-that-does-not-fit-on-a-narrow-screen@department-of-long-names.example.com"
ACCOUNTS = [
    {"id": "4711", "email": DORA}, {"id": "4712", "email": LONG, "externalId": "00u1a2b3c4d5e6f7", "state": "disabled"},
    *({"id": f"5{number:03}", "email": f"person-{number}@example.com"} for number in range(60)),
]


class ProductStory:
    """What an admin sees of the product: existing accounts, the policies for access, and webhooks."""

    def __init__(self, story):
        self.story = story
        self.receiver = Receiver()

    def run(self, browser):
        self.set_access(browser)
        self.import_accounts(browser)
        self.create_webhook(browser)
        self.fail_deliveries(browser)

    def set_access(self, browser):
        self.story.step("A mail domain is added, and the policies for access are changed")
        browser.open("/console/settings/access")
        browser.expect_text("There are no mail domains")
        browser.fill("Domain", "not a domain")
        browser.click("Add domain")
        browser.expect_text("is not a domain such as example.com")
        browser.fill("Domain", "acme-corporation.example")
        browser.click("Add domain")
        browser.expect_text("_rollcall-challenge.acme-corporation.example", "rollcall-verification=")
        browser.click("Verify acme-corporation.example")
        browser.wait(
            "the reason why the domain is not verified",
            lambda: "Nothing was changed" in browser.text and "not verified" in browser.text)
        browser.check("Reject them The identity provider gets an error that lists")
        browser.click("Save the policy for other domains")
        browser.expect_text("has no verified domain")
        browser.open("/console/settings/access")
        browser.check("Ask an admin")
        browser.click("Save the policy for existing accounts")
        browser.expect_text("The policy for existing accounts is changed")
        browser.check("Hold changes of the last administrator")
        browser.fill("Address for notices", "it@example.com")
        browser.click("Save the rule for the last administrator")
        browser.expect_text("The rule for the last admin is changed")

    def import_accounts(self, browser):
        self.story.step("The product imports accounts, and a person who may be the owner of one waits for a decision")
        token = self.story.scimctl("token", "issue", "--name", "Product", "--scope", "admin")
        lines = "\n".join(json.dumps(account) for account in ACCOUNTS)
        started = self.send(token, "POST", "accounts", lines)
        deadline = time.monotonic() + 60
        while (status := self.send(token, "GET", f"accounts/imports/{started['id']}")["status"]) != "done":
            if status == "failed" or time.monotonic() > deadline:
                raise Failure(f"the import of accounts is {status}")
            time.sleep(0.2)
        self.story.pushed(DORA, "Dora", "Nagy")
        browser.open("/console/accounts")
        browser.expect_text("Who is it?", "Dora Nagy", "4711", "Both have the same address", LONG)
        browser.click("Link to another account")
        browser.fill("The product's id of the account", "9999")
        browser.click("to that account")
        browser.expect_text("has no imported account '9999'")

    def send(self, token, method, path, lines=None):
        """Sends a request to the management API. Returns the parsed body."""
        request = urllib.request.Request(
            f"{self.story.origin}/api/v2/admin/workspaces/{self.story.workspace}/{path}", method=method,
            data=None if lines is None else lines.encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())

    def create_webhook(self, browser):
        self.story.step("A webhook endpoint is created, its secret shown once, and a test event arrives")
        browser.open("/console/settings/webhooks")
        browser.expect_text("No endpoints yet")
        browser.click("New endpoint")
        browser.fill("Description", "Directory of the product")
        browser.click("Create endpoint")
        browser.expect_text("Enter the URL")
        browser.fill("URL", self.receiver.url)
        browser.click("Create endpoint")
        browser.expect_text("whsec_", "Copy the secret now")
        browser.click("Done")
        browser.expect_text("Directory of the product", "Queue", "No deliveries")
        browser.expect_no_text("whsec_")
        self.story.found["webhook"] = browser.path
        browser.click("Send a test event")
        # The page updates itself.
        browser.expect_text("webhook.test", "200")
        browser.wait("the test event", lambda: self.receiver.accepted("webhook.test"))
        browser.click("webhook.test", within=browser.row("webhook.test"))
        browser.expect_text("Request", "webhook-id", "Response", "thanks")

    def fail_deliveries(self, browser):
        self.story.step("The product rejects an event, and the page says at which event delivery is stuck")
        self.receiver.accepts = False
        self.story.pushed(ERIN, "Erin", "Walsh")
        browser.wait("the rejected event", lambda: self.receiver.rejected("member.invited"))
        browser.open(self.story.found["webhook"])
        browser.reload_until("the failure", lambda: "Failing" in browser.text and "Skip the event" in browser.text)
        browser.expect_text("Failed attempts", "Next attempt", "503")
        browser.click("member.invited", within=browser.row("503"))
        browser.expect_text("being maintained", "webhook-timestamp", ERIN)
        self.story.found["delivery"] = browser.path

    def pages(self):
        """Returns the paths of the pages by name."""
        webhook = self.story.found["webhook"]
        return {
            "settings-access": "/console/settings/access", "accounts": "/console/accounts", "accounts-linked": "/console/accounts?show=linked",
            "webhooks": "/console/settings/webhooks", "webhook-new": "/console/settings/webhooks/new", "webhook": webhook,
            "webhook-edit": f"{webhook}/edit", "webhook-deliveries": f"{webhook}/deliveries?failed=1",
            "webhook-delivery": self.story.found["delivery"],
        }

    def end(self, browser):
        self.story.step("The person is linked to the account, and the stuck event is skipped")
        browser.open("/console/accounts")
        browser.click("to this account")
        browser.confirm()
        browser.expect_text("Dora Nagy is linked to the account 4711")
        browser.open("/console/accounts?show=linked")
        browser.expect_text("4711")
        browser.open(self.story.found["webhook"])
        browser.click("Skip the event")
        browser.confirm()
        browser.expect_text("is skipped")
        self.receiver.accepts = True
        browser.reload_until("the end of the failure", lambda: "Enabled" in browser.text and "Skipped" in browser.text)
        browser.click("Disable the endpoint")
        browser.confirm()
        browser.expect_text("Disabled by")
        browser.click("Enable the endpoint")
        browser.expect_text("The endpoint is enabled")
        browser.click("Delete the endpoint")
        browser.confirm()
        browser.expect_text("No endpoints yet")
        self.receiver.close()
