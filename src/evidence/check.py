#!/usr/bin/env python3
"""Checks the evidence package of a case: digests, receipts, the log's signature, openings, documents, the outcome.

Needs Python 3.8 and nothing else, not even for the signature; to compare again what the application states, 3.11. It does
not take the decisions again, and does not conclude the case again: `heyan case verify` does. Use a copy of this script
that you did not get with the package.

    python3 check.py [--log-key KEY]... [PACKAGE]

PACKAGE is a folder or a ZIP; left out, the folder of this script.
Exit code 0 all good, 1 something is wrong, 2 could not tell.
"""

import argparse
import calendar
import datetime
import hashlib
import hmac
import json
import os
import struct
import sys
import zlib

try:
    import tomllib
except ImportError:
    tomllib = None

from proof import b64, leads_to, read_checkpoint, read_receipt, sha256, signature_flaw

MOST_BYTES, MOST_FILES = 64 << 20, 2000
FIELDS = {"subject": 1, "operator": 2, "request": 3, "answer": 4}
# Where entries hold a document: the entry's field, and the field in it.
DOCUMENTS = ((13, 4), (14, 3), (18, 3), (21, 3))
# Made for people from the rest; only `heyan case verify` makes it again.
NOT_COMPARED = "case.json, index.html, README.txt"


def read_zip(path):
    """The files of the package, which must be the one ZIP of them: stored, one behind the other, nothing between. What
    another program packed can show two readers two contents."""
    if os.path.getsize(path) > MOST_BYTES:
        raise ValueError("the package is too large")
    with open(path, "rb") as file:
        whole = file.read()
    files, at, listed = {}, 0, b""
    while whole[at : at + 4] == b"PK\x03\x04":
        header = whole[at + 4 : at + 30]
        version, flags, method, moment, day, crc, packed, length, name_length, extra = struct.unpack("<5H3I2H", header)
        name = whole[at + 30 : at + 30 + name_length]
        content = whole[at + 30 + name_length : at + 30 + name_length + length]
        if (version, flags, method, extra) != (20, 0, 0, 0) or packed != length or len(content) != length:
            raise ValueError("the package was packed by another program: unpack it, and check the folder")
        if zlib.crc32(content) != crc or name.decode("ascii") in files or len(files) == MOST_FILES:
            raise ValueError("the package is damaged, or holds a file twice, or too many")
        listed += b"PK\x01\x02" + struct.pack("<H", 20) + header + bytes(10) + struct.pack("<I", at) + name
        files[name.decode("ascii")] = content
        at += 30 + name_length + length
    end = struct.pack("<4s2H2H2IH", b"PK\x05\x06", 0, 0, len(files), len(files), len(listed), at, 0)
    if not files or whole[at:] != listed + end:
        raise ValueError("the package's list is not that of its files: unpack it, and check the folder")
    return files


def read_folder(path):
    files, left = {}, MOST_BYTES
    for folder, _, names in os.walk(path):
        for name in names:
            whole = os.path.join(folder, name)
            if os.path.islink(whole) or not os.path.isfile(whole):
                raise ValueError("%s is no plain file" % whole)
            with open(whole, "rb") as file:
                content = file.read(left + 1)
            left -= len(content)
            if left < 0 or len(files) == MOST_FILES:
                raise ValueError("the package is too large")
            files[os.path.relpath(whole, path).replace(os.sep, "/")] = content
    return files


def number(message, at):
    shift = value = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(message):
    """The fields of a protobuf message that hold bytes, by number; of several with one number the last."""
    found, at = {}, 0
    while at < len(message):
        tag, at = number(message, at)
        if tag & 7 == 2:
            length, at = number(message, at)
            if at + length > len(message):
                raise ValueError("an entry is cut short")
            found[tag >> 3] = message[at : at + length]
            at += length
        elif tag & 7 == 0:
            _, at = number(message, at)
        else:
            raise ValueError("an entry has a field of another kind")
    return found


def commits(entry, name, value, opening):
    """Whether the entry commits to this value of that field."""
    commitment = fields(commitments(fields(entry))).get(FIELDS[name])
    label = name.encode("ascii")
    told = b"heyan/audit/commitment/v1\0" + len(label).to_bytes(8, "big") + label
    told += len(value).to_bytes(8, "big") + value
    return len(opening) == 32 and commitment == hmac.new(opening, told, hashlib.sha256).digest()


