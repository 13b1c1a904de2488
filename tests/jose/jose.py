"""Documents of heyan verified, and made, by a JOSE library that is not heyan's: joserfc.

    jose.py verify    reads {"document": …, "keys": {"keys": [JWK…]}}; prints the payload as it was signed
    jose.py sign      reads {"payload": text, "signers": [{"header": {…}, "pem": …}]}; prints the document

Each document that verifies does so as a whole: every signature by the key that its `kid` names. Exit 0, or 1 with the
library's reason.
"""

import json
import sys

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey

ALGORITHMS = ["EdDSA", "ES256"]


def verify(asked):
    keys = KeySet.import_key_set(asked["keys"])
    found = jws.deserialize_json(asked["document"], keys, algorithms=ALGORITHMS)
    headers = [member.protected for member in found.members]
    return {"payload": found.payload.decode(), "headers": headers}


def sign(asked):
    keys = []
    for signer in asked["signers"]:
        kind = OKPKey if signer["header"]["alg"] == "EdDSA" else ECKey
        keys.append(kind.import_key(signer["pem"], {"kid": signer["header"]["kid"]}))
    members = [{"protected": signer["header"]} for signer in asked["signers"]]
    return jws.serialize_json(members, asked["payload"], KeySet(keys), algorithms=ALGORITHMS)


def main():
    does = {"verify": verify, "sign": sign}[sys.argv[1]]
    try:
        print(json.dumps(does(json.load(sys.stdin))))
    except (JoseError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
