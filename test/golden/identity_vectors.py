#!/usr/bin/env python3
"""The identity of commands and events, computed a second time.

Nothing here is shared with the TypeScript: this is a client's reading of the published rule, in
the Python standard library alone, with an RFC 8785 writer of its own. It reads
identity-commands.json and writes identity-vectors.json; with --check it compares instead.

    digest     = "sha256:" + hex(sha256(JCS({v: 1, contract: {id, version}, target, params,
                                            outputNamespace, occurrence})))
    dispatchId = UUIDv8 of the first 16 bytes of that hash
    stream     = "dispatch-" + dispatchId
    event id   = UUIDv8 of the first 16 bytes of sha256(JCS([stream, revision, type, callId]))
"""

import decimal
import hashlib
import json
import pathlib
import sys
import uuid

HERE = pathlib.Path(__file__).parent
COMMANDS = HERE / "identity-commands.json"
VECTORS = HERE / "identity-vectors.json"

SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}


class Number(str):
    """The text of a number as it was written, so that a vector can repeat it."""


def pairs(members):
    keys = [key for key, _ in members]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key stands twice: {keys}")
    return dict(members)


def read(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=pairs)


def string(text):
    text.encode("utf-8")  # raises for a lone surrogate
    return '"' + "".join(escaped(char) for char in text) + '"'


def escaped(char):
    if char in SHORT_ESCAPES:
        return SHORT_ESCAPES[char]
    return f"\\u{ord(char):04x}" if ord(char) < 0x20 else char


def ecmascript(number):
    """Number::toString of ECMA-262 for radix 10: digits and n with value = 0.digits * 10^n."""
    value = float(number)
    if value == 0:
        return "0"
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    k, n = len(text), len(text) + exponent
    return ("-" if sign else "") + laid_out(text, k, n)


def laid_out(text, k, n):
    if k <= n <= 21:
        return text + "0" * (n - k)
    if 0 < n <= 21:
        return text[:n] + "." + text[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + text
    power = f"e{'+' if n > 0 else '-'}{abs(n - 1)}"
    return (text if k == 1 else text[0] + "." + text[1:]) + power


def utf16(key):
    return key.encode("utf-16-be")


def jcs(value):
    if isinstance(value, Number):
        return ecmascript(value)
    if isinstance(value, str):
        return string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    members = (f"{string(key)}:{jcs(value[key])}" for key in sorted(value, key=utf16))
    return "{" + ",".join(members) + "}"


def verbatim(value):
    """What was read, numbers as they were written, in ASCII so that no tool can normalise it."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(verbatim, value)) + "]"
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}: {verbatim(item)}" for key, item in value.items())
        return "{" + ", ".join(members) + "}"
    return json.dumps(value)


def uuid8(digest):
    octets = bytearray(digest[:16])
    octets[6] = (octets[6] & 0x0F) | 0x80
    octets[8] = (octets[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(octets)))


def of_command(case):
    command = case["command"]
    text = jcs(
        {
            "v": Number("1"),
            "contract": {member: command["contract"][member] for member in ("id", "version")},
            "target": command["target"],
            "params": command["params"],
            "outputNamespace": command["outputNamespace"],
            "occurrence": command["occurrence"],
        }
    )
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    dispatch_id = uuid8(digest)
    return {
        **case,
        "jcs": text,
        "digest": "sha256:" + digest.hex(),
        "dispatchId": dispatch_id,
        "stream": "dispatch-" + dispatch_id,
    }


def of_event(case):
    event = case["event"]
    text = jcs([event["stream"], event["revision"], event["type"], event["callId"]])
    return {**case, "jcs": text, "id": uuid8(hashlib.sha256(text.encode("utf-8")).digest())}


def listed(vectors):
    """One vector after the other, a member a line: a change shows as the lines it changes."""
    blocks = (
        ",\n".join(f"      {json.dumps(key)}: {verbatim(value)}" for key, value in vector.items())
        for vector in vectors
    )
    return ",\n".join("    {\n" + block + "\n    }" for block in blocks)


def document():
    cases = read(COMMANDS)
    commands = listed(map(of_command, cases["commands"]))
    events = listed(map(of_event, cases["events"]))
    return f'{{\n  "commands": [\n{commands}\n  ],\n  "events": [\n{events}\n  ]\n}}\n'


def main(arguments):
    if arguments not in ([], ["--check"]):
        print("usage: identity_vectors.py [--check]", file=sys.stderr)
        return 2
    text = document()
    if not arguments:
        VECTORS.write_text(text, encoding="utf-8", newline="\n")
        return 0
    if VECTORS.read_text(encoding="utf-8") == text:
        return 0
    print(f"{VECTORS.name} is not what {COMMANDS.name} gives: write it anew", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
