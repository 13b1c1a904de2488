"""A second verifier of heyan's audit log, written from docs/audit-log.md and from nothing else.

    verify_log.py LOG… [--vkey KEY]             a log's folder, or several, one after the other
    verify_log.py --tiles BASE --vkey KEY       tiles: a folder that `heyan audit export` wrote, or http://…/log
                  [--cosigner KEY]              also the ML-DSA-44 cosignature of the published checkpoint

Prints one JSON document a line. Exit 0: whole. 1: not whole, the first bad place is named. 2: could not tell.
Python's standard library, and `cryptography` for the two kinds of signature. Section numbers are those of the document.
"""

import argparse
import base64
import binascii
import hashlib
import json
import pathlib
import re
import struct
import sys
import urllib.error
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

BLOCK, LONGEST = 4096, (1 << 20) + (4 << 20) + 4096


class Bad(Exception):
    """Something is not as it must be."""


def need(holds, problem):
    if not holds:
        raise Bad(problem)


# --- §5 hashing ------------------------------------------------------------------------------------------------------

def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """Grows by leaves; keeps the roots of its complete subtrees, largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        place = self.size
        while place & 1:
            leaf, place = node_hash(self.peaks.pop(), leaf), place >> 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self):
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


# --- §6 keys, notes, checkpoints -------------------------------------------------------------------------------------

ED25519, ML_DSA_44 = 1, 6


def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(f"{what}: not base64") from None
    need(base64.b64encode(data).decode() == text, f"{what}: not the one base64 of its bytes")
    return data


class Key:
    """A verifier key."""

    def __init__(self, text, kind=ED25519):
        parts = text.split("+", 2)
        need(len(parts) == 3, "malformed verifier key")
        self.text, self.name, data = text, parts[0], unbase64(parts[2], "verifier key")
        need(self.name and not re.search(r"[\s\x00-\x1f\x7f-\x9f]", self.name), "malformed key name")
        need(len(data) == {ED25519: 33, ML_DSA_44: 1313}[kind] and data[0] == kind, "a key of another type")
        self.public, self.kind = data[1:], kind
        self.id = hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
        need(parts[1] == self.id.hex(), "the verifier key's id is not its own")

    def signed(self, signature, text):
        try:
            if self.kind == ED25519:
                ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
                return True
            origin, size, root = checkpoint_text(text)
            need(len(signature) > 8 and signature[:8] != bytes(8), "malformed cosignature")
            message = b"subtree/v1\n\0" + bytes([len(self.name.encode())]) + self.name.encode() + signature[:8]
            message += bytes([len(origin.encode())]) + origin.encode() + struct.pack(">QQ", 0, size) + root
            mldsa.MLDSA44PublicKey.from_public_bytes(self.public).verify(signature[8:], message)
            return True
        except InvalidSignature:
            return False


def read_note(data):
    """Text, and signatures as (name, id, bytes)."""
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise Bad("the note is not UTF-8") from None
    need(len(data) <= 1 << 20 and not re.search("[\x00-\x09\x0b-\x1f]", note), "malformed note")
    at = note.rfind("\n\n")
    need(at >= 0 and note.endswith("\n") and at + 2 < len(note), "malformed note")
    lines = note[at + 2 : -1].split("\n")
    need(len(lines) <= 100, "too many signatures")
    signatures = []
    for line in lines:
        match = re.fullmatch(r"— ([^ +\s]+) ([^ ]+)", line)
        need(match, "malformed signature line")
        payload = unbase64(match[2], "signature line")
        need(len(payload) > 4, "malformed signature line")
        signatures.append((match[1], payload[:4], payload[4:]))
    return note[: at + 1], signatures


def check_signed(text, signatures, key):
    found = [signature for name, id, signature in signatures if (name, id) == (key.name, key.id)]
    need(all(key.signed(signature, text) for signature in found), f"a signature of {key.name} is false")
    need(found, f"not signed by the key of {key.name} that must have")


def checkpoint_text(text):
    lines = text.split("\n")
    need(len(lines) == 4 and lines[0] and lines[3] == "", "malformed checkpoint")
    need(re.fullmatch(r"0|[1-9][0-9]{0,19}", lines[1]) and int(lines[1]) < 1 << 64, "malformed size")
    root = unbase64(lines[2], "root")
    need(len(root) == 32, "malformed root")
    return lines[0], int(lines[1]), root


# --- §7 entries ------------------------------------------------------------------------------------------------------

# Per message: field number → type. u32, u64, enum, bool, text, bytes; a name is a message; + repeated, ? optional.
SCHEMA = {
    "Entry": {1: "u32", 2: "u64", 10: "Intent", 11: "Outcome", 12: "Denial", 13: "Agreement", 14: "Party", 15: "Node",
              16: "Catalogue", 17: "Adapter", 18: "Freeze", 19: "Key", 20: "Erasure",
              21: "Rule", 22: "Case", 23: "Dispute"},
    "Intent": {1: "Facts", 2: "Permit", 3: "Commitments", 4: "AdapterRef"},
    "Outcome": {1: "Facts", 2: "Permit", 3: "Commitments", 4: "u64", 5: "enum2", 6: "enum6", 7: "u64", 8: "text+",
                9: "u32", 10: "text", 11: "u32+", 12: "text+"},
    "Denial": {1: "Facts", 2: "text", 3: "Commitments"},
    "Permit": {1: "text", 2: "u32", 3: "u32"},
    "Facts": {1: "u32", 2: "bytes", 3: "u64", 4: "u64", 5: "u64?", 6: "Caller", 7: "text", 8: "text", 9: "text",
              10: "text", 11: "text", 12: "text", 13: "text", 14: "bool", 15: "Role+", 16: "Shape+", 17: "text+",
              18: "u64?", 19: "Defect+", 20: "Quota+", 21: "text+", 22: "bytes", 23: "text", 24: "text"},
    "Caller": {1: "text", 2: "text", 3: "bytes", 4: "enum6"},
    "Role": {1: "text", 2: "text", 3: "text", 4: "u64"}, "Shape": {1: "text", 2: "text", 3: "Permit+"},
    "Defect": {1: "text", 2: "text"}, "Quota": {1: "text", 2: "u64", 3: "u64", 4: "u64"},
    "Commitments": {1: "bytes", 2: "bytes", 3: "bytes", 4: "bytes", 5: "bytes"},
    "AdapterRef": {1: "text", 2: "text", 3: "bytes"},
    "Agreement": {1: "enum5", 2: "text", 3: "u32", 4: "bytes"}, "Party": {1: "enum2", 2: "text", 3: "bytes"},
    "Node": {1: "enum3", 2: "text"}, "Catalogue": {1: "bytes", 2: "text"}, "Adapter": {1: "AdapterRef", 2: "text+", 3: "enum1"},
    "Freeze": {1: "enum2", 2: "text", 3: "bytes"}, "Key": {1: "enum2", 2: "enum2", 3: "text", 4: "bytes"},
    "Erasure": {1: "u64+", 2: "text", 3: "text"}, "Rule": {1: "text", 2: "text", 3: "bytes", 4: "text", 5: "text"},
    "Case": {1: "Caller", 2: "text", 3: "text", 4: "bytes", 5: "text", 6: "text", 7: "text", 8: "text", 9: "Need+",
             10: "bool", 11: "bytes", 12: "Commitments"},
    "Need": {1: "text", 2: "text"},
    "Dispute": {1: "bytes", 2: "Opened", 3: "Delivery", 4: "Answered", 5: "Rechecked"},
    "Opened": {1: "Caller", 2: "u64", 3: "enum6", 4: "text", 5: "text", 6: "bytes", 7: "text", 8: "u32", 9: "text",
               10: "bool", 11: "text", 12: "Commitments"},
    "Delivery": {1: "enum2", 2: "text", 3: "text"}, "Answered": {1: "text", 2: "text", 3: "Caller", 4: "Commitments"},
    "Rechecked": {1: "Caller", 2: "u64", 3: "u64", 4: "enum6", 5: "enum6"},
}
# Per message: fields that must be there.
REQUIRED = {
    "Entry": [1], "Intent": [1, 2, 3, 4], "Outcome": [1, 2, 3, 5, 6], "Denial": [1, 2, 3], "Permit": [1, 2, 3],
    "Facts": [1, 2, 6, 22], "Caller": [3, 4], "AdapterRef": [1], "Agreement": [1, 2, 3], "Party": [1, 2],
    "Node": [1, 2], "Catalogue": [1], "Adapter": [1], "Freeze": [1, 2, 3], "Key": [1, 2, 3], "Erasure": [3],
    "Rule": [1, 2, 3, 4], "Case": [1, 2, 3, 4, 5, 7, 8, 11], "Need": [1, 2],
    "Dispute": [1], "Opened": [1, 3, 4, 5, 6, 7, 11, 12], "Delivery": [1], "Answered": [1, 2, 4],
    "Rechecked": [1, 4, 5],
}
LENGTHS = {("Facts", 2): 16, ("Facts", 22): 32, ("Caller", 3): 32, ("AdapterRef", 3): 32, ("Catalogue", 1): 32,
           ("Case", 4): 32, ("Case", 11): 16, ("Dispute", 1): 16, ("Opened", 6): 16}
REASONS = "timeout unreachable refused contract_error maintenance overloaded breaker_open deadline no_adapter".split()
RELATIONS = [None, "case_party", "declared", "verified", "mandated"]
COMPARISONS = "eq ne lt le gt ge in exists name_match".split()


def varint(data, at):
    value = 0
    for length in range(10):
        need(at + length < len(data), "a number is cut short")
        byte = data[at + length]
        value |= (byte & 127) << 7 * length
        if byte < 128:
            need((byte or not length) and value < 1 << 64, "a number is not in its shortest form")
            return value, at + length + 1
    raise Bad("a number is too long")


def message(name, data):
    """The fields of a message; everything that is not in its one form is refused."""
    fields, at, last = {}, 0, 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        kind = SCHEMA[name].get(number)
        need(kind, f"{name}: field {number} is unknown")
        repeated, optional, kind = kind.endswith("+"), kind.endswith("?"), kind.rstrip("+?")
        number_kind = kind in ("u32", "u64", "bool") or kind.startswith("enum")
        packed = number_kind and repeated
        need(number > last or (number == last and repeated and not packed), f"{name}: field {number} out of order")
        need(wire == (0 if number_kind and not packed else 2), f"{name}: field {number} of another wire type")
        last = number
        value, at = varint(data, at)
        if number_kind and not packed:
            check_number(name, number, kind, value)
            need(value or optional, f"{name}: field {number} is zero and not left out")
        else:
            need(at + value <= len(data), f"{name}: field {number} is cut short")
            value, at = data[at : at + value], at + value
            need(value or repeated and not packed or kind in SCHEMA, f"{name}: field {number} is empty")
            value = content(name, number, kind, packed, value)
        fields[number] = fields.get(number, []) + [value] if repeated and not packed else value
    for number in REQUIRED.get(name, []):
        need(number in fields, f"{name}: field {number} is missing")
    return fields


def check_number(name, number, kind, value):
    most = {"u32": (1 << 32) - 1, "u64": (1 << 64) - 1, "bool": 1}.get(kind) or int(kind[4:])
    need(value <= most, f"{name}: field {number} is out of range")


def content(name, number, kind, packed, data):
    if packed:
        values, at = [], 0
        while at < len(data):
            value, at = varint(data, at)
            check_number(name, number, kind, value)
            values.append(value)
        return values
    if kind == "text":
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Bad(f"{name}: field {number} is not UTF-8") from None
    if kind == "bytes":
        length = 32 if name == "Commitments" else LENGTHS.get((name, number), len(data))
        need(len(data) == length, f"{name}: field {number} has another length")
        return data
    return message(kind, data)


def read_entry(data):
    """Name of its kind, and its fields."""
    fields = message("Entry", data)
    kinds = [number for number in fields if number >= 10]
    need(fields[1] == 1 and len(kinds) == 1, "Entry: format or kind")
    name, body = SCHEMA["Entry"][kinds[0]], fields[kinds[0]]
    facts = body.get(1) if name in ("Intent", "Outcome", "Denial") else None
    if facts:
        need(all(shape.get(2) in COMPARISONS for shape in facts.get(16, [])), "Facts: unknown comparison")
        need(all(role.get(3) in RELATIONS for role in facts.get(15, [])), "Facts: unknown relation")
    if name == "Outcome":
        need((body[6] == 6) == (10 in body) and body.get(10, "timeout") in REASONS, "Outcome: reason")
    if name == "Agreement":
        need((body[1] == 2) != (4 in body), "Agreement: document")
    if name == "Intent":
        need(3 in body[4], "AdapterRef: digest")
    if name == "Adapter":
        removed = 3 in body
        need((3 in body[1]) != removed and not (removed and (2 in body or 2 in body[1])), "Adapter: change")
    if name == "Party":
        need((body[1] == 1) == (3 in body), "Party: document")
    if name == "Key":
        need(((body[1], body[2]) == (1, 1)) == (4 in body), "Key: document")
    if name == "Erasure":
        entries = body.get(1, [])
        need(bool(entries) != (2 in body), "Erasure: entries or day")
        need(all(a < b for a, b in zip(entries, entries[1:])), "Erasure: entries out of order")
    return name, body


# --- the log as it is read -------------------------------------------------------------------------------------------

class Log:
    """What all entries come to, and the keys they make the log's."""

    def __init__(self, key):
        self.tree, self.kinds, self.roots = Tree(), {}, {}
        self.key, self.earlier = key, []

    def add(self, entry):
        index = self.tree.size
        try:
            name, body = read_entry(entry)
            if name == "Key" and body[1] == 1:
                self.change_key(index, body)
        except Bad as problem:
            raise Bad(f"entry {index}: {problem}") from None
        self.kinds[name] = self.kinds.get(name, 0) + 1
        self.tree.add(leaf_hash(entry))

    def change_key(self, index, event):
        need(event[2] == 1, "a log's key ends only when the next begins")
        new = Key(event[3])
        need(new.name == self.key.name, "a key of another log")
        need(new.text not in [key.text for key, _ in self.earlier] + [self.key.text], "a key that comes back")
        text, signatures = read_note(event[4])
        need(text == f"heyan log key v1\n{new.name}\n{new.text}\n", "not the announcement of this key")
        check_signed(text, signatures, self.key)
        self.earlier.append((self.key, index))
        self.key = new

    def check_checkpoint(self, data):
        """Size of a checkpoint of this log."""
        text, signatures = read_note(data)
        origin, size, root = checkpoint_text(text)
        need(origin == self.key.name, "the checkpoint is of another log")
        signer = next((key for key, last in self.earlier if size <= last), self.key)
        check_signed(text, signatures, signer)
        need(size <= self.tree.size, f"{size} entries were published, {self.tree.size} are there")
        need(self.roots.get(size) == root, "the published root is not the log's")
        return size


