"""The signed receipt: who handed in what, when by the server's clock.

Signed with Ed25519 (RFC 8032) over the receipt's canonical JSON, so anybody who has the platform's public key can
check one without asking the platform. It proves what was received; it does not prove who typed it.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


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

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "missing": list(self.missing), "extra": list(self.extra)}


class Signer:
    """Signs and checks receipts with one key file, made at first use and readable by its owner only."""

    def __init__(self, key_file: Path) -> None:
        if not key_file.exists():
            _write_key(key_file)
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{key_file} holds no Ed25519 key")
        self._key = key

    @property
    def public_key(self) -> str:
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def sign(self, receipt: Receipt) -> Receipt:
        signature = base64.b64encode(self._key.sign(_canonical(receipt))).decode()
        return Receipt(**{**vars(receipt), "signature": signature})


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


def _write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
