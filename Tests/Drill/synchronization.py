"""A full cycle of an identity provider, and of the product: they compare what they have with the suite, and send what is missing."""

import provisioning


def synchronize(provider, database, ledger):
    """Repairs every user and group of the ledger. Returns the number of resources that were sent again, and of sign-ins."""
    sent = sum([synchronize_user(provider, user) for user in ledger.users])
    sent += sum([synchronize_group(provider, group) for group in ledger.groups])
    invited = {row["id"] for row in database.rows("select id from identity.users where state = 'invited'")}
    again = [user for user in ledger.users if user.signed_in and user.active and user.id in invited]
    for user in again:
        provisioning.sign_in(provider, user)
    return sent, len(again)


def synchronize_user(provider, user):
    """Returns whether the user was sent again. Also assigns a user that the disaster came before."""
    found = provider.find("Users", "userName", user.name)
    user.is_in_doubt = False
    if user.is_deleted:
        if found:
            provider.send("DELETE", f"/Users/{found['id']}")
        return bool(found)
    if not found:
        recreate(provider, user)
        return True
    user.id = found["id"]
    if (found.get("title"), found["active"]) == (user.title, user.active):
        return False
    if found["active"] != user.active:
        user.reactivations += user.active
        user.deactivations += not user.active
    body = {name: value for name, value in found.items() if name != "title"} | {"active": user.active}
    provider.send("PUT", f"/Users/{user.id}", body | ({"title": user.title} if user.title else {}))
    return True


def recreate(provider, user):
    """Assigns a user whose record is lost as a new one."""
    is_active = user.active
    user.title, user.active, user.deactivations, user.reactivations = None, True, 0, 0
    provisioning.assign(provider, user)
    if not is_active:
        provisioning.unassign(provider, user)


def synchronize_group(provider, group):
    """Returns whether the group was sent again. Users come first."""
    found = None
    if group.id:
        response = provider.send("GET", f"/Groups/{group.id}", expected=(200, 404))
        found = response.json if response.status == 200 else None
    found = found or find_group(provider, group.name)
    group.is_in_doubt = False
    if group.is_deleted:
        if found:
            provider.send("DELETE", f"/Groups/{found['id']}")
        return bool(found)
    created = not found
    if created:
        body = {"schemas": [provisioning.GROUP_SCHEMA], "displayName": group.name, "members": []}
        found = provider.create("Groups", "displayName", group.name, body)
    group.id = found["id"]
    members = {member["value"] for member in found.get("members", [])}
    if found["displayName"] == group.name and members == group.member_ids:
        return created
    users = [user for user in group.members if user.exists]
    body = {"schemas": [provisioning.GROUP_SCHEMA], "id": group.id, "displayName": group.name, "members": provisioning.members(users)}
    provider.send("PUT", f"/Groups/{group.id}", body)
    return True


def find_group(provider, name):
    """The group with its members, or None."""
    found = provider.find("Groups", "displayName", name)
    return provider.send("GET", f"/Groups/{found['id']}").json if found else None
