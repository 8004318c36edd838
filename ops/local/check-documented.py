"""check-documented.py [--modules DIRECTORY]...  checks that the public and package declarations of our modules have doc comments.

Reads the modules of the last build, prints the percentage of each module and of all, and fails if less than 95 % of all declarations
are documented. Then it prints the first undocumented ones. Declarations that a protocol or a superclass documents do not count.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
MINIMUM = 95
SHOWN = 30


def our_modules():
    """Yields the names of the Swift modules in Shared and Services, without executables."""
    command = ["swift", "package", "--package-path", str(ROOT), "dump-package"]
    package = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for target in package["targets"]:
        if target["type"] == "regular" and target["path"].startswith(("Shared/", "Services/")):
            yield target["name"]


def include_flags(directories):
    """The flags with which the compiler finds Swift modules and the C modules that they import."""
    flags = [f"-I{directory}" for directory in directories]
    generated = sorted(BUILD.glob("debug/*.build/module.modulemap"))
    ours = sorted(path for top in ("Shared", "Services") for path in ROOT.glob(f"{top}/**/module.modulemap"))
    for module_map in [*generated, *ours]:
        flags += ["-Xcc", f"-fmodule-map-file={module_map}"]
    for headers in sorted(BUILD.glob("checkouts/*/Sources/*/include")):
        flags += ["-Xcc", f"-I{headers}"]
    for library in ("libpq", "rdkafka", "libcurl", "libcares"):
        found = subprocess.run(["pkg-config", "--cflags-only-I", library], capture_output=True, text=True)
        for flag in found.stdout.split():
            flags += ["-Xcc", flag]
    return flags


def symbol_graphs(module, flags, output):
    """Extracts the symbol graph of a module, and the graphs of its extensions of other modules' types."""
    command = ["swift", "symbolgraph-extract", "-module-name", module, "-minimum-access-level", "package", "-skip-synthesized-members"]
    command += ["-target", target_triple(), "-output-dir", output, *flags]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"the symbol graph of {module} cannot be extracted:\n{result.stderr}")
    for path in sorted([*pathlib.Path(output).glob(f"{module}.symbols.json"), *pathlib.Path(output).glob(f"{module}@*.symbols.json")]):
        yield json.loads(path.read_text(encoding="utf-8"))


def target_triple():
    information = subprocess.run(["swift", "-print-target-info"], check=True, capture_output=True, text=True).stdout
    return json.loads(information)["target"]["unversionedTriple"]


def declarations(graph):
    """Yields each declaration that needs a doc comment of its own: its path, its file and whether it has the comment."""
    # A declaration with an origin fulfils a requirement or overrides a member, whose documentation it inherits.
    inherited = {relationship["source"] for relationship in graph["relationships"] if "sourceOrigin" in relationship}
    for symbol in graph["symbols"]:
        location = symbol.get("location", {}).get("uri", "")
        is_generated = "/DerivedSources/" in location or "::SYNTHESIZED::" in symbol["identifier"]["precise"]
        if symbol["kind"]["identifier"] == "swift.extension" or symbol["identifier"]["precise"] in inherited or is_generated:
            continue
        lines = symbol.get("docComment", {}).get("lines", [])
        yield ".".join(symbol["pathComponents"]), location.rsplit("/", 1)[-1], any(line["text"].strip() for line in lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--modules", action="append", help="a folder with modules, instead of those of the last build")
    directories = parser.parse_args().modules or [str(BUILD / "debug" / "Modules")]
    flags = include_flags(directories)
    documented, total, undocumented = collections.Counter(), collections.Counter(), []
    for module in our_modules():
        with tempfile.TemporaryDirectory() as output:
            for graph in symbol_graphs(module, flags, output):
                for path, file, has_comment in declarations(graph):
                    total[module] += 1
                    documented[module] += has_comment
                    if not has_comment:
                        undocumented.append(f"{module}: {path} ({file})" if file else f"{module}: {path}")
        if total[module]:
            print(f"{100 * documented[module] / total[module]:5.1f} %  {documented[module]:4} of {total[module]:4}  {module}")
    percentage = 100 * documented.total() / max(total.total(), 1)
    print(f"{percentage:5.1f} %  {documented.total():4} of {total.total():4}  all modules")
    if percentage < MINIMUM:
        for declaration in undocumented[:SHOWN]:
            print(f"{declaration} has no doc comment", file=sys.stderr)
        sys.exit(f"{MINIMUM} % of the public and package declarations must be documented.")


if __name__ == "__main__":
    main()
