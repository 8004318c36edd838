"""What the identity provider does, resource by resource: in the manner of Okta, each resource's writes one after the other."""

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

# How many members Okta sends at a time.
CHUNK = 100


def assign(provider, person):
    """A person is assigned, and some have their profile changed at once."""
    body = {
        "schemas": [USER_SCHEMA],
        "userName": person.name,
        "name": {"givenName": "Person", "familyName": str(person.number)},
        "emails": [{"primary": True, "value": person.name, "type": "work"}],
        "displayName": person.display_name,
        "locale": "en-US",
        "externalId": f"00u{person.number}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    with person.writing():
        person.id = provider.create("Users", "userName", person.name, body)["id"]
    if person.is_updated:
        update(provider, person)


def update(provider, person):
    """A profile update: what our GET returned comes back with a change."""
    if not person.exists:
        return
    user = provider.send("GET", f"/Users/{person.id}").json
    found, wanted = (user.get("title"), user["active"]), (person.title, person.active)
    if found != wanted:
        provider.tally.note("stale_reads", f"{person.name}: {found}, not {wanted}")
    title = f"Title {int((person.title or 'Title 0').split()[1]) + 1}"
    with person.writing():
        provider.send("PUT", f"/Users/{person.id}", {**user, "title": title})
        person.title = title


def set_active(provider, person, active):
    with person.writing():
        provider.send("PATCH", f"/Users/{person.id}", patch({"op": "replace", "value": {"active": active}}))
        person.active = active
        if active:
            person.reactivations += 1


def unassign(provider, person):
    if person.exists:
        person.deactivations += 1
        set_active(provider, person, False)


def reassign(provider, person):
    if person.exists and not person.active:
        set_active(provider, person, True)


def change_again(provider, person):
    """Something more, unless something is being done with the person at this moment."""
    if not person.turn.acquire(blocking=False):
        return
    try:
        if person.fate == "returns":
            unassign(provider, person)
            reassign(provider, person)
        else:
            update(provider, person)
    finally:
        person.turn.release()


def delete(provider, person):
    if person.exists:
        remove(provider, "Users", person)


def remove(provider, collection, entry):
    with entry.writing():
        provider.send("DELETE", f"/{collection}/{entry.id}")
        entry.is_deleted = True


def push(provider, group):
    """A group is pushed empty, and its members follow."""
    with group.writing():
        body = {"schemas": [GROUP_SCHEMA], "displayName": group.name, "members": []}
        group.id = provider.create("Groups", "displayName", group.name, body)["id"]
    people = [person for person in group.planned if person.exists]
    for start in range(0, len(people), CHUNK):
        chunk = people[start : start + CHUNK]
        with group.writing():
            provider.send("PATCH", f"/Groups/{group.id}", patch(naming(group, group.name), adding(chunk)))
            group.members.update(chunk)


def change(provider, group):
    """The group's later life."""
    if not group.exists:
        return
    if group.fate == "deleted":
        remove(provider, "Groups", group)
        return
    # Who is being deleted at this moment is none that a group is told to have.
    people = [person for person in group.planned if person.exists and person.fate != "deleted"]
    path = f"/Groups/{group.id}"
    with group.writing():
        if group.fate == "renamed":
            provider.send("PATCH", path, patch(naming(group, f"{group.name} (renamed)")))
            group.name = f"{group.name} (renamed)"
        elif group.fate == "shrinks":
            gone, back = people[: CHUNK // 2], people[: CHUNK // 4]
            provider.send("PATCH", path, patch(naming(group, group.name), *removing(gone), adding(back)))
            group.members.difference_update(gone)
            group.members.update(back)
        else:
            people = people[len(people) // 10 :]
            body = {"schemas": [GROUP_SCHEMA], "id": group.id, "displayName": group.name, "members": members(people)}
            provider.send("PUT", path, body)
            group.members = set(people)


def sign_in(provider, person):
    """The product's sign-in service tells of a person."""
    provider.send("POST", "//api/v2/sign-ins", {"email": person.name, "method": "saml"}, expected=(202,))
    person.signed_in = True


def patch(*operations):
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


def naming(group, name):
    return {"op": "replace", "value": {"id": group.id, "displayName": name}}


def adding(people):
    return {"op": "add", "path": "members", "value": members(people)}


def removing(people):
    return [{"op": "remove", "path": f'members[value eq "{person.id}"]'} for person in people]


def members(people):
    return [{"value": person.id, "display": person.name} for person in people]
