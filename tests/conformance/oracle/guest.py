# SPDX-License-Identifier: Apache-2.0
"""A component that shows what happens to values of one type on their way in and out.

echo      list<T> -> list<T>     through memory and back
image     list<T> -> list<u8>    the bytes that a list was stored as
flat      T -> list<u64>         the core values, or the bytes, that a parameter becomes
lift      list<u8> -> list<T>    any bytes, read as values
lift-odd  list<u8> -> list<T>    the same from an address that is one too high
pass      list<u64> -> list<u64> any core values, as the argument of a call between two components
relay     list<u8> -> list<T>    any bytes, read as values, sent through echo of another component
"""

import interface_types

ENCODINGS = ["utf8", "utf16", "latin1+utf16"]
FLAT_PARAMS_MAX = 16
FUNCTIONS = ["echo", "image", "flat", "lift", "lift-odd"]
MEMORY = """
    (memory (export "memory") 4)
    (global $next (mut i32) (i32.const 65536))
    (func $realloc (export "realloc") (param $old i32) (param $size i32) (param i32) (param $length i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get $length)) (i32.const 15)) (i32.const -8)))
      (if (i32.gt_u (global.get $next) (i32.const 262144)) (then unreachable))
      (memory.copy (local.get $at) (local.get $old) (select (local.get $size) (local.get $length)
        (i32.lt_u (local.get $size) (local.get $length))))
      (local.get $at))
    (func $give (param $at i32) (param $length i32) (result i32)
      (i32.store (i32.const 8) (local.get $at))
      (i32.store (i32.const 12) (local.get $length))
      (i32.const 8))"""


def data(random):
    """Bytes for pointers to point at: text in all encodings, and noise."""
    noise = bytes(random.randrange(256) for _ in range(512))
    text = "plain text " * 20 + "\u00e9\u2603\U0001f600" * 20
    content = text.encode("utf-8") + text.encode("utf-16-le") + noise
    return "".join(f"\\{byte:02x}" for byte in content)


def widen(core, number):
    get = f"(local.get {number})"
    return {"i32": f"(i64.extend_i32_u {get})", "i64": get, "f32": f"(i64.extend_i32_u (i32.reinterpret_f32 {get}))",
            "f64": f"(i64.reinterpret_f64 {get})"}[core]


def narrow(core, offset):
    load = f"(i64.load offset={offset} (local.get 0))"
    return {"i32": f"(i32.wrap_i64 {load})", "i64": load, "f32": f"(f32.reinterpret_i32 (i32.wrap_i64 {load}))",
            "f64": f"(f64.reinterpret_i64 {load})"}[core]


def params(flat):
    return "".join(f" (param {core})" for core in flat)


