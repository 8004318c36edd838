"""The results as JSON values and as tables."""

import statistics
from collections import Counter

from processes import PROCESSES, SERVICES, UNCOUNTED
from rows import BASELINES, MEASURED, ROWS

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
        "cpu_us": sum(used for name, used in cpu.items() if name not in UNCOUNTED),
        "cpu_us_by_process": cpu,
        "cpu_us_by_part": _parts(samples),
        "statements": _statements(samples),
        "generator_cpu_us": 1e6 * median(lambda sample: sample.generator_cpu / sample.requests),
        "others_cpu": median(lambda sample: sample.others),
    }


def _parts(samples):
    """Returns the CPU microseconds per request of each process by name of its threads."""
    requests, used = sum(sample.requests for sample in samples), {}
    for sample in samples:
        for (process, thread), seconds in sample.parts.items():
            threads = used.setdefault(process, Counter())
            threads[thread] += 1e6 * seconds / requests
    return {process: {thread: spent for thread, spent in threads.most_common() if spent >= 0.5} for process, threads in used.items()}


def _statements(samples):
    """Returns the statements with their figures per request, those with the longest time first."""
    requests, used = sum(sample.requests for sample in samples), {}
    for sample in samples:
        for role, text, *figures in sample.statements:
            before = used.get((role, text), [0] * len(figures))
            used[role, text] = [old + new for old, new in zip(before, figures)]
    found = [
        {"service": role.replace("_", "-"), "text": text, "calls": calls / requests, "rows": rows / requests, "us": 1000 * spent / requests,
         "wal_bytes": wal / requests, "wal_images": images / requests}
        for (role, text), (calls, rows, spent, wal, images) in used.items()
    ]
    return sorted(found, key=lambda statement: -statement["us"])


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


def cpu(results):
    """Returns a table of the CPU microseconds per request by process. Broker and mail server are not in the sum."""
    names = [*SERVICES, "postgres"]
    columns = "".join(f"{name:>18}" for name in [*names, "sum", *UNCOUNTED])
    lines = [f"{'CPU µs per request':32}{'in flight':>9}{columns}"]
    for row in [*BASELINES, *MEASURED]:
        for in_flight, measured in results["rows"].get(row.name, {}).items():
            used = measured["cpu_us_by_process"]
            figures = [*(used[name] for name in names), measured["cpu_us"], *(used[name] for name in UNCOUNTED)]
            lines.append(f"{row.title:32}{in_flight:>9}" + "".join(f"{figure:>18,.0f}" for figure in figures))
    return lines


def parts(results, name, in_flight):
    """Returns a table of the CPU microseconds per request by process and name of its threads, for one row."""
    measured = results["rows"].get(name, {}).get(in_flight)
    lines = [f"{ROWS[name].title}, {in_flight} in flight: CPU µs per request by threads"] if measured else []
    for process in PROCESSES if measured else []:
        threads = measured["cpu_us_by_part"].get(process, {})
        lines.append(f"  {process:20}" + ", ".join(f"{thread} {spent:,.0f}" for thread, spent in threads.items()))
    return lines


def statements(results, name, in_flight, most=25):
    """Returns a table of the SQL statements of one row, with the longest first, and their sum for each service."""
    measured = results["rows"].get(name, {}).get(in_flight)
    if not measured or not measured["statements"]:
        return []
    lines = [f"{f'{ROWS[name].title}, {in_flight} in flight, per request':42}{'calls':>9}{'rows':>9}{'time µs':>10}{'WAL bytes':>11}{'images':>8}"]

    def line(title, found):
        calls, rows, spent, wal, images = (sum(one[key] for one in found) for key in ("calls", "rows", "us", "wal_bytes", "wal_images"))
        return f"{title:42}{calls:>9.2f}{rows:>9.2f}{spent:>10.1f}{wal:>11,.0f}{images:>8.3f}"

    for service in SERVICES:
        found = [one for one in measured["statements"] if one["service"] == service]
        lines += [line(service, found)] if found else []
    lines += [f"{line('  ' + one['service'], [one])}   {one['text'][:90]}" for one in measured["statements"][:most]]
    return lines


def memory(results):
    lines = [f"{'memory':32}{'idle MB':>12}{'after MB':>11}{'peak MB':>13}{'idle CPU':>14}"]
    for name, after in results["memory"]["after"].items():
        before = results["memory"]["before"][name]["resident"]
        peak = f"{after['peak']:.0f}" if after["peak"] else "-"
        idle = results["machine"]["idle_cpu"][name]
        lines.append(f"{name:32}{before:>12.0f}{after['resident']:>11.0f}{peak:>13}{idle:>14.1%}")
    services = sum(results["machine"]["idle_cpu"][name] for name in SERVICES)
    return [*lines, f"{'all services':32}{'':>36}{services:>14.1%}"]


def consumer_lag(drains):
    """Returns a table of the seconds from the end of a load until each consumer had processed everything, and of the mail queue."""
    lines = [f"{'seconds until lag is zero':32}{'in flight':>9}{'group-sync':>12}{'mailer':>9}{'mails queued':>16}{'sent after':>13}"]
    for row in MEASURED:
        for in_flight in sorted({drain["in_flight"] for drain in drains}):
            found = [drain for drain in drains if (drain["row"], drain["in_flight"]) == (row.name, in_flight)]
            if found:
                group_sync, mailer, mails = (max(drain[key] for drain in found) for key in ("group-sync", "mailer", "mails"))
                queued = max(drain["queued"] for drain in found)
                lines.append(f"{row.title:32}{in_flight:>9}{group_sync:>12.2f}{mailer:>9.2f}{queued:>16,}{mails:>13.2f}")
    return lines


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


def pairs(results, other):
    """Returns a table of two commits that were measured in turn: the rates and the CPU time per request, and the ratios of the first to the second."""
    lines = [f"{results['commit'] + ' / ' + other['commit']:32}{'in flight':>9}{'rate/s':>18}{'ratio':>8}{'CPU µs':>18}{'ratio':>8}"]
    for row in MEASURED:
        for in_flight, measured in results["rows"].get(row.name, {}).items():
            if reference := other["rows"].get(row.name, {}).get(in_flight):
                cells = ""
                for key in ("rate", "cpu_us"):
                    values = f"{measured[key]:,.0f} / {reference[key]:,.0f}"
                    cells += f"{values:>18}{measured[key] / reference[key]:>8.2f}"
                lines.append(f"{row.title:32}{in_flight:>9}{cells}")
    return lines