# --- §1 to §4 the folder ---------------------------------------------------------------------------------------------

def read_header(data, at):
    """The header's fields, checked for themselves."""
    need(data[at : at + 4] == b"HYF1" and data[at + 4] == 1, "no frame")
    fields = struct.unpack_from(">4sBBHQQQIIIIQ", data, at)
    _, _, flags, header, _, _, _, count, leaf, private, padding, _ = fields
    need(flags == 0 and header == 120 and 1 <= count <= 4096, "the frame's header")
    need(leaf <= 1 << 20 and private <= 4 << 20 and (not private or private > 4 * count), "the frame's header")
    need(padding < BLOCK and (124 + leaf + private + padding) % BLOCK == 0, "the frame's lengths")
    return fields


def read_frame(data, at):
    """The frame that begins here, or Bad."""
    _, _, _, _, epoch, number, first, count, leaf, private, padding, time = read_header(data, at)
    end = at + 120 + leaf + private
    need(end + 4 + padding <= len(data), "the frame's lengths")
    need(struct.unpack_from(">I", data, end)[0] == crc32c(memoryview(data)[at:end]), "the frame's checksum")
    need(not any(data[end + 4 : end + 4 + padding]), "the frame's padding")
    entries, place = [], at + 120
    for _ in range(count):
        need(place + 2 <= end - private, "the leaf section")
        length = struct.unpack_from(">H", data, place)[0]
        need(length and place + 2 + length <= end - private, "the leaf section")
        entries.append(bytes(data[place + 2 : place + 2 + length]))
        place += 2 + length
    need(place == end - private, "the leaf section")
    for _ in range(count if private else 0):
        need(place + 4 <= end, "the private section")
        place += 4 + struct.unpack_from(">I", data, place)[0]
    need(place == end, "the private section")
    roots = bytes(data[at + 56 : at + 88]), bytes(data[at + 88 : at + 120])
    return (epoch, number, first, time), roots, entries, end + 4 + padding


