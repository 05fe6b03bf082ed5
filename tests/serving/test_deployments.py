"""A pointer is followed while requests run; what is wrong with a bundle keeps the old one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.decision import Product
from serving.auth import add_key, revoke_key
from stores.bundles import point
from tests.serving import world
from tests.serving.doors import Doors, until
from tests.serving.parity import same_vectors


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("deployments"), products=(Product.PAYMENT,))
    yield made
    made.close()


def stream(doors: Doors, n: int) -> list[dict[str, Any]]:
    requests = world.payment_stream(n, 4, world.START, prefix=f"{doors.key()}-")
    return [{"path": "/v1/payments/score", "body": request} for request in requests]


def models(answers: list[Any]) -> list[str]:
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json()["versions"]["model"] for answer in answers]


def test_a_new_bundle_is_swapped_in_between_transactions(doors: Doors) -> None:
    first = doors.engine.desks[Product.PAYMENT].bundle.hash
    state = doors.engine.desks[Product.PAYMENT].state
    assert set(models(doors.together(stream(doors, 5)))) == {first}
    second = world.deploy(doors.home, Product.PAYMENT, seed=6)
    seen: list[str] = []
    until(lambda: bool(seen.extend(models(doors.together(stream(doors, 5)))) or second in seen))
    assert set(seen) == {first, second}
    # Each request before the swap has the first, each after it the second.
    assert seen == sorted(seen, key=[first, second].index)
    # The features are the same, so the state is kept.
    assert doors.engine.desks[Product.PAYMENT].state is state


def test_a_bundle_with_other_features_brings_a_state_of_its_own(doors: Doors) -> None:
    state = doors.engine.desks[Product.PAYMENT].state
    third = world.deploy(doors.home, Product.PAYMENT, seed=5, views=False)
    until(lambda: third in models(doors.together(stream(doors, 3))))
    assert doors.engine.desks[Product.PAYMENT].state is not state
    back = world.deploy(doors.home, Product.PAYMENT, seed=5)
    until(lambda: back in models(doors.together(stream(doors, 3))))
    n_vectors, _ = same_vectors(doors.home, Product.PAYMENT)
    assert n_vectors >= 20


def test_a_bad_bundle_is_refused_and_told(doors: Doors) -> None:
    good = doors.engine.desks[Product.PAYMENT].bundle.hash
    bad = world.deploy(doors.home, Product.PAYMENT, seed=7)
    until(lambda: bad in models(doors.together(stream(doors, 1))))
    point(doors.home.pointers, "payment", good, 1)
    until(lambda: good in models(doors.together(stream(doors, 1))))
    model = doors.home.bundles / bad / "model.txt"
    sound = model.read_bytes()
    content = bytearray(sound)
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    point(doors.home.pointers, "payment", bad, 2)
    until(lambda: doors.send("GET", "/readyz", client=None).json()["products"]["payment"]["refused"])
    told = doors.send("GET", "/v1/models").json()["payment"]
    assert (told["model"], "altered" in told["refused"]) == (good, True)
    assert set(models(doors.together(stream(doors, 3)))) == {good}
    metrics = doors.send("GET", "/v1/metrics", client="metrics").text
    assert 'assay_reloads_total{product="payment",result="refused"} 1.0' in metrics
    model.write_bytes(sound)
    # Pointing back clears the refusal.
    point(doors.home.pointers, "payment", good, 3)
    until(lambda: not doors.send("GET", "/readyz", client=None).json()["products"]["payment"]["refused"])


@pytest.mark.parametrize("digest", ["0" * 64])
def test_a_pointer_to_nothing_is_refused(doors: Doors, digest: str) -> None:
    good = doors.engine.desks[Product.PAYMENT].bundle.hash
    point(doors.home.pointers, "payment", digest, 4)
    until(lambda: doors.send("GET", "/readyz", client=None).json()["products"]["payment"]["refused"])
    assert set(models(doors.together(stream(doors, 3)))) == {good}


def test_a_bundle_of_the_other_product_is_refused(doors: Doors) -> None:
    loan = world.deploy(doors.home, Product.LOAN)
    point(doors.home.pointers, "payment", loan, 5)
    until(lambda: "loan" in str(doors.send("GET", "/v1/models").json()["payment"]["refused"]))


def test_starting_with_a_refused_bundle_decides_by_rules(doors: Doors) -> None:
    doors.restart()
    answer = doors.together(stream(doors, 1))[0].json()
    assert answer["degraded"] == "model dropped: the deployed bundle was refused"
    assert answer["versions"]["model"] == "none"
    good = world.deploy(doors.home, Product.PAYMENT, seed=5)
    until(lambda: good in models(doors.together(stream(doors, 1))))
    same_vectors(doors.home, Product.PAYMENT)


def test_keys_made_and_revoked_while_running(doors: Doors) -> None:
    doors.keys["later"] = add_key(doors.home, "later", ["analyst"])
    until(lambda: doors.send("GET", "/v1/models", client="later").status_code == 200)
    revoke_key(doors.home, "later")
    until(lambda: doors.send("GET", "/v1/models", client="later").status_code == 401)
