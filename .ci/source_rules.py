#!/usr/bin/env python3
"""source_rules.py: rules about the text of the project's files that no compiler keeps.

Fails on: code that is not written yet, a FIXME, a pause in a test that no comment justifies, a path of one machine, the
host of a package registry, a quirk or defect (Q12, `q12_`) that docs/server-quirks.md does not
explain, a library some of whose tests `cargo test -p` would leave out, an import of a lower room of the procedures from a
higher one, rooms that use each other in a circle. Warns when a source file has more than 400 lines without its tests.
"""

import pathlib
import re
import subprocess
import sys

LINES = 400
NOT_WRITTEN = re.compile(r"\b(todo|unimplemented)!\s*[(\[{]")
FIXME = re.compile(r"\bFIXME\b")
PAUSE = re.compile(r"(?<![.\w])((std::)?thread::|(tokio::)?time::)?sleep(_until|_ms)?\(")
MACHINE_PATH = re.compile(r"(?<![\w.:/>-])/(work|root|home|Users|tmp)/\w")
# What the configuration of a package manager or a mirror would bring in.
REGISTRY = re.compile(
    r"(index|static)\.crates\.io|pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang\.org"
    r"|(repo1?|repo\.maven)\.(maven|apache)\.org|deb\.debian\.org|\b(artifactory|nexus|devpi|verdaccio)[\w-]*\.\w+\.\w+"
)
# `Q12` and `D3` in prose and comments, `q12_` and `_d03_` in the names of tests.
CITED = re.compile(r"(?<![\w.#/-])([QD])(\d{1,2})(?![\w.])|(?<![A-Za-z0-9])([qd])(\d{1,2})_")
QUIRKS = "docs/server-quirks.md"
# Cargo writes the registry there itself, and the rules are written here.
EXEMPT = re.compile(r"(^|/)Cargo\.lock$|^\.ci/source_rules\.py$")


def files():
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], check=True, capture_output=True, text=True)
    for name in sorted(filter(None, listed.stdout.split("\0"))):
        path = pathlib.Path(name)
        if path.is_file() and not path.is_symlink() and not EXEMPT.search(name):
            yield name, path.read_bytes().decode("utf-8", errors="replace").splitlines()


def first_test_line(name, lines):
    """The index of the first line that is test code; the number of lines when there is none."""
    if "tests" in pathlib.PurePath(name).with_suffix("").parts:
        return 0
    for number, line in enumerate(lines):
        # `mod tests;` keeps its tests in another file, and what follows it is no test.
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.strip().startswith("#[cfg(test)]") and re.search(r"\bmod \w+ \{", line + following):
            return number
    return len(lines)


def justified(lines, number):
    """By a comment, or because tokio's time is paused in this very function, so that nobody waits."""
    before = lines[number - 1].strip() if number else ""
    if "//" in lines[number] or before.startswith("//"):
        return True
    start = next((at for at in range(number, -1, -1) if re.match(r"\s*(pub(\(\w+\))? )?(async )?fn ", lines[at])), 0)
    paused = start > 0 and "start_paused = true" in lines[start - 1]
    return paused and re.search(r"\btime::sleep", lines[number]) is not None


# The rooms of the procedures. A procedure is built on the lower ones; none of them may know it.
PROCEDURES = "camunda-backup-procedures/src/"
MAY_USE = {
    "millis": set(),
    "replicas": set(),
    "obligation": {"replicas"},
    "journal": set(),
    "engine": {"journal", "millis", "obligation"},
    "connection": {"engine", "journal"},
    "facts": {"connection", "millis", "replicas"},
    "exporting": {"connection", "engine", "obligation", "replicas"},
}
# Each file of a procedure's folder is a room of its own: its task and its words are below what every procedure has in
# common, its planner and steps above it.
FOLDERS = {"backup"}
# They see everything: what a user sees, what the tests are made of.
ABOVE_ALL = {"lib", "testing", "trial"}


