#!/usr/bin/env python3
"""Checks an extract of a verification log: every receipt against the signed checkpoint.

Needs Python 3.8 and nothing else. The signature is checked when the package
`cryptography` is there; when it is not, the script says so.

    python3 check.py [--vkey KEY]... [FOLDER]

Exit code 0 all good, 1 something is wrong, 2 could not tell.
"""

import argparse
import base64
import hashlib
import json
import os
import sys


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def b64(text):
    return base64.b64decode(text.encode("ascii"), validate=True)


def read_checkpoint(text):
    """Name, size, root, the signed bytes, and the signatures as (name, key id, bytes)."""
    body, _, tail = text.rpartition("\n\n")
    lines = body.split("\n")
    if len(lines) != 3:
        raise ValueError("the checkpoint has not three lines")
    signatures = []
    for line in tail.strip("\n").split("\n"):
        dash, name, encoded = line.split(" ")
        if dash != "\u2014":
            raise ValueError("a signature line does not begin with a dash")
        raw = b64(encoded)
        signatures.append((name, raw[:4], raw[4:]))
    return lines[0], int(lines[1]), b64(lines[2]), (body + "\n").encode("utf-8"), signatures


def read_receipt(text):
    """Entry, index, hashes and checkpoint of a tlog-proof."""
    proof, _, checkpoint = text.partition("\n\n")
    lines = proof.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra "):
        raise ValueError("not a receipt with its entry")
    if not lines[2].startswith("index "):
        raise ValueError("the receipt has no index")
    return b64(lines[1][6:]), int(lines[2][6:]), [b64(line) for line in lines[3:]], checkpoint


def leads_to(entry, index, size, hashes, root):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    place, last, found = index, size - 1, sha256(b"\x00", entry)
    for sibling in hashes:
        if last == 0 or len(sibling) != 32:
            return False
        if place & 1 or place == last:
            found = sha256(b"\x01", sibling, found)
            while place & 1 == 0 and place != 0:
                place >>= 1
                last >>= 1
        else:
            found = sha256(b"\x01", found, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and found == root


def check_signature(vkey, name, signed, signatures):
    """'good', 'bad: …' or 'not checked: …'."""
    key_name, key_id, encoded = vkey.split("+", 2)
    raw = b64(encoded)
    if key_name != name:
        return "bad: the key is of the log " + key_name
    if len(raw) != 33 or raw[0] != 1:
        return "bad: the key is not Ed25519"
    if sha256(name.encode("utf-8"), b"\n", raw)[:4].hex() != key_id:
        return "bad: the key's id does not fit it"
    own = [sig for who, kid, sig in signatures if who == name and kid.hex() == key_id]
    if not own:
        return "bad: the checkpoint is not signed with this key"
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return "not checked: the package `cryptography` is not installed; README.txt, step 4, does it with openssl"
    for signature in own:
        try:
            Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature, signed)
        except InvalidSignature:
            return "bad: the signature is false"
    return "good"


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
    results = [
        check_signature(vkey.strip(), name, signed, signatures)
        for vkey in arguments.vkey or text_of("log.vkey").split("\n") if vkey.strip()
    ]
    signature = next((result for result in results if not result.startswith("bad")), results[0])
    if signature.startswith("bad"):
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