def is_frame(data, at):
    try:
        read_frame(data, at)
    except Bad:
        return False
    return True


def is_torn(data, at, length):
    """True when a write cut short can have left these bytes: some atom of 64 bytes was not written (section 4)."""
    if not any(data[at : at + 64]):
        return True
    try:
        _, _, _, _, _, _, _, _, leaf, private, padding, _ = read_header(data, at)
    except Bad:
        return False
    filled = 124 + leaf + private
    if at + filled + padding > len(data) or length > filled:
        return False
    if all(any(data[place : min(place + 64, at + filled)]) for place in range(at, at + filled, 64)):
        return False
    # A whole frame of which a length alone was changed looks like a longer one that was cut short.
    whole = bytearray(data[at : at + -(-length // BLOCK) * BLOCK])
    for bit in range(36 * 8, 48 * 8):
        whole[bit // 8] ^= 1 << bit % 8
        if is_frame(bytes(whole), 0):
            return False
        whole[bit // 8] ^= 1 << bit % 8
    return True


def verify_folder(folder, vkey):
    lines = re.fullmatch(r'format = 1\nepoch = (0|[1-9][0-9]*)\norigin = "([^"\\]+)"\nvkey = "([^"\\]+)"\n',
                         (folder / "log.toml").read_bytes().decode(errors="replace"))
    need(lines, "log.toml is not of its form")
    epoch, key = int(lines[1]), Key(lines[3])
    need(key.name == lines[2] and vkey in (None, key.text), "the key is not this log's")
    # Before the entries: a log in use may publish a newer one meanwhile, never an older one.
    need((folder / "checkpoint").exists(), "the published checkpoint is missing")
    published = (folder / "checkpoint").read_bytes()
    log, frames, time, left_over, empty = Log(key), 0, 0, None, False
    names = sorted(path for path in (folder / "wal").iterdir() if re.fullmatch(r"[0-9a-f]{16}\.wal", path.name))
    for expected, path in enumerate(names, 1):
        try:
            need(int(path.name[:16], 16) == expected, f"segment {expected} is missing")
            data = path.read_bytes()
            header = struct.pack(">4sBBHQQQ", b"HYS1", 1, 0, 68, epoch, expected, len(data))
            header += hashlib.sha256(key.name.encode()).digest()
            header += struct.pack(">I", crc32c(header))
            need(len(data) % BLOCK == 0 and data[:BLOCK] == header.ljust(BLOCK, b"\0"), "the segment's header")
            at = BLOCK
            while at < len(data) and is_frame(data, at):
                need(not left_over and not empty, "a frame behind the log's end")
                head, roots, entries, end = read_frame(data, at)
                need(head[:3] == (epoch, frames + 1, log.tree.size) and head[3] >= time, "the frame does not join")
                need(roots[0] == log.tree.root(), "the root before the frame")
                for entry in entries:
                    log.add(entry)
                need(roots[1] == log.tree.root(), "the root after the frame")
                log.roots[log.tree.size] = roots[1]
                frames, time, at = frames + 1, head[3], end
            rest = data[at:].rstrip(b"\0")
            if rest:
                need(not any(is_frame(data, later) for later in range(at + BLOCK, at + len(rest), BLOCK)),
                     "a damaged frame, and the log goes on behind it")
                need(rest[:4] != b"HYF1" or rest[4:5] in (b"", b"\1"), "a frame of another version")
                need(len(rest) <= LONGEST and not left_over and not empty, "bytes that no write can have left")
                need(is_torn(data, at, len(rest)), "a frame that was changed after it was written")
                left_over = {"file": path.name, "offset": at, "bytes": len(rest)}
            empty = empty or (at == BLOCK and not rest)
        except Bad as problem:
            raise Bad(f"{path.name}: {problem}") from None
    size = log.check_checkpoint(published)
    return {"origin": key.name, "entries": log.tree.size, "frames": frames, "root": log.tree.root().hex(),
            "published": size, "kinds": log.kinds, "left_over": left_over}


# --- §11 tiles -------------------------------------------------------------------------------------------------------

def fetch(base, path):
    if not base.startswith("http"):
        path = pathlib.Path(base, path)
        need(path.exists(), f"{path} is missing")
        return path.read_bytes()
    try:
        with urllib.request.urlopen(f"{base.rstrip('/')}/{path}", timeout=30) as reply:
            return reply.read()
    except urllib.error.HTTPError as error:
        raise Bad(f"{path}: {error}") from None


def tile_path(level, number, width):
    groups = f"{number:0{-(-len(str(number)) // 3) * 3}d}"
    groups = [groups[at : at + 3] for at in range(0, len(groups), 3)]
    return f"tile/{level}/" + "/".join(["x" + group for group in groups[:-1]] + groups[-1:]) + (
        f".p/{width}" if width < 256 else "")


def tiles(base, level, count):
    for number in range(-(-count // 256)):
        width = min(256, count - number * 256)
        path = tile_path(level, number, width)
        yield path, width, fetch(base, path)


def verify_tiles(base, key, cosigner):
    published = fetch(base, "checkpoint")
    text, signatures = read_note(published)
    size = checkpoint_text(text)[1]
    if cosigner:
        check_signed(text, signatures, cosigner)
    log, hashes = Log(key), []
    for path, width, data in tiles(base, "entries", size):
        at = 0
        for _ in range(width):
            need(at + 2 <= len(data), f"{path}: cut short")
            length = struct.unpack_from(">H", data, at)[0]
            need(at + 2 + length <= len(data), f"{path}: cut short")
            log.add(data[at + 2 : at + 2 + length])
            hashes.append(leaf_hash(data[at + 2 : at + 2 + length]))
            at += 2 + length
        need(at == len(data), f"{path}: too long")
    log.roots[size] = log.tree.root()
    level = 0
    while hashes:
        for place, (path, width, data) in enumerate(tiles(base, level, len(hashes))):
            need(data == b"".join(hashes[place * 256 : place * 256 + width]), f"{path}: not the hashes of the log")
        above = []
        for place in range(len(hashes) // 256):
            tree = Tree()
            for item in hashes[place * 256 : place * 256 + 256]:
                tree.add(item)
            above.append(tree.root())
        hashes, level = above, level + 1
    return {"origin": key.name, "entries": size, "root": log.tree.root().hex(),
            "published": log.check_checkpoint(published), "kinds": log.kinds, "left_over": None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    parser.add_argument("--tiles")
    parser.add_argument("--vkey")
    parser.add_argument("--cosigner")
    options = parser.parse_args()
    if options.tiles:
        cosigner = Key(options.cosigner, ML_DSA_44) if options.cosigner else None
        return tell(lambda: verify_tiles(options.tiles, Key(options.vkey or ""), cosigner))
    if not options.folders:
        parser.error("name a log's folder, or --tiles")
    return max(tell(lambda: verify_folder(folder, options.vkey)) for folder in options.folders)


def tell(verify):
    try:
        found = verify()
    except Bad as problem:
        print(json.dumps({"problem": str(problem)}))
        return 1
    except OSError as problem:
        print(json.dumps({"could_not_tell": str(problem)}))
        return 2
    print(json.dumps(found))
    return 1 if found["left_over"] else 0


if __name__ == "__main__":
    sys.exit(main())
