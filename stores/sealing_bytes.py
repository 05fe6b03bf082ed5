"""AES-256-GCM over bytes, bound to a name; and the key that wraps others, derived from the vault's."""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import DataError, expected_got

_NONCE_BYTES = 12


def wrapping_key(master: bytes) -> bytes:
    """The key that wraps others: one key for one purpose."""
    return hmac.digest(master, b"assay wrapping 1", "sha256")


def sealed_under(key: bytes, name: str, content: bytes) -> bytes:
    """Nonce, ciphertext and tag, bound to a name.

    Examples
    --------
    >>> opened_under(bytes(32), "a", sealed_under(bytes(32), "a", b"text"))
    b'text'
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, name.encode())


def opened_under(key: bytes, name: str, sealed: bytes) -> bytes:
    """What `sealed_under` was given.

    Raises
    ------
    DataError
        When the seal does not hold.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):
        raise DataError(expected_got("a seal that holds under the vault's key", "another", f"sealed {name}")) from None
