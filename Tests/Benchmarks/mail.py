"""mail.py seed MAILS | mail.py measure FOLDER MAILS SIGN-INS  benchmarks invitation-mailer, for ops/bench mail.

`seed` inserts invited and active users into the mailer's tables while the mailer is stopped. `measure` waits until all invitations are
sent, then produces sign-ins of active users and waits until the mailer has processed them. Environment: BENCH_DATABASE, BENCH_KAFKA,
BENCH_MAILER_HEALTH. Exits 1 if a target is missed, or a mail is lost or duplicated.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from datetime import datetime, timezone

MINIMUM_MAILS_PER_SECOND = 1500
MAXIMUM_SECONDS_PER_100_000_SIGN_INS = 20
ACTIVE_USERS = 1000


def sql(text):
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
    done = subprocess.run([*command, os.environ["BENCH_DATABASE"]], input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr.strip()}")
    return done.stdout.strip()


def workspace_id():
    return sql("select id from identity.workspaces order by created_at limit 1;")


def email_key(email, workspace):
    return hashlib.sha256(f"{workspace} {email.lower()}".encode()).hexdigest()[:32]


def seed(mails):
    workspace = workspace_id()
    active = ",\n".join(
        f"('{workspace}', '{uuid.uuid4()}', 1, 'active', '\\x{email_key(f'active{n}@example.com', workspace)}')" for n in range(ACTIVE_USERS)
    )
    sql(
        f"""
        insert into mailer.users (workspace_id, user_id, version, state, email_key) values {active};
        create temporary table invited as select n, gen_random_uuid() as id from generate_series(1, {mails}) n;
        insert into mailer.users (workspace_id, user_id, version, state, email, given_name, display_name, language)
        select '{workspace}', id, 1, 'invited', 'user' || n || '@example.com', 'User', 'User ' || n, (array['en', 'de', 'fr', 'es', 'ja'])[n % 5 + 1]
        from invited;
        insert into mailer.invitations (workspace_id, id, user_id, user_version, state, next_attempt_at, created_at, reason, changed_at)
        select '{workspace}', gen_random_uuid(), id, 1, 'scheduled', now(), now(), 'seeded by the benchmark', now()
        from invited;
        analyze mailer.users, mailer.invitations;
        """
    )


def wait_until(condition, seconds, name):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench: timed out after {seconds} seconds: {name}")
        time.sleep(0.1)


def sent_count():
    return int(sql("select count(*) from mailer.invitations where state = 'sent';"))


def metric(name):
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['BENCH_MAILER_HEALTH']}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def measure_mails(folder, mails):
    wait_until(lambda: sent_count() >= mails, 300, "all invitations are sent")
    # Without the first hundred, while the process starts and opens its connections.
    seconds = float(
        sql(
            "with times as (select sent_at, row_number() over (order by sent_at) as n from mailer.invitations where sent_at is not null) "
            "select extract(epoch from max(sent_at) - min(sent_at)) from times where n > 100;"
        )
    )
    time.sleep(1)
    with open(os.path.join(folder, "sink.json"), encoding="utf-8") as file:
        sink = json.load(file)
    return {"mails": mails, "a_second": round((mails - 100) / seconds), "taken": sink["mails"], "message_ids": sink["message_ids"]}


def measure_sign_ins(count):
    from confluent_kafka import Producer

    workspace = workspace_id()
    producer = Producer(
        {"bootstrap.servers": os.environ["BENCH_KAFKA"], "linger.ms": 20, "queue.buffering.max.messages": 1000000, "log_level": 0}
    )
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    began = time.monotonic()
    before = metric("rollcall_mailer_sign_ins_of_active_total")
    for n in range(count):
        email = f"active{n % ACTIVE_USERS}@example.com"
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"bench-{n}",
            "ce_source": "bench",
            "ce_type": "rollcall.sign-in.v1",
            "ce_subject": email,
            "ce_time": now,
            "content-type": "application/json",
            "ce_workspaceid": workspace,
        }
        value = json.dumps({"workspace": workspace, "email": email, "signedInAt": now, "method": "saml"})
        producer.produce("sign-in.events", key=email, value=value, headers=list(headers.items()))
        producer.poll(0)
    producer.flush()
    produced = time.monotonic() - began
    wait_until(lambda: metric("rollcall_mailer_sign_ins_of_active_total") - before >= count, 300, "all sign-ins are processed")
    return {
        "sign_ins": count,
        "seconds": round(time.monotonic() - began, 1),
        "seconds_to_produce": round(produced, 1),
        "promotions": int(metric("rollcall_mailer_promotions_total")),
    }


def main():
    if sys.argv[1] == "seed":
        return seed(int(sys.argv[2]))
    folder, mails, sign_ins = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    mail = measure_mails(folder, mails)
    print(f"mails: {mail['a_second']} per second; {mail['mails']} due, {mail['taken']} received, {mail['message_ids']} distinct")
    active = measure_sign_ins(sign_ins)
    print(
        f"sign-ins of active users: {active['sign_ins']} in {active['seconds']} s, of which {active['seconds_to_produce']} s to produce them; "
        f"{active['promotions']} promotion commands"
    )
    with open(os.path.join(folder, "mail.json"), "w", encoding="utf-8") as file:
        json.dump({"mail": mail, "sign_ins": active}, file, indent=2)
    failures = []
    if not mail["mails"] == mail["taken"] == mail["message_ids"]:
        failures.append("mails were lost or duplicated")
    if mail["a_second"] < MINIMUM_MAILS_PER_SECOND:
        failures.append(f"fewer than {MINIMUM_MAILS_PER_SECOND} mails per second")
    if active["seconds"] * 100_000 / sign_ins > MAXIMUM_SECONDS_PER_100_000_SIGN_INS:
        failures.append(f"100,000 sign-ins take longer than {MAXIMUM_SECONDS_PER_100_000_SIGN_INS} seconds")
    if active["promotions"]:
        failures.append("the mailer sent promotion commands for active users")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


sys.exit(main())
