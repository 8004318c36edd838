"""mail.py seed MAILS | mail.py measure FOLDER MAILS SIGN-INS  measures invitation-mailer: mails a second, and sign-ins of active people.

`seed` writes invited and active people into the mailer's tables while it is away; `measure` waits until all are mailed, sends the sign-ins, and
waits until the mailer has told them all apart. BENCH_DATABASE, BENCH_KAFKA and BENCH_MAILER_HEALTH say where. Exits with 1 where a target is
missed or a mail was lost or doubled.
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

# What the issue asks for.
MAILS_A_SECOND = 300
SECONDS_OF_SIGN_INS = 20
PEOPLE = 1000


def sql(text):
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
    done = subprocess.run([*command, os.environ["BENCH_DATABASE"]], input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr.strip()}")
    return done.stdout.strip()


def workspace():
    return sql("select id from identity.workspaces order by created_at limit 1;")


def key(text, of):
    return hashlib.sha256(f"{of} {text.lower()}".encode()).hexdigest()[:32]


def seed(mails):
    of = workspace()
    active = ",\n".join(
        f"('{of}', '{uuid.uuid4()}', 1, 'active', '\\x{key(f'active{n}@example.com', of)}')" for n in range(PEOPLE)
    )
    sql(
        f"""
        insert into mailer.users (workspace_id, user_id, version, state, email_key) values {active};
        create temporary table people as select n, gen_random_uuid() as id from generate_series(1, {mails}) n;
        insert into mailer.users (workspace_id, user_id, version, state, email, given_name, display_name, language)
        select '{of}', id, 1, 'invited', 'person' || n || '@example.com', 'Person', 'Person ' || n, (array['en', 'de', 'fr', 'es', 'ja'])[n % 5 + 1]
        from people;
        insert into mailer.invitations (workspace_id, id, user_id, user_version, state, next_attempt_at, created_at, reason, changed_at)
        select '{of}', gen_random_uuid(), id, 1, 'scheduled', now(), now(), 'to be sent at once', now()
        from people;
        analyze mailer.users, mailer.invitations;
        """
    )


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what} not done within {seconds} seconds")
        time.sleep(0.1)


def sent():
    return int(sql("select count(*) from mailer.invitations where state = 'sent';"))


def metric(name):
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['BENCH_MAILER_HEALTH']}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def measure_mails(folder, mails):
    wait(lambda: sent() >= mails, 300, "the mails")
    # From the hundredth on, when the process has started and all connections are open.
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

    of = workspace()
    producer = Producer(
        {"bootstrap.servers": os.environ["BENCH_KAFKA"], "linger.ms": 20, "queue.buffering.max.messages": 1000000, "log_level": 0}
    )
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    began = time.monotonic()
    before = metric("rollcall_mailer_sign_ins_of_active_total")
    for n in range(count):
        email = f"active{n % PEOPLE}@example.com"
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"bench-{n}",
            "ce_source": "bench",
            "ce_type": "rollcall.sign-in.v1",
            "ce_subject": email,
            "ce_time": now,
            "content-type": "application/json",
            "ce_workspaceid": of,
        }
        value = json.dumps({"workspace": of, "email": email, "signedInAt": now, "method": "saml"})
        producer.produce("sign-in.events", key=email, value=value, headers=list(headers.items()))
        producer.poll(0)
    producer.flush()
    produced = time.monotonic() - began
    wait(lambda: metric("rollcall_mailer_sign_ins_of_active_total") - before >= count, 300, "the sign-ins")
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
    print(f"mails: {mail['a_second']} a second; {mail['mails']} due, {mail['taken']} taken, {mail['message_ids']} different")
    active = measure_sign_ins(sign_ins)
    print(
        f"sign-ins of active people: {active['sign_ins']} in {active['seconds']} s ({active['seconds_to_produce']} s of them to produce), "
        f"{active['promotions']} promotions asked for"
    )
    with open(os.path.join(folder, "mail.json"), "w", encoding="utf-8") as file:
        json.dump({"mail": mail, "sign_ins": active}, file, indent=2)
    faults = []
    if not mail["mails"] == mail["taken"] == mail["message_ids"]:
        faults.append("mails were lost or doubled")
    if mail["a_second"] < MAILS_A_SECOND:
        faults.append(f"fewer than {MAILS_A_SECOND} mails a second")
    if active["seconds"] * 100_000 / sign_ins > SECONDS_OF_SIGN_INS:
        faults.append(f"100,000 sign-ins would take more than {SECONDS_OF_SIGN_INS} seconds")
    if active["promotions"]:
        faults.append("promotions of active people were asked for")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


sys.exit(main())
