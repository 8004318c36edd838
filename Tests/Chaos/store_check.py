"""Compares the acknowledged writes with the store, read over SCIM."""

from check import Check

PAGE = 200


def list_all(provider, collection, parameters=""):
    """Returns all resources by id."""
    found, total = {}, 1
    while len(found) < total:
        response = provider.send("GET", f"/{collection}?startIndex={len(found) + 1}&count={PAGE}{parameters}").json
        total = response["totalResults"]
        before = len(found)
        found.update((resource["id"], resource) for resource in response.get("Resources", []))
        if len(found) == before:
            break
    return found


def check(provider, database, ledger, stale_reads):
    """Returns the names of resources that are stored but were never acknowledged, and the checks."""
    users = list_all(provider, "Users")
    groups = list_all(provider, "Groups", "&excludedAttributes=members")
    states = {row["id"]: row["state"] for row in database.rows("select id, state from identity.users")}
    checked_users = [user for user in ledger.users if user.id and not user.is_in_doubt]
    checked_groups = [group for group in ledger.groups if group.id and not group.is_in_doubt]
    lost = [problem for user in checked_users for problem in user_problems(user, users.get(user.id), states.get(user.id))]
    memberships = 0
    for group in checked_groups:
        memberships += len(group.member_ids)
        stored = provider.send("GET", f"/Groups/{group.id}").json if group.id in groups else None
        lost += group_problems(group, stored)
    known = {entry.id for entry in [*ledger.users, *ledger.groups]}
    stored = [*users.values(), *groups.values()]
    unacknowledged = [resource.get("userName") or resource["displayName"] for resource in stored if resource["id"] not in known]
    in_doubt = [entry.name for entry in [*ledger.users, *ledger.groups] if entry.is_in_doubt]
    return unacknowledged, [
        Check("lost acknowledged writes", lost, f"of {len(checked_users):,} users, {len(checked_groups)} groups with {memberships:,} members"),
        Check("reads that missed an acknowledged write", stale_reads),
        Check("users and groups whose last write has no response", in_doubt),
    ]


def user_problems(user, stored, state):
    if user.is_deleted:
        return [f"{user.name}: deleted but still stored"] if stored else []
    if stored is None:
        return [f"{user.name}: {user.id} is not stored"]
    found = (stored["userName"], stored.get("displayName"), stored.get("title"), stored["active"])
    expected = (user.name, user.display_name, user.title, user.active)
    problems = [] if found == expected else [f"{user.name}: found {found}, expected {expected}"]
    if state not in user.states:
        problems.append(f"{user.name}: state {state}, expected {' or '.join(sorted(user.states))}")
    return problems


def group_problems(group, stored):
    if group.is_deleted:
        return [f"{group.name}: deleted but still stored"] if stored else []
    if stored is None:
        return [f"{group.name}: {group.id} is not stored"]
    problems = [] if stored["displayName"] == group.name else [f"{group.name}: stored with the name {stored['displayName']}"]
    found = {member["value"] for member in stored.get("members", [])}
    problems += [f"{group.name}: member {user} is missing" for user in group.member_ids - found]
    problems += [f"{group.name}: member {user} was removed but is still stored" for user in found - group.member_ids]
    return problems
