"""The results as JSON values, as tables, and compared with the targets."""

import statistics
from collections import Counter

from rows import BASELINES, MEASURED, ROWS
from suite import SERVICES

# The mail server stands for another machine, so its CPU time is not counted.
UNCOUNTED = "mail-sink"
# A spread between rounds above this part of their median is shown in the table.
NOTABLE_SPREAD = 0.2


def summarise(samples):
    """Returns the medians over the rounds of one row with one number of requests in flight."""

    def median(value):
        return statistics.median(value(sample) for sample in samples)

    rates = [sample.rate for sample in samples]
    cpu = {name: 1e6 * median(lambda sample: sample.cpu[name] / sample.requests) for name in samples[0].cpu}
    return {
        "rate": median(lambda sample: sample.rate),
        "rates": rates,
        "spread": (max(rates) - min(rates)) / statistics.median(rates),
        "p50_ms": median(lambda sample: sample.p50),
        "p99_ms": median(lambda sample: sample.p99),
        "errors": sum(sum(sample.errors.values()) for sample in samples),
        "errors_by_kind": dict(sum((Counter(sample.errors) for sample in samples), Counter())),
        "requests": sum(sample.requests for sample in samples),
        "cpu_us": sum(used for name, used in cpu.items() if name != UNCOUNTED),
        "cpu_us_by_process": cpu,
        "generator_cpu_us": 1e6 * median(lambda sample: sample.generator_cpu / sample.requests),
        "others_cpu": median(lambda sample: sample.others),
    }


def add_ratios(rows):
    """Adds to each row the ratio of its rate to the rate of its baseline."""
    for name, levels in rows.items():
        baseline = ROWS[name].baseline
        if baseline in rows:
            for in_flight, measured in levels.items():
                measured["ratio"] = measured["rate"] / rows[baseline][in_flight]["rate"]


def ratio(measured):
    """Formats the ratio with three decimals if it is small, else with two."""
    return f"{measured['ratio']:.{2 if measured['ratio'] >= 0.1 else 3}f}"


def table(results):
    columns = f"{'in flight':>9}{'rate/s':>9}{'ratio':>10}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}{'CPU µs':>9}"
    lines = [f"{'':32}{columns}   notes"]
    for row in [*BASELINES, *MEASURED]:
        for in_flight, measured in results["rows"].get(row.name, {}).items():
            relative = ratio(measured) if "ratio" in measured else ""
            rates = measured["rates"]
            notes = [f"rounds {min(rates):,.0f} to {max(rates):,.0f}"] if measured["spread"] > NOTABLE_SPREAD else []
            notes += [f"{count} times {kind}" for kind, count in measured["errors_by_kind"].items()]
            title = row.title if in_flight == min(results["rows"][row.name], key=int) else ""
            lines.append(
                f"{title:32}{in_flight:>9}{measured['rate']:>9,.0f}{relative:>10}{measured['p50_ms']:>9.2f}{measured['p99_ms']:>9.2f}"
                f"{measured['errors']:>8}{measured['cpu_us']:>9,.0f}   {', '.join(notes)}".rstrip()
            )
    return lines


def memory(results):
    lines = [f"{'memory':32}{'idle MB':>12}{'after MB':>11}{'peak MB':>13}{'idle CPU':>14}"]
    for name, after in results["memory"]["after"].items():
        before = results["memory"]["before"][name]["resident"]
        peak = f"{after['peak']:.0f}" if after["peak"] else "-"
        idle = results["machine"]["idle_cpu"][name]
        lines.append(f"{name:32}{before:>12.0f}{after['resident']:>11.0f}{peak:>13}{idle:>13.0%}")
    return lines


