# An answer to the lab of test_fuzz.py; SEED and KIND stand before it.
import json, os, random, time
from autograder import asked

luck = random.Random(SEED)
TAGS = ["int", "float", "bytes", "list", "tuple", "set", "frozenset", "dict", "complex", "bytearray", "range", "deque",
        "Counter", "OrderedDict", "defaultdict", "Decimal", "Fraction", "time", "array", "scalar", "tensor", "table",
        "column", "index", "size", "dtype", "handle", "record", "offer", "mine", "library", "nonsense", "view", "objects", "levels",
        "moment", "moments", "typed"]
KEYS = ["t", "v", "d", "s", "k", "m", "type", "is", "fields", "methods", "names", "rows", "grad", "slope", "name", "r", "z", "told", "library"]

def leaf():
    return luck.choice([None, True, False, 0, -1, 7, 10**30, 1.5, float("nan"), "", "x", "0x1.8p+0", "ff", "<f8", "O", "AAAA",
                        "\ud800", "Point", "callable", "class", "x" * luck.randint(0, 2000), luck.choice(TAGS)])

def tree(depth=0):
    if depth > 6 or luck.random() < 0.25: return leaf()
    if luck.random() < 0.35: return [tree(depth + 1) for _ in range(luck.randint(0, 4))]
    made = {key: tree(depth + 1) for key in luck.sample(KEYS, luck.randint(0, 4))}
    if luck.random() < 0.85: made["t"] = luck.choice(TAGS)
    if luck.random() < 0.85: made["v"] = tree(depth + 1)
    return made

def framed(thing): return frame_of(json.dumps(thing).encode())
def frame_of(data): return len(data).to_bytes(4, "big") + data

def answer():
    kind = luck.choice(["value", "value", "raised", "missing", "unsendable", "stop", "changed", "offer", "any"])
    if kind == "value": return {"value": tree()}
    if kind == "raised": return {"raised": luck.choice(["ValueError", "SystemExit", "x", 3, None, ["a"], "OSError", "SyntaxError", "UnicodeDecodeError", "ImportError"]), "text": tree()}
    if kind == "changed": return {"value": tree(), "changed": luck.choice([tree(), [[luck.randint(-2, 3), tree()]], [[0, {"t": "list", "v": [tree()]}]],
            [[0, {"t": "list", "v": [{"t": "record", "r": luck.choice([0, 1, -1, tree()]), "type": "Point", "fields": [["x", tree()], ["y", tree()]]}]}]]])}
    if kind == "offer": return {"offer": luck.choice([0, 1, -1, 10**30, None, "0", tree()]), "method": luck.choice(["__call__", "__class__", None, 3]), "args": luck.choice([[], [tree()], {}, None]), "words": luck.choice([{}, {"x": tree()}, [], None])}
    if kind == "any": return tree()
    return {kind: luck.choice([True, 1, tree()])}

def say(line):
    if KIND == "trees": return line.sendall(framed(answer()))
    if KIND == "bytes": return line.sendall(frame_of(luck.randbytes(luck.randint(0, 5000))))
    if KIND == "no-frames": return line.sendall(luck.randbytes(luck.randint(1, 5000)))
    if KIND == "huge-size": return line.sendall((2**31 + luck.randint(0, 2**30)).to_bytes(4, "big") + b"x" * 100)
    if KIND == "truncated":
        line.sendall(framed(answer())[: luck.randint(1, 20)])
        os._exit(0)
    if KIND == "silence": time.sleep(60)
    if KIND == "drip":
        for one in (1 << 20).to_bytes(4, "big") + b"{" * (1 << 20):
            line.sendall(bytes([one]))
            time.sleep(0.01)
    if KIND == "flood":
        block = b"".join(framed(answer()) for _ in range(200))
        while True: line.sendall(block)
    if KIND == "offers-for-ever":
        while True: line.sendall(framed({"offer": 0, "method": "__call__", "args": [1.0], "words": {}}))
    if KIND == "deep": return line.sendall(frame_of(b'{"value": ' + b"[" * 90_000 + b"]" * 90_000 + b"}"))
    if KIND == "wide": return line.sendall(frame_of(b'{"value": {"t": "list", "v": [' + b"{}," * 5_000_000 + b"0]}}"))
    if KIND == "numbers": return line.sendall(frame_of(b'{"value": ' + b"9" * luck.choice([5000, 3_000_000]) + b"}"))

asked.Asked.reply = lambda self, answer: say(self._line)
