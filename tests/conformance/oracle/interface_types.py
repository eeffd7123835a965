# SPDX-License-Identifier: Apache-2.0
"""Interface types and values at random, their layout, and their forms: WAT, wast JSON, the oracle's Python values.

A type is a tuple: ("u8",), ("list", t), ("option", t), ("result", t or None, t or None), ("tuple", [t]),
("record", [(name, t)]), ("variant", [(name, t or None)]), ("enum", [name]), ("flags", [name]). A value is in the form
that wast JSON has for its "value".
"""

import struct

INTEGERS = {f"{sign}{bits}": (sign, bits) for sign in "su" for bits in (8, 16, 32, 64)}
PRIMITIVES = ["bool", *INTEGERS, "f32", "f64", "char", "string"]
COMPOSITES = ["list", "option", "result", "tuple", "record", "variant", "enum", "flags"]
TEXTS = ["", "a", "hello world", "\u00e9t\u00e9", "snow \u2603", "\U0001f600\U0001f680", "\x01\x7f\u0080\uffff", "x" * 300]
NUMBERS = [0.0, -0.0, 1.0, -1.5, 3.0e38, 2.0**-149, float("inf"), float("-inf")]


# ---- types


def random_type(random, depth=0):
    if depth >= 4 or random.random() < 0.35:
        return (random.choice(PRIMITIVES),)
    kind = random.choice(COMPOSITES)
    inner = lambda: random_type(random, depth + 1)
    maybe = lambda: inner() if random.random() < 0.7 else None
    names = lambda most: [f"n{i}" for i in range(random.choice([1, 2, 3, 3, 5, most]))]
    if kind in ("list", "option"):
        return kind, inner()
    if kind == "result":
        return kind, maybe(), maybe()
    if kind == "tuple":
        return kind, [inner() for _ in range(random.randint(1, 5))]
    if kind == "record":
        return kind, [(name, inner()) for name in names(7)]
    if kind == "variant":
        return kind, [(name, maybe()) for name in names(9)]
    return kind, names(300 if kind == "enum" else 32)


def cases(kind):
    """The payload types of a variant-like type, in order."""
    return {
        "option": lambda: [None, kind[1]],
        "result": lambda: [kind[1], kind[2]],
        "variant": lambda: [t for _, t in kind[1]],
        "enum": lambda: [None] * len(kind[1]),
    }[kind[0]]()


def fields(kind):
    return kind[1] if kind[0] == "tuple" else [t for _, t in kind[1]]


def has_text(kind):
    if kind[0] in PRIMITIVES or kind[0] == "flags":
        return kind[0] == "string"
    parts = [kind[1]] if kind[0] == "list" else fields(kind) if kind[0] in ("tuple", "record") else cases(kind)
    return any(part and has_text(part) for part in parts)


# ---- layout


def align_up(offset, alignment):
    return (offset + alignment - 1) // alignment * alignment


def discriminant_size(count):
    return 1 if count <= 256 else 2 if count <= 65536 else 4


def layout(kind):
    """(size, alignment) in memory."""
    name = kind[0]
    if name in INTEGERS:
        return INTEGERS[name][1] // 8, INTEGERS[name][1] // 8
    if name in ("bool", "f32", "f64", "char"):
        size = {"bool": 1, "f32": 4, "f64": 8, "char": 4}[name]
        return size, size
    if name in ("string", "list"):
        return 8, 4
    if name == "flags":
        size = 1 if len(kind[1]) <= 8 else 2 if len(kind[1]) <= 16 else 4
        return size, size
    if name in ("tuple", "record"):
        size, alignment = 0, 1
        for part in map(layout, fields(kind)):
            size, alignment = align_up(size, part[1]) + part[0], max(alignment, part[1])
        return align_up(size, alignment), alignment
    first = discriminant_size(len(cases(kind)))
    parts = [layout(t) for t in cases(kind) if t]
    alignment = max([first] + [part[1] for part in parts])
    offset = align_up(first, max([part[1] for part in parts], default=1))
    return align_up(offset + max([part[0] for part in parts], default=0), alignment), alignment


def join(a, b):
    if a == b:
        return a
    return "i32" if {a, b} == {"i32", "f32"} else "i64"


def flatten(kind):
    """Core value types."""
    name = kind[0]
    if name in ("f32", "f64"):
        return [name]
    if name in ("s64", "u64"):
        return ["i64"]
    if name in ("string", "list"):
        return ["i32", "i32"]
    if name in PRIMITIVES or name == "flags":
        return ["i32"]
    if name in ("tuple", "record"):
        return [core for t in fields(kind) for core in flatten(t)]
    payload = []
    for case in cases(kind):
        for i, core in enumerate(flatten(case) if case else []):
            if i < len(payload):
                payload[i] = join(payload[i], core)
            else:
                payload.append(core)
    return ["i32"] + payload


# ---- text


