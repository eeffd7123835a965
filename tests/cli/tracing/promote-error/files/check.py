"""Element 4 failed: it is there with its error, and so are those that follow, until it is calm again. One in 64 is
remembered before."""
import re
tree = open("tree.txt", encoding="utf-8").read().split("\nelement:")
tree[0] = tree[0].removeprefix("element:")
elements = {int(part.split()[0]): part for part in tree if part.split()[0].isdigit()}
assert re.search(r"^4 done( error)? error", elements[4]), elements[4]
assert re.search(r"component:pass:invoke:4 process error error .*as it was told to", elements[4]), elements[4]
after = [number for number in elements if number > 4]
assert 16 <= len(after) <= 40, after
assert max(after) < 100, after
for number in after:
    names = re.findall(r"component:(\w+):invoke", elements[number])
    assert names == ["source", "pass", "sink"], elements[number]
print("promoted")
