"""append.py GUEST LOCALS BLOCKS: ./relay.wasm is the guest with one more core module, a function of so many locals and
blocks in which every block changes a local."""
import sys


def leb(value):
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


guest, count, blocks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
body = b"\x01" + leb(count) + b"\x7f"
for i in range(blocks):
    source, target = leb(1 + (i * 104729 + 1) % count), leb(1 + i * 7919 % count)
    body += b"\x02\x40\x20\x00\x0d\x00\x20" + source + b"\x20" + target + b"\x6a\x21" + target + b"\x0b"
body += b"\x0b"
module = (b"\0asm\1\0\0\0" + section(1, b"\x01\x60\x01\x7f\x00") + section(3, b"\x01\x00")
          + section(10, b"\x01" + leb(len(body)) + body))
with open(guest, "rb") as file:
    component = file.read()
with open("relay.wasm", "wb") as file:
    file.write(component + section(1, module))
