"""Acknowledged writes against the store, as it is read back over SCIM."""

from check import Check
from database import rows

PAGE = 200


def listed(provider, collection, parameters=""):
    """All of them by id."""
    found, total = {}, 1
    while len(found) < total:
        answer = provider.send("GET", f"/{collection}?startIndex={len(found) + 1}&count={PAGE}{parameters}").json
        total = answer["totalResults"]
        before = len(found)
        found.update((resource["id"], resource) for resource in answer.get("Resources", []))
        if len(found) == before:
            break
    return found


def check(provider, url, book, problems_of_reading):
    users = listed(provider, "Users")
    groups = listed(provider, "Groups", "&excludedAttributes=members")
    states = {row["id"]: row["state"] for row in rows(url, "select id, state from identity.users")}
    people = [person for person in book.people if person.id and not person.is_in_doubt]
    teams = [group for group in book.groups if group.id and not group.is_in_doubt]
    lost = [problem for person in people for problem in person_problems(person, users.get(person.id), states.get(person.id))]
    memberships = 0
    for group in teams:
        memberships += len(group.member_ids)
        stored = provider.send("GET", f"/Groups/{group.id}").json if group.id in groups else None
        lost += group_problems(group, stored)
    known = {entry.id for entry in [*book.people, *book.groups]}
    stored = [*users.values(), *groups.values()]
    strangers = [resource.get("userName") or resource["displayName"] for resource in stored if resource["id"] not in known]
    in_doubt = [entry.name for entry in [*book.people, *book.groups] if entry.is_in_doubt]
    return strangers, [
        Check("acknowledged writes lost", lost, f"of {len(people):,} users, {len(teams)} groups with {memberships:,} members"),
        Check("reads that did not show an acknowledged write", problems_of_reading),
        Check("users and groups whose last write was never answered", in_doubt),
    ]


def person_problems(person, stored, state):
    if person.is_deleted:
        return [f"{person.name}: deleted, and is there"] if stored else []
    if stored is None:
        return [f"{person.name}: {person.id} is not there"]
    found = (stored["userName"], stored.get("displayName"), stored.get("title"), stored["active"])
    wanted = (person.name, person.display_name, person.title, person.active)
    problems = [] if found == wanted else [f"{person.name}: {found}, not {wanted}"]
    if state not in person.states:
        problems.append(f"{person.name}: {state}, not {' or '.join(sorted(person.states))}")
    return problems


def group_problems(group, stored):
    if group.is_deleted:
        return [f"{group.name}: deleted, and is there"] if stored else []
    if stored is None:
        return [f"{group.name}: {group.id} is not there"]
    problems = [] if stored["displayName"] == group.name else [f"{group.name}: is called {stored['displayName']}"]
    found = {member["value"] for member in stored.get("members", [])}
    problems += [f"{group.name}: member {user} is missing" for user in group.member_ids - found]
    problems += [f"{group.name}: member {user} was removed, and is there" for user in found - group.member_ids]
    return problems
