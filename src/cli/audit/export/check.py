#!/usr/bin/env python3
"""Checks an extract of a verification log: every receipt against the signed checkpoint.

Needs Python 3.8 and nothing else, not even for the signature.

    python3 check.py [--vkey KEY]... [FOLDER]

Exit code 0 all good, 1 something is wrong, 2 could not tell.
"""

import argparse
import json
import os
import sys

from proof import b64, leads_to, read_checkpoint, read_receipt, sha256, signature_flaw


def receipts(folder):
    """Index and text of every receipt, by whatever name."""
    one_file = os.path.join(folder, "receipts.jsonl")
    if os.path.exists(one_file):
        with open(one_file, encoding="utf-8", newline="") as lines:
            for line in lines:
                yield json.loads(line)["receipt"]
    many = os.path.join(folder, "receipts")
    if os.path.isdir(many):
        for name in sorted(os.listdir(many), key=lambda name: (len(name), name)):
            with open(os.path.join(many, name), encoding="utf-8", newline="") as text:
                yield text.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--vkey", action="append", help="the log's key, from a source other than this folder")
    arguments = parser.parse_args()
    folder, problems = arguments.folder, []

    def text_of(name):
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
            return file.read()

    checkpoint = text_of("checkpoint")
    name, size, root, signed, signatures = read_checkpoint(checkpoint)
    stored = {}
    with open(os.path.join(folder, "entries.jsonl"), encoding="utf-8", newline="") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["index"] in stored:
                problems.append("entry %d stands twice in entries.jsonl" % entry["index"])
            stored[entry["index"]] = sha256(b64(entry["stored"]))
    checked = set()
    for text in receipts(folder):
        try:
            entry, index, hashes, below = read_receipt(text)
            if below != checkpoint:
                problems.append("entry %d: its receipt is under another checkpoint" % index)
            elif not leads_to(entry, index, size, hashes, root):
                problems.append("entry %d: its proof does not lead to the root" % index)
            elif stored.get(index) != sha256(entry):
                problems.append("entry %d: entries.jsonl has other bytes than the receipt" % index)
            checked.add(index)
        except (ValueError, IndexError) as error:
            problems.append("a receipt cannot be read: %s" % error)
    if checked:
        for index in sorted(stored.keys() - checked):
            problems.append("entry %d has no receipt" % index)

    # A log that went over to another key has several: the checkpoint is signed with one of them.
    keys = [key.strip() for key in arguments.vkey or text_of("log.vkey").split("\n") if key.strip()]
    flaws = [signature_flaw(key, name, signed, signatures) for key in keys] or ["there is no key"]
    signature = "good" if None in flaws else "bad: " + flaws[0]
    if None not in flaws:
        problems.append("the checkpoint's signature is " + signature)
    print("log        %s, checkpoint over %d entries" % (name, size))
    print("entries    %d in entries.jsonl" % len(stored))
    print("receipts   %d checked%s" % (len(checked), "" if checked else ": this extract has none"))
    print("signature  %s" % signature)
    if not arguments.vkey:
        print("key        from this folder: compare it with the one the operator published, or use --vkey")
    for problem in problems[:100]:
        print("PROBLEM    %s" % problem)
    if len(problems) > 100:
        print("PROBLEM    and %d more" % (len(problems) - 100))
    print("all good" if not problems else "NOT good: %d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as error:
        print("could not tell: %s" % error, file=sys.stderr)
        sys.exit(2)
