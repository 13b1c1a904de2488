#!/usr/bin/env python3
"""Checks the evidence package of a case: digests, receipts, the log's signature, openings, documents, the outcome.

Needs Python 3.8 and nothing else, not even for the signature. It does not take the decisions again, and does not
conclude the case again: `heyan case verify` does. Use a copy of this script that you did not get with the package.

    python3 check.py [--log-key KEY]... [PACKAGE]

PACKAGE is a folder or a ZIP; left out, the folder of this script.
Exit code 0 all good, 1 something is wrong, 2 could not tell.
"""

import argparse
import hashlib
import hmac
import json
import os
import sys
import zipfile

from proof import b64, leads_to, read_checkpoint, read_receipt, sha256, signature_flaw

MOST_BYTES, MOST_FILES = 64 << 20, 2000
FIELDS = {"subject": 1, "operator": 2, "request": 3, "answer": 4}


def read_zip(path):
    files, left = {}, MOST_BYTES
    with zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > MOST_FILES:
            raise ValueError("the package has too many files")
        for entry in archive.infolist():
            if entry.filename in files:
                raise ValueError("the package holds %s twice" % entry.filename)
            with archive.open(entry) as file:
                files[entry.filename] = file.read(left + 1)
            left -= len(files[entry.filename])
            if left < 0:
                raise ValueError("the package is too large")
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
    kinds = fields(entry)
    question = next((kinds[kind] for kind in (10, 11, 12) if kind in kinds), b"")
    commitment = fields(fields(question).get(3, b"")).get(FIELDS[name])
    label = name.encode("ascii")
    told = b"heyan/audit/commitment/v1\0" + len(label).to_bytes(8, "big") + label
    told += len(value).to_bytes(8, "big") + value
    return len(opening) == 32 and commitment == hmac.new(opening, told, hashlib.sha256).digest()


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
        if entry is None or not files[path] or files[path] not in entry:
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
    return problems, (len(files), len(entries), openings), about


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("package", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--log-key", action="append", help="the log's key, from a source other than the package")
    arguments = parser.parse_args()
    read = read_folder if os.path.isdir(arguments.package) else read_zip
    problems, counts, about = check(read(arguments.package), arguments.log_key)
    print("case       %s" % about)
    print("checked    %d files, %d entries with receipts, %d openings" % counts)
    if not arguments.log_key:
        print("key        from the package: this proves only that it agrees with itself; use --log-key")
    print("not done   the decisions were not taken again: heyan case verify does that")
    for problem in problems[:100]:
        print("PROBLEM    %s" % problem)
    if len(problems) > 100:
        print("PROBLEM    and %d more" % (len(problems) - 100))
    print("all good" if not problems else "NOT good: %d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        print("could not tell: %s" % error, file=sys.stderr)
        sys.exit(2)
