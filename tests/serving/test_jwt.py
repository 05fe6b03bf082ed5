"""Tokens of an identity provider: real keys, and every way to forge, bend or outlive a token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from domain.errors import DefinitionError
from serving.auth import Role
from serving.jwt_tokens import Tokens, read_tokens
from serving.settings import ALGORITHMS, JwtSettings
from tests.serving import world
from tests.serving.doors import Doors

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
OTHER = rsa.generate_private_key(65537, 2048)
PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
NOW = world.START // 1_000_000
ISSUER, AUDIENCE = "https://sso.example", "assay"
SETTINGS = JwtSettings(issuer=ISSUER, audience=AUDIENCE, keys="sso.json", algorithms=("RS256", "ES256", "EdDSA"))


def claims(**changes: Any) -> dict[str, Any]:
    whole = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "checkout", "nbf": NOW - 60, "exp": NOW + 600,
        "roles": ["payments-scorer", "another-service"], **changes,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not ...}


def signed(key: Any = RSA, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": "r", **(headers or {})})


def raw(header: dict[str, Any], body: dict[str, Any] | bytes, signature: bytes = b"x") -> str:
    parts = [json.dumps(header).encode(), body if isinstance(body, bytes) else json.dumps(body).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def jwks() -> dict[str, Any]:
    found = {"r": RSAAlgorithm.to_jwk(RSA.public_key(), True), "e": ECAlgorithm.to_jwk(EC.public_key(), True),
             "d": OKPAlgorithm.to_jwk(ED.public_key(), True)}  # fmt: skip
    return {"keys": [{**key, "kid": kid, "use": "sig"} for kid, key in found.items()]}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    folder = tmp_path_factory.mktemp("jwt")
    (folder / "sso.json").write_text(json.dumps(jwks()))
    return read_tokens(SETTINGS, folder)


def find(tokens: Tokens, token: str, now: int = NOW) -> Any:
    return tokens.find(token, now * 1_000_000)


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA, "RS256", "r"), (EC, "ES256", "e"), (ED, "EdDSA", "d")], ids=["RSA", "EC", "Ed"]
)  # fmt: skip
def test_a_good_token_names_its_client_and_roles(tokens: Tokens, key: Any, algorithm: str, kid: str) -> None:
    for _ in range(2):
        client = find(tokens, signed(key, algorithm, {"kid": kid}, aud=["x", AUDIENCE]))
        assert (client.name, client.roles) == ("checkout", frozenset({Role.PAYMENTS_SCORER}))


def _confused(secret: bytes) -> str:
    head, body = raw({"alg": "HS256", "typ": "JWT", "kid": "r"}, claims()).split(".")[:2]
    mac = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _cut(token: str, keep: int) -> str:
    return ".".join(token.split(".")[:keep])


def _grafted() -> str:
    head, _, tail = signed().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(roles=["admin"])).encode()).decode().rstrip("=")
    return f"{head}.{body}.{tail}"


ATTACKS = {
    "none": raw({"alg": "none", "kid": "r"}, claims(), b""),
    "None": raw({"alg": "None", "kid": "r"}, claims()),
    "nOnE": raw({"alg": "nOnE", "kid": "r"}, claims()),
    "no alg": raw({"kid": "r"}, claims()),
    "alg is a list": raw({"alg": ["RS256"], "kid": "r"}, claims()),
    "alg is a number": raw({"alg": 5, "kid": "r"}, claims()),
    "HS256 with the public PEM": _confused(PUBLIC),
    "HS256 with the JWKS": _confused(json.dumps(jwks()).encode()),
    "HS256 with nothing": _confused(b""),
    "another key": signed(OTHER),
    "an algorithm not pinned": signed(algorithm="RS384"),
    "PS256 with the RSA key": signed(algorithm="PS256"),
    "the key of another kid": signed(headers={"kid": "e"}),
    "an EC signature under the RSA kid": signed(EC, "ES256"),
    "unknown kid": signed(headers={"kid": "z"}),
    "kid is a path": signed(headers={"kid": "../../dev/null"}),
    "kid is SQL": signed(headers={"kid": "' OR 1=1"}),
    "kid is a number": raw({"alg": "RS256", "kid": 1}, claims()),
    "kid is a list": raw({"alg": "RS256", "kid": ["r"]}, claims()),
    "no kid among several keys": jwt.encode(claims(), RSA, "RS256"),
    "jku": signed(headers={"jku": "https://evil.example/jwks"}),
    "jwk": signed(OTHER, headers={"jwk": RSAAlgorithm.to_jwk(OTHER.public_key(), True)}),
    "x5u": signed(headers={"x5u": "https://evil.example"}),
    "x5c": signed(headers={"x5c": ["MII"]}),
    "crit": signed(headers={"crit": ["exp"]}),
    "b64": signed(headers={"b64": False, "crit": ["b64"]}),
    "other claims under a good signature": _grafted(),
    "no signature": _cut(signed(), 2) + ".",
    "two parts": _cut(signed(), 2),
    "four parts": signed() + ".x",
    "signature cut": signed()[:-10],
    "body no JSON": raw({"alg": "RS256", "kid": "r"}, b"\xff"),
    "body a list": raw({"alg": "RS256", "kid": "r"}, b"[]"),
    "body nested": raw({"alg": "RS256", "kid": "r"}, b"[" * 3_000),
    "spaces": " " + signed() + " ",
    "line break": signed() + "\n",
    "too long": signed(headers={"typ": "x" * 9_000}),
    "no exp": signed(exp=...),
    "no nbf": signed(nbf=...),
    "no aud": signed(aud=...),
    "no iss": signed(iss=...),
    "no sub": signed(sub=...),
    "no roles": signed(roles=...),
    "roles a text": signed(roles="admin"),
    "roles of numbers": signed(roles=[1]),
    "roles an object": signed(roles={"admin": True}),
    "another audience": signed(aud="other"),
    "audience as part of one": signed(aud="assay-admin"),
    "another issuer": signed(iss="https://sso.example.evil"),
    "issuer a list": raw({"alg": "RS256", "kid": "r"}, claims(iss=[ISSUER])),
    "expired": signed(exp=NOW - 1),
    "expires now": signed(exp=NOW),
    "not yet": signed(nbf=NOW + 1),
    "exp a text": signed(exp=str(NOW + 600)),
    "exp true": signed(exp=True),
    "exp infinite": raw({"alg": "RS256", "kid": "r"}, json.dumps(claims(exp=float("inf"))).encode()),
    "exp beyond reason": signed(exp=2**62),
    "a week long": signed(exp=NOW + 7 * 86_400),
    "a name that is none": signed(sub="Check Out"),
    "a name with a zero byte": signed(sub="a\x00"),
    "empty": "",
    "dots": "..",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_passes(tokens: Tokens, name: str) -> None:
    assert find(tokens, ATTACKS[name]) is None


def test_what_was_accepted_once_expires_all_the_same(tokens: Tokens) -> None:
    token = signed()
    assert find(tokens, token) is not None
    assert find(tokens, token, NOW + 599) is not None
    assert find(tokens, token, NOW + 600) is None
    assert find(tokens, token, NOW - 61) is None


@settings(max_examples=200)
@given(place=st.integers(0, 10_000), by=st.integers(1, 255))
def test_no_changed_byte_of_what_is_signed_is_accepted(tokens: Tokens, place: int, by: int) -> None:
    token = signed()
    head, body, tail = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    parts = [bytearray(head), bytearray(body), bytearray(tail)]
    whole = sum(map(len, parts))
    at = place % whole
    for part in parts:
        if at < len(part):
            part[at] = (part[at] + by) % 256
            break
        at -= len(part)
    forged = ".".join(base64.urlsafe_b64encode(bytes(part)).decode().rstrip("=") for part in parts)
    assert find(tokens, forged) is None


@settings(max_examples=200)
@given(token=st.text(max_size=200))
def test_nothing_else_is_a_token_or_an_error(tokens: Tokens, token: str) -> None:
    assert find(tokens, token) is None


# ------------------------------------------------------------------ key files


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "RS1", ""])
def test_no_setting_allows_a_weak_algorithm(algorithm: str) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        JwtSettings(issuer="i", audience="a", keys="k", algorithms=(algorithm,))
    assert not any(name.startswith(("HS", "none")) for name in ALGORITHMS)


def _private_pem() -> bytes:
    return RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("k.json", b""),
        ("k.json", b'{"keys": []}'),
        ("k.json", b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "r"}]}'),
        ("k.json", json.dumps({"keys": [RSAAlgorithm.to_jwk(RSA, True)]}).encode()),
        ("k.json", json.dumps({"keys": [jwks()["keys"][0]] * 2}).encode()),
        ("k.json", json.dumps({"keys": [{**jwks()["keys"][0], "use": "enc"}]}).encode()),
        ("k.pem", b"not a key"),
        ("k.pem", _private_pem()),
        ("k.pem", rsa.generate_private_key(65537, 1024).public_key().public_bytes(  # noqa: S505 - to be refused
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ("k.pem", ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ("absent.pem", None),
    ],
)  # fmt: skip
def test_a_key_file_that_is_none_is_refused_at_the_start(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DefinitionError):
        read_tokens(SETTINGS.model_copy(update={"keys": name}), tmp_path)


def test_a_pem_needs_no_kid(tmp_path: Path) -> None:
    (tmp_path / "sso.pem").write_bytes(PUBLIC)
    tokens = read_tokens(SETTINGS.model_copy(update={"keys": "sso.pem"}), tmp_path)
    assert find(tokens, jwt.encode(claims(), RSA, "RS256")) is not None
    assert find(tokens, jwt.encode(claims(), OTHER, "RS256")) is None
    assert find(tokens, _confused(PUBLIC)) is None


# ------------------------------------------------------------------- the door


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    root = tmp_path_factory.mktemp("jwtdoors")
    (root / "configs").mkdir()
    import shutil

    shutil.copytree(world.CONFIGS, root / "configs", dirs_exist_ok=True)
    (root / "configs" / "sso.json").write_text(json.dumps(jwks()))
    settings = SETTINGS.model_dump(mode="json", exclude={"max_lifetime", "leeway"})
    doors = Doors(root, products=(), settings={"jwt": json.dumps(settings)})
    yield doors
    doors.close()


def ask(doors: Doors, token: str, path: str = "/v1/models", method: str = "GET") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return doors.send(method, path, b"{}" if method == "POST" else None, client=None, headers=headers).status_code


def test_the_door_takes_keys_and_tokens_and_no_attack(closed: Doors) -> None:
    assert ask(closed, signed()) == 200
    assert ask(closed, closed.keys["analyst"]) == 200
    assert ask(closed, signed(), "/v1/alerts") == 403
    assert ask(closed, signed(roles=[]), "/v1/models") == 403
    assert ask(closed, signed(roles=["analyst"]), "/v1/alerts") == 200
    for name, token in ATTACKS.items():
        if token.isascii() and token.isprintable() and len(token) < 8_192 and name != "spaces":
            assert ask(closed, token) == 401, name
    assert all(part not in closed.log.getvalue() for part in signed().split("."))


def test_a_decision_belongs_to_the_client_of_the_token(closed: Doors) -> None:
    (payment,) = world.payment_stream(1, 3, world.START)
    headers = {"Authorization": f"Bearer {signed()}"}
    decided = closed.send("POST", "/v1/payments/score", payment, client=None, headers=headers).json()
    path = f"/v1/decisions/{decided['decision_id']}"
    assert ask(closed, signed(), path) == 200
    assert ask(closed, signed(sub="another"), path) == 404


def test_keys_are_followed_when_their_file_changes(closed: Doors) -> None:
    token = signed(OTHER, headers={"kid": "n"})
    assert ask(closed, token) == 401
    path = closed.configs / "sso.json"
    before = path.read_text()
    path.write_text("{")
    assert closed.runtime.look_now()
    assert ask(closed, signed()) == 200, "a damaged file lets nobody new in and nobody out"
    fresh = {"keys": [{**RSAAlgorithm.to_jwk(OTHER.public_key(), True), "kid": "n"}]}
    path.write_text(json.dumps(fresh))
    assert closed.runtime.look_now()
    assert (ask(closed, token), ask(closed, signed())) == (200, 401)
    path.write_text(before)
    assert closed.runtime.look_now()
    assert (ask(closed, token), ask(closed, signed())) == (401, 200)


def test_without_settings_no_token_is_read(doors: Doors) -> None:
    assert ask(doors, signed()) == 401