class Wat:
    """Definitions of types: `lines`, and `names` of those that an export or import must name (all composites do it)."""

    def __init__(self, naming):
        self.naming = naming  # '(export $e{0} "t{0}" (type $t{0}))'
        self.lines = []
        self.count = 0

    def name(self, kind):
        if kind[0] in PRIMITIVES:
            return kind[0]
        text = self.define(kind)
        number, self.count = self.count, self.count + 1
        self.lines += [f"(type $t{number} {text})", self.naming.format(number)]
        return f"$e{number}"

    def define(self, kind):
        quoted = lambda names: " ".join(f'"{name}"' for name in names)
        name = kind[0]
        if name in ("list", "option"):
            return f"({name} {self.name(kind[1])})"
        if name == "result":
            ok = f" {self.name(kind[1])}" if kind[1] else ""
            return f"(result{ok}" + (f" (error {self.name(kind[2])}))" if kind[2] else ")")
        if name == "tuple":
            return "(tuple " + " ".join(self.name(t) for t in kind[1]) + ")"
        if name == "record":
            return "(record " + " ".join(f'(field "{n}" {self.name(t)})' for n, t in kind[1]) + ")"
        if name == "variant":
            return "(variant " + " ".join(f'(case "{n}"{" " + self.name(t) if t else ""})' for n, t in kind[1]) + ")"
        return f"({name} {quoted(kind[1])})"


# ---- values


def float_bits(name, number):
    return str(struct.unpack("<I" if name == "f32" else "<Q", struct.pack("<f" if name == "f32" else "<d", number))[0])


def bits_float(name, bits):
    return struct.unpack("<f" if name == "f32" else "<d", struct.pack("<I" if name == "f32" else "<Q", int(bits)))[0]


def random_integer(random, name):
    sign, bits = INTEGERS[name]
    low, high = (0, 2**bits - 1) if sign == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return str(random.choice([low, high, 0, 1, random.randint(low, high)]))


def random_value(random, kind):
    name = kind[0]
    inner = lambda t: constant(t, random_value(random, t)) if t else None
    if name in INTEGERS:
        return random_integer(random, name)
    if name == "bool":
        return random.random() < 0.5
    if name in ("f32", "f64"):
        return float_bits(name, random.choice([*NUMBERS, float(random.randint(-1000, 1000)) / 8]))
    if name == "char":
        return random.choice("a\u00e9\u2603\U0001f600\ud7ff\ue000\U0010ffff")
    if name == "string":
        return random.choice(TEXTS)
    if name == "list":
        return [inner(kind[1]) for _ in range(random.choice([0, 1, 2, 3]))]
    if name == "tuple":
        return [inner(t) for t in kind[1]]
    if name == "record":
        return [[n, inner(t)] for n, t in kind[1]]
    if name == "option":
        return inner(kind[1]) if random.random() < 0.6 else None
    if name == "result":
        return {"Ok": inner(kind[1])} if random.random() < 0.5 else {"Err": inner(kind[2])}
    if name == "variant":
        case, payload = random.choice(kind[1])
        return {"case": case, "payload": inner(payload)} if payload else {"case": case}
    if name == "enum":
        return random.choice(kind[1])
    return [label for label in kind[1] if random.random() < 0.5]


def constant(kind, value):
    return {"type": kind[0], "value": value}


# ---- the oracle's form: variant-like values are Variant(case, payload)


def to_oracle(kind, value, variant):
    name = kind[0]
    inner = lambda t, v: to_oracle(t, v["value"], variant)
    if name in INTEGERS:
        return int(value)
    if name in ("f32", "f64"):
        return bits_float(name, value)
    if name in ("bool", "char", "string", "enum"):
        return value
    if name == "list":
        items = [inner(kind[1], v) for v in value]
        return bytes(items) if kind[1] == ("u8",) else items
    if name == "tuple":
        return tuple(inner(t, v) for t, v in zip(kind[1], value))
    if name == "record":
        return type("Record", (), {n: inner(t, v) for (n, t), (_, v) in zip(kind[1], value)})
    if name == "flags":
        return set(value)
    if name == "option":
        return variant("none") if value is None else variant("some", inner(kind[1], value))
    if name == "result":
        case = "Ok" if "Ok" in value else "Err"
        t = kind[1 if case == "Ok" else 2]
        return variant(case.lower(), inner(t, value[case]) if t else None)
    t = dict(kind[1])[value["case"]]
    return variant(value["case"], inner(t, value["payload"]) if t else None)


def from_oracle(kind, value):
    name = kind[0]
    inner = lambda t, v: constant(t, from_oracle(t, v)) if t else None
    if name in INTEGERS:
        return str(value)
    if name in ("f32", "f64"):
        return float_bits(name, value)
    if name in ("bool", "char", "string", "enum"):
        return value
    if name == "list":
        return [inner(kind[1], v) for v in value]
    if name == "tuple":
        return [inner(t, v) for t, v in zip(kind[1], value)]
    if name == "record":
        return [[n, inner(t, getattr(value, n))] for n, t in kind[1]]
    if name == "flags":
        return [label for label in kind[1] if label in value]
    if name == "option":
        return None if value.tag == "none" else inner(kind[1], value.payload)
    if name == "result":
        ok = value.tag == "ok"
        return {"Ok" if ok else "Err": inner(kind[1 if ok else 2], value.payload)}
    t = dict(kind[1])[value.tag]
    return {"case": value.tag, "payload": inner(t, value.payload)} if t else {"case": value.tag}