def rooms_used(name, lines):
    """The room of a file, and what its own code uses of others: (line, room)."""
    place = name[len(PROCEDURES):].removesuffix(".rs").split("/")
    in_folder = place[0] in FOLDERS and len(place) > 1
    room = "::".join(place[:2]) if in_folder else place[0]
    used = []
    for number, line in enumerate(lines[: first_test_line(name, lines)]):
        code = line.split("//")[0]
        for first, second in re.findall(r"\bcrate::(\w+)(?:::(\w+))?", code):
            used.append((number, f"{first}::{second}" if first in FOLDERS else first))
        if in_folder and len(place) == 2:
            used += [(number, f"{place[0]}::{sibling}") for sibling in re.findall(r"\bsuper::(\w+)", code)]
    return room, [(number, other) for number, other in used if other[0].islower() and other != room]


def layer_problems(sources):
    """Imports that run back up, and circles between rooms: (file, line, problem)."""
    uses = {}
    for name, lines in sources:
        if not name.startswith(PROCEDURES) or "tests" in name or "/trial" in name:
            continue
        room, used = rooms_used(name, lines)
        for number, other in used if room not in ABOVE_ALL else []:
            uses.setdefault(room, {}).setdefault(other, (name, number))
            if other not in MAY_USE.get(room, {other}):
                yield name, number, f"{room} must not use {other}"
    done = set()

    def circle(room, path):
        if room in path:
            return path[path.index(room):] + [room]
        if room in done:
            return None
        found = next(filter(None, (circle(other, path + [room]) for other in uses.get(room, {}))), None)
        done.add(room)
        return found

    for room in sorted(uses):
        if found := circle(room, []):
            name, number = uses[found[0]][found[1]]
            yield name, number, f"rooms use each other in a circle: {' → '.join(found)}"
            return


def rust_problems(name, lines):
    tests = first_test_line(name, lines)
    for number, line in enumerate(lines):
        code = line.split("//")[0]
        if NOT_WRITTEN.search(code):
            yield number, "code that is not written yet"
        if number >= tests and PAUSE.search(code) and not justified(lines, number):
            yield number, "a pause in a test needs a comment (same or previous line) that says why it is no guess"


def text_problems(lines):
    for number, line in enumerate(lines):
        if FIXME.search(line):
            yield number, "an open end"
        if MACHINE_PATH.search(line):
            yield number, "a path of one machine"
        if REGISTRY.search(line):
            yield number, "the host of a package registry"


def explained():
    """The numbers that have a line of their own in the table of quirks."""
    lines = pathlib.Path(QUIRKS).read_text(encoding="utf-8").splitlines()
    return {match[1] for match in (re.match(r"\| ([QD]\d+) \|", line) for line in lines) if match}


def citation_problems(lines, known):
    for number, line in enumerate(lines):
        for cited in CITED.finditer(line):
            letter, digits = cited[1] or cited[3], cited[2] or cited[4]
            if f"{letter.upper()}{int(digits)}" not in known:
                yield number, f"{letter.upper()}{int(digits)} is not explained in {QUIRKS}"


def manifest_problems(lines):
    """A library with a feature for its tests depends on itself with it, so that testing it alone runs all of them."""
    text = "\n".join(lines)
    named = re.search(r'^name = "([^"]+)"', text, re.M)
    if named and re.search(r"^testing = \[", text, re.M):
        itself = rf'^{named[1]} = \{{ path = "\.", features = \["testing"\] \}}'
        _, _, dev_dependencies = text.partition("[dev-dependencies]")
        if not re.search(itself, dev_dependencies, re.M):
            yield 0, "`cargo test -p` leaves out tests: no dev-dependency on itself with the feature `testing`"


def main():
    problems = seen = 0
    known = explained()
    sources = list(files())
    of_rooms = {}
    for name, number, what in layer_problems(sources):
        of_rooms.setdefault(name, []).append((number, what))
    for name, lines in sources:
        seen += 1
        found = list(text_problems(lines)) + of_rooms.get(name, [])
        if name.endswith("Cargo.toml"):
            found += manifest_problems(lines)
        if name.endswith((".rs", ".md")):
            found += citation_problems(lines, known)
        if name.endswith(".rs"):
            found += rust_problems(name, lines)
            own = first_test_line(name, lines)
            if own > LINES:
                print(f"warning: {name}: {own} lines without tests, more than {LINES}: one idea per file")
        for number, what in sorted(found):
            problems += 1
            print(f"{name}:{number + 1}: {what}: {lines[number].strip()[:100]}")
    print(f"{seen} files looked at, {problems} problems")
    return 1 if problems or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
