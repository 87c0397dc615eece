"""The signed receipt: who handed in what, when by the server's clock.

Signed with Ed25519 (RFC 8032) over the receipt's canonical JSON, so anybody who has the platform's public key can
check one without asking the platform. It proves what was received; it does not prove who typed it.

A receipt names the key that signed it. A key that was changed is gone, its public half is kept: receipts signed before
the change stay good, and one that says it was received afterwards is a forgery.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from labkit import durable
from labkit.strict import strict


@dataclass(frozen=True)
class Receipt:
    """`files` maps each name to the SHA-256 of its bytes; `received_at` is ISO 8601 in UTC."""

    id: str
    username: str
    course: str
    lab: str
    digest: str
    received_at: str
    files: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    signature: str = ""
    key: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Receipt:
        """The receipt in an answer of the service. What else the answer tells stands beside it and is not signed."""
        given = {name: answer[name] for name in cls.__dataclass_fields__ if name in answer}
        return cls(**{**given, "missing": tuple(answer["missing"]), "extra": tuple(answer["extra"])})

    def to_json(self) -> dict[str, Any]:
        shown = {**asdict(self), "missing": list(self.missing), "extra": list(self.extra)}
        if not self.key:  # the first receipts named no key
            del shown["key"]
        return shown


@dataclass(frozen=True)
class RetiredKey:
    """`public_key` is base64; `retired_at` is ISO 8601: nothing received later can bear this key's signature."""

    key: str
    public_key: str
    retired_at: str


class Signer:
    """Signs and checks receipts with one key file, made at first use and readable by its owner only.

    Public halves of earlier keys are beside it, in NAME-retired.json.
    """

    def __init__(self, key_file: Path) -> None:
        if not key_file.exists():
            durable.make_folder(key_file.parent, 0o700)
            # Several processes may start at once: the first one's key is everybody's.
            durable.create(key_file, _new_key(), 0o600)
        self._key, self._file = _load(key_file), key_file

    @property
    def public_key(self) -> str:
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    @property
    def key(self) -> str:
        """The id of the key: the first 16 hexadecimal digits of its public half's SHA-256."""
        return hashlib.sha256(base64.b64decode(self.public_key)).hexdigest()[:16]

    @property
    def retired(self) -> tuple[RetiredKey, ...]:
        """Earlier keys, oldest first."""
        file = _retired_file(self._file)
        found = json.loads(file.read_text()) if file.exists() else []
        return tuple(strict(RetiredKey, one, str(file)) for one in found)

    def sign(self, receipt: Receipt, *, named: bool = True) -> Receipt:
        """The receipt with this key's signature; without its name as the first receipts were."""
        unsigned = Receipt(**{**vars(receipt), "key": self.key if named else "", "signature": ""})
        signature = base64.b64encode(self._key.sign(_canonical(unsigned))).decode()
        return Receipt(**{**vars(unsigned), "signature": signature})

    def check(self, receipt: Receipt) -> bool:
        """Whether a key of ours signed exactly this, while it was ours."""
        if receipt.key in ("", self.key) and verify(receipt, self.public_key):
            return True
        return any(
            receipt.key in ("", one.key)
            and datetime.fromisoformat(receipt.received_at) <= datetime.fromisoformat(one.retired_at)
            and verify(receipt, one.public_key)
            for one in self.retired
        )

    def rotate(self, now: datetime) -> None:
        """Makes a new key and keeps the public half of the old one, which is gone afterwards.

        A crash in between leaves the old key in use and listed as retired; rotating again mends it.
        """
        mine = RetiredKey(self.key, self.public_key, now.isoformat(timespec="milliseconds"))
        earlier = [asdict(one) for one in self.retired if one.key != mine.key]
        durable.write(_retired_file(self._file), json.dumps([*earlier, asdict(mine)]).encode(), 0o600)
        durable.write(self._file, _new_key(), 0o600)
        self._key = _load(self._file)


def verify(receipt: Receipt, public_key: str) -> bool:
    """Whether `receipt` is word for word what the holder of `public_key` (base64) signed."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(receipt.signature), _canonical(receipt))
    except (InvalidSignature, ValueError):
        return False
    return True


def _canonical(receipt: Receipt) -> bytes:
    body = receipt.to_json()
    del body["signature"]
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _load(key_file: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{key_file} holds no Ed25519 key")
    return key


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _retired_file(key_file: Path) -> Path:
    return key_file.with_name(f"{key_file.stem}-retired.json")
