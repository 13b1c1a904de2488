# What a receipt and a checkpoint prove, with nothing but Python 3.8: c2sp.org/tlog-proof, tlog-checkpoint, signed-note.
# The scripts that check an extract of a log, or the evidence of a case, hold a copy of this file (script.rs).
import base64
import hashlib


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(text):
    return base64.b64decode(text.encode("ascii"), validate=True)


# Ed25519 (RFC 8032), verification only: the curve -x^2 + y^2 = 1 + d x^2 y^2 over the integers modulo 2^255 - 19.
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
ROOT = pow(2, (PRIME - 1) // 4, PRIME)


def point(encoded):
    """The point of 32 bytes, in extended coordinates; None when there is none."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if len(encoded) != 32 or y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * ROOT % PRIME
    if x * x % PRIME != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def add(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % PRIME
    b = (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c = 2 * one[3] * other[3] * CURVE_D % PRIME
    d = 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def times(number, of):
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = add(found, of)
        of, number = add(of, of), number >> 1
    return found


def ed25519(public, message, signature):
    """True when the signature of the message is good."""
    key, commitment = point(public), point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or commitment is None or scalar >= ORDER:
        return False
    y = 4 * pow(5, PRIME - 2, PRIME) % PRIME
    base = point(y.to_bytes(32, "little"))
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left = times(scalar, base)
    right = add(commitment, times(int.from_bytes(digest, "little") % ORDER, key))
    same = lambda place: (left[place] * right[2] - right[place] * left[2]) % PRIME == 0
    return same(0) and same(1)


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


def signature_flaw(vkey, name, signed, signatures):
    """What is wrong with the signature by this key; None when it is good."""
    key_name, key_id, encoded = vkey.split("+", 2)
    raw = b64(encoded)
    if key_name != name:
        return "the key is of the log " + key_name
    if len(raw) != 33 or raw[0] != 1:
        return "the key is not Ed25519"
    if sha256(name.encode("utf-8"), b"\n", raw)[:4].hex() != key_id:
        return "the key's id does not fit it"
    own = [sig for who, kid, sig in signatures if who == name and kid.hex() == key_id]
    if not own:
        return "it is not signed with this key"
    return None if all(ed25519(raw[1:], signed, one) for one in own) else "the signature is false"


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