class Guest:
    def __init__(self, random):
        self.type = interface_types.random_type(random)
        self.size, _ = interface_types.layout(self.type)
        self.flat = interface_types.flatten(self.type)
        self.spilled = len(self.flat) > FLAT_PARAMS_MAX
        if self.spilled:
            self.flat = ["i32"]
        self.encoding = random.choice(ENCODINGS)
        self.other_encoding = random.choice(ENCODINGS)
        self.data = data(random)

    def inner_module(self):
        if self.spilled:
            flat = f"(call $give (local.get 0) (i32.const {self.size // 8}))"
        else:
            stores = "".join(f"\n      (i64.store (i32.const {1024 + 8 * i}) {widen(core, i)})"
                             for i, core in enumerate(self.flat))
            flat = f"{stores}\n      (call $give (i32.const 1024) (i32.const {len(self.flat)}))"
        return f"""(core module $inner{MEMORY}
    (data (i32.const 4096) "{self.data}")
    (func (export "echo") (param i32 i32) (result i32) (call $give (local.get 0) (local.get 1)))
    (func (export "image") (param i32 i32) (result i32)
      (call $give (local.get 0) (i32.mul (local.get 1) (i32.const {self.size}))))
    (func (export "lift") (param i32 i32) (result i32)
      (call $give (local.get 0) (i32.div_u (local.get 1) (i32.const {self.size}))))
    (func (export "lift-odd") (param i32 i32) (result i32)
      (call $give (i32.add (local.get 0) (i32.const 1)) (i32.div_u (local.get 1) (i32.const {self.size}))))
    (func (export "flat"){params(self.flat)} (result i32) {flat}))"""

    def outer_module(self):
        arguments = " ".join(narrow(core, 8 * i) for i, core in enumerate(self.flat))
        return f"""(core module $outer
    (import "" "memory" (memory 4))
    (import "" "flat" (func $flat{params(self.flat)} (param i32)))
    (import "" "echo" (func $echo (param i32 i32 i32)))
    (data (i32.const 4096) "{self.data}")
    (func (export "pass") (param i32 i32) (result i32)
      (call $flat {arguments} (i32.const 8))
      (i32.const 8))
    (func (export "relay") (param i32 i32) (result i32)
      (call $echo (local.get 0) (i32.div_u (local.get 1) (i32.const {self.size})) (i32.const 8))
      (i32.const 8)))"""

    def child(self, name, rest):
        """A component that imports the types; `rest` makes what follows from the type's name."""
        types = interface_types.Wat('(import "t{0}" (type $e{0} (eq $t{0})))')
        type_name = types.name(self.type)
        definitions = "\n    ".join(types.lines)
        return f"""(component ${name}
    {definitions}
    (type $list (list {type_name}))
    (type $u8s (list u8))
    (type $u64s (list u64))
    {rest(type_name)})"""

    def callee(self, type_name):
        params = {"echo": "$list", "image": "$list", "flat": type_name, "lift": "$u8s", "lift-odd": "$u8s"}
        results = {"echo": "$list", "image": "$u8s", "flat": "$u64s", "lift": "$list", "lift-odd": "$list"}
        lifts = "\n    ".join(
            f'(func (export "{function}") (param "x" {params[function]}) (result {results[function]})\n      '
            f'(canon lift (core func $i "{function}") {options("i", self.encoding)}))' for function in FUNCTIONS)
        return f"""{self.inner_module()}
    (core instance $i (instantiate $inner))
    {lifts}"""

    def caller(self, type_name):
        return f"""(import "flat" (func $flat (param "x" {type_name}) (result $u64s)))
    (import "echo" (func $echo (param "x" $list) (result $list)))
    (core module $memory{MEMORY})
    (core instance $m (instantiate $memory))
    (canon lower (func $echo) {options("m", self.other_encoding)} (core func $echo'))
    (canon lower (func $flat) {options("m", self.other_encoding)} (core func $flat'))
    {self.outer_module()}
    (core instance $i (instantiate $outer (with "" (instance
      (export "memory" (memory $m "memory")) (export "flat" (func $flat'))
      (export "echo" (func $echo'))))))
    (func (export "pass") (param "x" $u64s) (result $u64s)
      (canon lift (core func $i "pass") {options("m", self.other_encoding)}))
    (func (export "relay") (param "x" $u8s) (result $list)
      (canon lift (core func $i "relay") {options("m", self.other_encoding)}))"""

    def wat(self):
        types = interface_types.Wat('(export $e{0} "t{0}" (type $t{0}))')
        types.name(self.type)
        definitions = "\n  ".join(types.lines)
        arguments = "".join(f' (with "t{i}" (type $e{i}))' for i in range(types.count))
        exports = "\n  ".join(f'(func (export "{function}") (alias export $a "{function}"))' for function in FUNCTIONS)
        return f"""(component
  {definitions}
  {self.child("callee", self.callee)}
  {self.child("caller", self.caller)}
  (instance $a (instantiate $callee{arguments}))
  (instance $b (instantiate $caller{arguments} (with "flat" (func $a "flat")) (with "echo" (func $a "echo"))))
  {exports}
  (func (export "pass") (alias export $b "pass"))
  (func (export "relay") (alias export $b "relay")))"""


def options(instance, encoding):
    return (f'(memory (core memory ${instance} "memory")) (realloc (core func ${instance} "realloc")) '
            f"string-encoding={encoding}")
