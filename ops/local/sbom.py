"""The software bill of materials (SPDX 2.3, JSON), made from ops/packages.txt, the resolved Swift packages.

  sbom         prints it
  sbom check   validates it with spdx-tools, and the licenses with the sources of the last build if there are any
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPLIER = "NOASSERTION"
# The licenses of the packages, by name; the default is that of most.
DEFAULT_LICENSE = "Apache-2.0"
WITH_EXCEPTION = "Apache-2.0 WITH Swift-exception"
LICENSES = {
    "jwt-kit": "MIT",
    **dict.fromkeys(
        [
            "swift-algorithms",
            "swift-argument-parser",
            "swift-async-algorithms",
            "swift-atomics",
            "swift-collections",
            "swift-docc-plugin",
            "swift-docc-symbolkit",
            "swift-numerics",
            "swift-system",
        ],
        WITH_EXCEPTION,
    ),
}
# Packages that the build uses, and that are not part of an executable.
BUILD_TOOLS = {"swift-docc-plugin", "swift-docc-symbolkit"}
# The C libraries that are linked dynamically: the name, the Debian package and the license. The distribution chooses the version.
LIBRARIES = [
    ("libpq", "libpq5", "PostgreSQL"),
    ("librdkafka", "librdkafka1", "BSD-2-Clause"),
    ("libcurl", "libcurl4", "curl"),
    ("c-ares", "libc-ares2", "MIT"),
]


def release():
    source = (ROOT / "Shared/ServiceKit/Process/BuildVersion.swift").read_text(encoding="utf-8")
    return re.search(r'let release = "([^"]+)"', source)[1]


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=True, text=True).stdout.strip()


def resolved():
    """The Swift packages: name, version, address."""
    lines = (ROOT / "ops/packages.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split()) for line in lines if line and not line.startswith("#")]


def package(name, license, location, purl, version=None):
    found = {
        "SPDXID": f"SPDXRef-{name}",
        "name": name,
        "downloadLocation": location,
        "filesAnalyzed": False,
        "supplier": SUPPLIER,
        "licenseConcluded": license,
        "licenseDeclared": license,
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
    }
    if version:
        found["versionInfo"] = version
    return found


def document():
    """The document. It is the same for the same commit, so that a build can be reproduced."""
    commit, committed = git("log", "-1", "--format=%H %ct").split()
    created = datetime.datetime.fromtimestamp(int(committed), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    version = release()
    packages = [package("rollcall", DEFAULT_LICENSE, "NOASSERTION", f"pkg:generic/rollcall@{version}", version)]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-rollcall")]
    for name, number, location in resolved():
        path = re.sub(r"^https://|\.git$", "", location)
        packages.append(
            package(name, LICENSES.get(name, DEFAULT_LICENSE), f"git+{location}@{number}", f"pkg:swift/{path}@{number}", number)
        )
        if name in BUILD_TOOLS:
            relations.append((f"SPDXRef-{name}", "BUILD_TOOL_OF", "SPDXRef-rollcall"))
        else:
            relations.append(("SPDXRef-rollcall", "DEPENDS_ON", f"SPDXRef-{name}"))
    for name, debian, license in LIBRARIES:
        packages.append(package(name, license, "NOASSERTION", f"pkg:deb/debian/{debian}"))
        relations.append(("SPDXRef-rollcall", "DYNAMIC_LINK", f"SPDXRef-{name}"))
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"rollcall-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/rollcall-{version}-{commit}",
        "creationInfo": {"created": created, "creators": ["Tool: rollcall-ops-local-sbom"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": other} for subject, kind, other in relations
        ],
    }


def license_of(text):
    """The license of a LICENSE file, if it is one of those above."""
    if "Apache License" in text:
        return WITH_EXCEPTION if "Runtime Library Exception" in text else DEFAULT_LICENSE
    return "MIT" if "MIT License" in text else None


def problems(content):
    """What is wrong with the document."""
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    with tempfile.NamedTemporaryFile("w", suffix=".spdx.json", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        found = [message.validation_message for message in validate_full_spdx_document(parse_file(file.name))]
    checkouts = ROOT / ".build/checkouts"
    for item in content["packages"]:
        for path in sorted((checkouts / item["name"]).glob("LICENSE*"))[:1]:
            license = license_of(path.read_text(encoding="utf-8"))
            if license != item["licenseDeclared"]:
                found.append(f"{item['name']} has the license {license or 'of ' + str(path)}, not {item['licenseDeclared']}")
    return found


def main():
    parser = argparse.ArgumentParser(prog="ops/local/sbom", description=__doc__.splitlines()[0])
    parser.add_argument("action", nargs="?", choices=["print", "check"], default="print")
    action = parser.parse_args().action
    content = document()
    if action == "print":
        print(json.dumps(content, indent=2))
        return 0
    found = problems(content)
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