def commitments(kinds):
    """Those of an intent, an outcome, a denial, a case, or a step of a dispute."""
    for kind in (10, 11, 12):
        if kind in kinds:
            return fields(kinds[kind]).get(3, b"")
    if 22 in kinds:
        return fields(kinds[22]).get(12, b"")
    steps = fields(kinds.get(23, b""))
    return fields(steps.get(2, b"")).get(12, b"") or fields(steps.get(4, b"")).get(4, b"")


def document(entry):
    """The document that an entry holds; None when it holds none."""
    kinds = fields(entry)
    held = [fields(kinds[kind]).get(field) for kind, field in DOCUMENTS if kind in kinds]
    return held[0] if held else None


def moved(day, months):
    """The same day so many months earlier, or the last of that month."""
    months = day.year * 12 + day.month - 1 - months
    year, month = months // 12, months % 12 + 1
    return datetime.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def operand(value, rule, given, day, like):
    """What a rule compares with; None when it is not stated."""
    if not isinstance(value, dict):
        return value
    number = lambda it: rule["parameters"][it] if isinstance(it, str) else it
    if "days_ago" in value:
        return str(day - datetime.timedelta(number(value["days_ago"])))
    if "months_ago" in value:
        return str(moved(day, number(value["months_ago"])))[: len(like)]
    made = rule["parameters"][value["parameter"]] if "parameter" in value else given.get(value["given"])
    if made is None or not {"times", "over", "step"} & value.keys():
        return made
    step = number(value.get("step", 1))
    product, divisor = made * number(value.get("times", 1)), number(value.get("over", 1)) * step
    up = value.get("round") == "up"
    return (-(-product // divisor) if up else product // divisor) * step


def holds(left, comparison, right):
    if type(left) is not type(right):
        return False
    return {
        "eq": left == right, "in": left == right, "ne": left != right, "lt": left < right, "le": left <= right,
        "gt": left > right, "ge": left >= right, "exists": True,
    }.get(comparison, False)


def stated(files, manifest, case, rules, problem):
    """Compares again what the application states with what the rule asks; says what came of that."""
    path = "openings/%d.json" % manifest["case"]
    opened = json.loads(files[path].decode("utf-8"))["fields"] if path in files else {}
    course = json.loads(case.get(7, b"{}").decode("utf-8"))
    if "request" not in opened:
        return "the application is not opened: what it states is the entry's word"
    if tomllib is None:
        return "what the application states was not compared again: that needs Python 3.11"
    request = json.loads(opened["request"]["value"])
    if "sha256" in request:
        return "the application is too large to be in the package"
    given = {name: next(iter(value.values())) for name, value in request.get("given", {}).items()}
    rule = tomllib.loads(files[rules[0]].decode("utf-8"))
    day = datetime.date.fromisoformat(course["submitted_on"])
    checked = {}
    for need in rule.get("need", []):
        if need.get("given") in given:
            left = given[need["given"]]
            right = operand(need["value"], rule, given, day, left)
            if right is not None:
                checked[need["name"]] = holds(left, need["comparison"], right)
    for name in sorted(checked.keys() | course["checked"].keys()):
        if checked.get(name) != course["checked"].get(name):
            problem(path, "the need %s was not checked as the application states" % name)
    return "%d comparisons with what the application states were made again" % len(checked)


def check(files, keys):
    """What is wrong, what was checked, and for people what it is about."""
    problems = []
    problem = lambda path, what: problems.append("%s: %s" % (path, what))
    manifest = json.loads(files["manifest.json"].decode("utf-8"))
    listed = {}
    for file in manifest["files"]:
        if file["path"] in listed:
            problem("manifest.json", "lists %s twice" % file["path"])
        listed[file["path"]] = file
    for path, file in sorted(listed.items()):
        content = files.get(path)
        if content is None:
            problem(path, "is missing")
        elif len(content) != file["bytes"] or hashlib.sha256(content).hexdigest() != file["sha256"]:
            problem(path, "is not the file that the manifest lists")
    for path in sorted(files.keys() - listed.keys() - {"manifest.json"}):
        problem(path, "is not in the manifest")

    checkpoint = files["checkpoint"].decode("utf-8")
    name, size, root, signed, signatures = read_checkpoint(checkpoint)
    own = [key for key in files["log.vkey"].decode("utf-8").split("\n") if key]
    flaws = [signature_flaw(key.strip(), name, signed, signatures) for key in keys or own]
    if None not in flaws:
        problem("checkpoint", flaws[0] if flaws else "there is no key")
    if keys and set(own) - {key.strip() for key in keys}:
        problem("log.vkey", "holds a key that was not given: if the log has had it, give it with --log-key too")

    entries = {}
    for path in sorted(path for path in files if path.startswith("receipts/")):
        try:
            entry, index, hashes, below = read_receipt(files[path].decode("utf-8"))
        except (ValueError, IndexError):
            problem(path, "is no receipt")
            continue
        if path != "receipts/%d.tlog-proof" % index:
            problem(path, "is the receipt of entry %d" % index)
        elif below != checkpoint:
            problem(path, "is under another checkpoint")
        elif not leads_to(entry, index, size, hashes, root):
            problem(path, "does not lead from its entry to the checkpoint")
        entries[index] = entry

    openings = 0
    for path in sorted(path for path in files if path.startswith("openings/")):
        opened = json.loads(files[path].decode("utf-8"))
        entry = entries.get(opened["entry"], b"")
        for field, told in sorted(opened["fields"].items()):
            openings += 1
            value = told["value"].encode("utf-8")
            if field not in FIELDS or not commits(entry, field, value, b64(told["opening"])):
                problem(path, "its %s is not what entry %d commits to" % (field, opened["entry"]))

    documents = [path for path in files if path.split("/")[0] in ("agreements", "parties", "rule")]
    for path in sorted(documents):
        index = path.split("/")[1].split("-")[0]
        entry = entries.get(int(index)) if index.isdigit() else None
        if entry is None or document(entry) != files[path]:
            problem(path, "is not what entry %s holds" % index)

    for line in files["entries.jsonl"].decode("utf-8").splitlines():
        told = json.loads(line)
        if entries.get(told["index"]) != b64(told["stored"]):
            problem("entries.jsonl", "entry %d has other bytes than its receipt" % told["index"])

    case = fields(fields(entries.get(manifest["case"], b"")).get(22, b""))
    outcome = case.get(8, b"").decode("utf-8")
    rules = [path for path in documents if path.startswith("rule/")]
    if not outcome:
        problem("manifest.json", "names entry %d, which records no case" % manifest["case"])
    elif manifest["archive"]["\u6838\u9a8c\u7ed3\u8bba"] != outcome:
        problem("manifest.json", "has another outcome than the entry of the case")
    if [sha256(files[path]) for path in rules] != [case.get(4)]:
        problem("rule/", "is not the rule that the entry of the case names")
    case_number = case.get(5, b"").decode("utf-8")
    about = "%s, %s, entry %d of %s (%d entries)" % (case_number, outcome, manifest["case"], name, size)
    again = stated(files, manifest, case, rules, problem) if outcome and len(rules) == 1 else ""
    return problems, (len(files), len(entries), openings), (about, again)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("package", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--log-key", action="append", help="the log's key, from a source other than the package")
    arguments = parser.parse_args()
    read = read_folder if os.path.isdir(arguments.package) else read_zip
    problems, counts, (about, again) = check(read(arguments.package), arguments.log_key)
    print("case       %s" % about)
    print("checked    %d files, %d entries with receipts, %d openings" % counts)
    if not arguments.log_key:
        print("key        from the package: this proves only that it agrees with itself; use --log-key")
    if again:
        print("stated     %s" % again)
    print("not done   the decisions were not taken again: heyan case verify does that")
    print("not compared: %s" % NOT_COMPARED)
    print("only log   orders, withdrawals, freezes and disputes that are not in it are seen only in the log")
    for problem in problems[:100]:
        print("PROBLEM    %s" % problem)
    if len(problems) > 100:
        print("PROBLEM    and %d more" % (len(problems) - 100))
    print("all good" if not problems else "NOT good: %d problems" % len(problems))
    return 1 if problems else 0


COULD_NOT_TELL = (
    OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, EOFError, MemoryError,
    struct.error, zlib.error,
)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except COULD_NOT_TELL as error:
        print("could not tell: %s" % error, file=sys.stderr)
        sys.exit(2)