def consumer_lag(drains):
    """Returns a table of the seconds from the end of a load until each consumer had processed everything, and of the mail queue."""
    lines = [f"{'seconds until lag is zero':32}{'in flight':>9}{'group-sync':>12}{'mailer':>9}{'mails queued':>16}{'sent after':>13}"]
    for row in MEASURED:
        for in_flight in sorted({drain["in_flight"] for drain in drains}):
            found = [drain for drain in drains if (drain["row"], drain["in_flight"]) == (row.name, in_flight)]
            if found:
                group_sync, mailer = (max(drain[name] for drain in found) for name in ("group-sync", "mailer"))
                mails = _mails(found) if row.name == "post" else ""
                lines.append(f"{row.title:32}{in_flight:>9}{group_sync:>12.2f}{mailer:>9.2f}{mails}")
    return lines


def _mails(drains):
    """Formats the length of the mail queue and the seconds until it was empty, or the number of mails sent before the rest was dropped."""
    slowest = max(drains, key=lambda drain: drain["queued"])
    if slowest["mails"] is not None:
        return f"{slowest['queued']:>16,}{slowest['mails']:>13.2f}"
    sent = slowest["queued"] - slowest["removed"]
    return f"{slowest['queued']:>16,}{'-':>13}   {sent:,} sent in {slowest['bound']:.0f} s, the rest dropped"


def targets(results):
    """Returns each target with the measured value and whether it is met, without targets for rows that were not measured."""
    rows, found = results["rows"], []

    def measured(name, in_flight):
        return rows.get(name, {}).get(str(in_flight))

    def add(target, value, format, is_met):
        found.append({"target": target, "measured": format(value), "met": is_met(value)})

    for name, least in (("get", 0.6), ("user-name", 0.5)):
        if at_64 := measured(name, 64):
            add(f"{ROWS[name].title}, 64 in flight: at least {least} of static JSON", at_64["ratio"], "{:.2f}".format, lambda x: x >= least)
    if at_64 := measured("post", 64):
        add("POST user, 64 in flight: at least 1.0 of pgbench", at_64["ratio"], "{:.2f}".format, lambda x: x >= 1)
        add("POST user, 64 in flight: p99 under 40 ms", at_64["p99_ms"], "{:.1f} ms".format, lambda x: x < 40)
    if alone := measured("post", 1):
        add("POST user, 1 in flight: p50 under 8 ms", alone["p50_ms"], "{:.1f} ms".format, lambda x: x < 8)
    for in_flight in (1, 16, 64):
        small, large = measured("member-10", in_flight), measured("member-100000", in_flight)
        if small and large:
            add(
                f"PATCH member, {in_flight} in flight: group of 100,000 within 1.5 times of group of 10",
                small["rate"] / large["rate"], "{:.2f}".format, lambda x: x <= 1.5)
    peaks = {name: results["memory"]["after"][name]["peak"] for name in SERVICES}
    largest = max(peaks, key=peaks.get)
    add("every service: at most 100 MB resident", peaks[largest], lambda x: f"{x:.0f} MB ({largest})", lambda x: x <= 100)
    slowest = [max(drain["group-sync"], drain["mailer"]) for drain in results["drains"]]
    if slowest:
        add("group-sync and mailer: lag is zero within 5 s", max(slowest), "{:.1f} s".format, lambda x: x <= 5)
    errors = sum(level["errors"] for levels in rows.values() for level in levels.values())
    add("errors: none", errors, "{}".format, lambda x: x == 0)
    return found


def comparison(results, earlier):
    """Returns a table of the rates of two runs, the one with fewer users first, and whether no rate fell below 0.8."""
    fewer, more = sorted((results, earlier), key=lambda run: run["users"])
    lines = [f"{'users':32}{'in flight':>9}{fewer['users']:>12,}{more['users']:>12,}{'ratio':>8}"]
    compared = []
    for row in MEASURED:
        for in_flight, before in fewer["rows"].get(row.name, {}).items():
            if after := more["rows"].get(row.name, {}).get(in_flight):
                change = after["rate"] / before["rate"]
                compared.append(change)
                note = "" if change >= 0.8 else "   more than 20% slower"
                lines.append(f"{row.title:32}{in_flight:>9}{before['rate']:>12,.0f}{after['rate']:>12,.0f}{change:>8.2f}{note}")
    return lines, bool(compared) and min(compared) >= 0.8
