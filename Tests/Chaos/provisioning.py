"""The writes of an identity provider, as Okta sends them. Writes to one resource are sequential."""

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

# Okta sends at most this many members per request.
CHUNK = 100


def assign(provider, user):
    """Assigns a user, and updates the profile at once if so planned."""
    body = {
        "schemas": [USER_SCHEMA],
        "userName": user.name,
        "name": {"givenName": "User", "familyName": str(user.number)},
        "emails": [{"primary": True, "value": user.name, "type": "work"}],
        "displayName": user.display_name,
        "locale": "en-US",
        "externalId": f"00u{user.number}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    with user.writing():
        user.id = provider.create("Users", "userName", user.name, body)["id"]
    if user.is_updated:
        update(provider, user)


def update(provider, user):
    """Updates the profile: sends the result of a GET back with a changed title. Records a stale read if the GET missed a write."""
    if not user.exists:
        return
    resource = provider.send("GET", f"/Users/{user.id}").json
    found, expected = (resource.get("title"), resource["active"]), (user.title, user.active)
    if found != expected:
        provider.counts.record("stale_reads", f"{user.name}: found {found}, expected {expected}")
    title = f"Title {int((user.title or 'Title 0').split()[1]) + 1}"
    with user.writing():
        provider.send("PUT", f"/Users/{user.id}", {**resource, "title": title})
        user.title = title


def set_active(provider, user, active):
    with user.writing():
        provider.send("PATCH", f"/Users/{user.id}", patch({"op": "replace", "value": {"active": active}}))
        user.active = active
        if active:
            user.reactivations += 1


def unassign(provider, user):
    if user.exists:
        user.deactivations += 1
        set_active(provider, user, False)


def reassign(provider, user):
    if user.exists and not user.active:
        set_active(provider, user, True)


def change_again(provider, user):
    """Makes a further change, unless another thread is changing the user."""
    if not user.lock.acquire(blocking=False):
        return
    try:
        if user.plan == "returns":
            unassign(provider, user)
            reassign(provider, user)
        else:
            update(provider, user)
    finally:
        user.lock.release()


def delete(provider, user):
    if user.exists:
        remove(provider, "Users", user)


def remove(provider, collection, entry):
    with entry.writing():
        provider.send("DELETE", f"/{collection}/{entry.id}")
        entry.is_deleted = True


def push(provider, group):
    """Pushes an empty group and then its members."""
    with group.writing():
        body = {"schemas": [GROUP_SCHEMA], "displayName": group.name, "members": []}
        group.id = provider.create("Groups", "displayName", group.name, body)["id"]
    users = [user for user in group.planned if user.exists]
    for start in range(0, len(users), CHUNK):
        chunk = users[start : start + CHUNK]
        with group.writing():
            provider.send("PATCH", f"/Groups/{group.id}", patch(rename_operation(group, group.name), add_operation(chunk)))
            group.members.update(chunk)


def change(provider, group):
    """Makes the planned later change of a group."""
    if not group.exists:
        return
    if group.plan == "deleted":
        remove(provider, "Groups", group)
        return
    # Without users whose deletion may run at the same time.
    users = [user for user in group.planned if user.exists and user.plan != "deleted"]
    path = f"/Groups/{group.id}"
    with group.writing():
        if group.plan == "renamed":
            provider.send("PATCH", path, patch(rename_operation(group, f"{group.name} (renamed)")))
            group.name = f"{group.name} (renamed)"
        elif group.plan == "shrinks":
            removed, restored = users[: CHUNK // 2], users[: CHUNK // 4]
            provider.send("PATCH", path, patch(rename_operation(group, group.name), *remove_operations(removed), add_operation(restored)))
            group.members.difference_update(removed)
            group.members.update(restored)
        else:
            users = users[len(users) // 10 :]
            body = {"schemas": [GROUP_SCHEMA], "id": group.id, "displayName": group.name, "members": members(users)}
            provider.send("PUT", path, body)
            group.members = set(users)


def sign_in(provider, user):
    """Reports a sign-in, as the product does."""
    provider.send("POST", "//api/v2/sign-ins", {"email": user.name, "method": "saml"}, expected=(202,))
    user.signed_in = True


def patch(*operations):
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


def rename_operation(group, name):
    return {"op": "replace", "value": {"id": group.id, "displayName": name}}


def add_operation(users):
    return {"op": "add", "path": "members", "value": members(users)}


def remove_operations(users):
    return [{"op": "remove", "path": f'members[value eq "{user.id}"]'} for user in users]


def members(users):
    return [{"value": user.id, "display": user.name} for user in users]
