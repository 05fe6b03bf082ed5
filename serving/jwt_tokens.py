"""JSON Web Tokens: who an identity provider says is asking. The header of a token chooses nothing.

size → header (alg pinned, no keys or extensions in it) → key by kid, of the kind its alg needs → signature
     → iss, aud, exp, nbf against our clock → client and roles
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from domain.errors import DefinitionError, expected_got
from serving.auth import CLIENT_NAME, Client, Role
from serving.settings import JwtSettings

_MAX_TOKEN = 8_192
_MAX_KNOWN = 1_024
_MIN_RSA_BITS = 2_048
_MICRO = 1_000_000
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
_HEADER = frozenset({"alg", "typ", "kid"})
"""What a header may hold: no ``jku``, ``jwk`` or ``x5u`` that would bring its own key, no ``crit``."""


class Tokens:
    """Check tokens against keys that were read once; what passed is remembered until it expires.

    Parameters
    ----------
    keys : kid ("" where the file names none) → public key.

    Raises
    ------
    DefinitionError
        When a key fits none of the algorithms.
    """

    def __init__(self, settings: JwtSettings, keys: Mapping[str, Any]) -> None:
        self._settings = settings
        self._keys = dict(keys)
        self._known: OrderedDict[bytes, tuple[Client, int, int]] = OrderedDict()
        for kid, key in self._keys.items():
            if not any(_fits(algorithm, key) for algorithm in settings.algorithms):
                raise DefinitionError(
                    expected_got(f"a public key for {', '.join(settings.algorithms)}", type(key).__name__, f"jwt {kid}")
                )

    def find(self, token: str, now: int) -> Client | None:
        """The client of a token that holds at a time (µs UTC), None for any other."""
        if len(token) > _MAX_TOKEN or not _SHAPE.fullmatch(token):
            return None
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._checked(token)
            if known is None:
                return None
            self._known[digest] = known
            if len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        client, begins, ends = known
        leeway = self._settings.leeway
        return client if begins - leeway <= now < ends + leeway else None

    def _checked(self, token: str) -> tuple[Client, int, int] | None:
        settings = self._settings
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid", "")
            if algorithm not in settings.algorithms or not header.keys() <= _HEADER:
                return None
            key = self._keys.get(kid) if "kid" in header or "" in self._keys else self._only()
            if key is None or not _fits(algorithm, key):
                return None
            claims = jwt.decode(
                token, key, algorithms=[algorithm], audience=settings.audience, issuer=settings.issuer,
                # Times are judged against our clock, below and at every later use.
                options={"require": ["aud", "iss", "exp", "nbf"], "verify_exp": False, "verify_nbf": False,
                         "verify_iat": False},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
        begins, ends = _instant(claims["nbf"]), _instant(claims["exp"])
        client = _client(claims, settings)
        if begins is None or ends is None or client is None or not 0 < ends - begins <= settings.max_lifetime:
            return None
        return client, begins, ends

    def _only(self) -> Any:
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None


def read_tokens(settings: JwtSettings, configs: Path) -> Tokens:
    """The checker for the key file that the settings name.

    Raises
    ------
    DefinitionError
        When the file cannot be read, or holds something else than public keys.
    """
    path = configs / settings.keys
    try:
        content = path.read_bytes()
        keys = _jwks(content) if path.suffix == ".json" else {"": load_pem_public_key(content)}
        return Tokens(settings, keys)
    except (OSError, ValueError, TypeError, KeyError, UnsupportedAlgorithm, jwt.PyJWTError) as error:
        raise DefinitionError(f"{path}: expected a JWKS or a PEM of public keys, got {error}") from error


def _jwks(content: bytes) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for entry in json.loads(content)["keys"]:
        if entry.get("use", "sig") != "sig":
            continue
        if "d" in entry or entry.get("kty") == "oct":
            raise ValueError("a private or shared key, which has no place here")
        kid = entry.get("kid", "")
        if not isinstance(kid, str) or kid in keys:
            raise ValueError("two keys of one kid")
        keys[kid] = jwt.PyJWK.from_dict(entry).key
    if not keys:
        raise ValueError("no key that signs")
    return keys


def _fits(algorithm: str, key: Any) -> bool:
    """Whether a key is of the kind that an algorithm needs, so that no token can have it read as another."""
    if algorithm.startswith(("RS", "PS")):
        return isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS
    if algorithm in _CURVES:
        return isinstance(key, EllipticCurvePublicKey) and key.curve.name == _CURVES[algorithm]
    return algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey | Ed448PublicKey)


def _instant(value: Any) -> int | None:
    """Seconds since 1970 as µs; a bool, a text or a number out of reason is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        return None
    return int(value * _MICRO)


def _client(claims: Mapping[str, Any], settings: JwtSettings) -> Client | None:
    name, roles = claims.get(settings.client_claim), claims.get(settings.roles_claim)
    if not isinstance(name, str) or not CLIENT_NAME.fullmatch(name):
        return None
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        return None
    # A provider names roles of other services as well.
    return Client(name, frozenset(Role(role) for role in roles if role in _ROLES))


_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_ROLES = frozenset(role.value for role in Role)
