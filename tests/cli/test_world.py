"""`assay simulate`, `assay import` and what guards them at the door."""

import json

import pytest

from cli.main import main

SMALL = ["--days", "14", "--customers", "100", "--months", "14", "--borrowers", "100"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a tiny world in its journal."""
    home = tmp_path_factory.mktemp("home")
    assert main(["--home", str(home), "simulate", "--seed", "5", *SMALL]) == 0
    return home


def counted(home, capsys):
    capsys.readouterr()
    assert main(["--home", str(home), "journal", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_world_is_written_and_journalled(home, capsys):
    manifest = json.loads((home / "simulation" / "manifest.json").read_text(encoding="utf-8"))
    kinds = counted(home, capsys)["kinds"]
    assert kinds == {kind: counts["n_events"] for kind, counts in manifest["kinds"].items()}


def test_the_same_world_again_changes_nothing(home, capsys):
    before = counted(home, capsys)
    assert main(["--home", str(home), "simulate", "--seed", "5", *SMALL, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["seed"] == 5
    assert counted(home, capsys) == before


def test_identifiers_are_tokens_in_the_journal(home):
    from stores.database import Database
    from stores.journal import Journal

    database = Database(home / "assay.db")
    customers = set(Journal(database, home / "journal").read("transaction", columns=["customer_id"])[0].to_pylist())
    database.close()
    assert {len(customer) for customer in customers} == {22}


def test_another_world_does_not_meet_the_first(home, tmp_path, capsys):
    assert main(["--home", str(home), "simulate", "--seed", "6", *SMALL]) == 2
    assert "expected no other simulation there" in capsys.readouterr().err
    assert main(["--home", str(home), "simulate", "--seed", "6", "--out", str(tmp_path / "other"), *SMALL]) == 2
    assert "expected an empty journal for a new world" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_world_can_be_written_alone(tmp_path, capsys):
    out = tmp_path / "world"
    home = tmp_path / "home"
    assert main(["--home", str(home), "simulate", "--out", str(out), "--no-journal", *SMALL]) == 0
    assert (out / "transaction.parquet").is_file()
    assert not home.exists()


def test_impossible_sizes_are_named(tmp_path, capsys):
    assert main(["--home", str(tmp_path), "simulate", "--days", "2", "--customers", "1"]) == 2
    said = capsys.readouterr().err
    assert "payment_days" in said
    assert "got 2" in said
    assert "n_customers" in said


MAPPING = """\
name: shop
source: {format: csv}
currency: CNY
zone: Asia/Shanghai
events:
  - kind: transaction
    event_id: "{id}"
    event_time: {column: when}
    columns:
      customer_id: customer
      amount: {column: amount, unit: decimal}
"""
GOOD = "id,when,customer,amount\np1,2026-03-01T08:00:00,c1,12.50\np2,2026-03-01T09:00:00,c2,7.00\n"


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "shop.csv").write_text(GOOD, encoding="utf-8")
    return tmp_path


def bring(shop, *more, mapping="shop.yaml", source="shop.csv"):
    return main(["--home", str(shop / "home"), "import", str(shop / mapping), str(shop / source), *more])


def test_a_file_is_imported_once(shop, capsys):
    assert bring(shop, "--json") == 0
    assert json.loads(capsys.readouterr().out)["n_accepted"] == 2
    assert bring(shop) == 0
    assert "2 events were in the journal already" in capsys.readouterr().out


def test_bad_rows_are_counted_and_written_aside(shop, capsys):
    (shop / "shop.csv").write_text(GOOD + "p3,tomorrow,c3,1.00\n", encoding="utf-8")
    assert bring(shop, "--rejects", str(shop / "aside")) == 0
    said = capsys.readouterr().out
    assert "3 rows: 2 accepted, 1 rejected" in said
    (rejected,) = (shop / "aside").glob("*.rejected.csv")
    assert str(rejected) in said
    assert "tomorrow" in rejected.read_text(encoding="utf-8")


def test_wrong_input_to_an_import_is_refused(shop, capsys):
    def refused(code, said, **names):
        capsys.readouterr()
        assert bring(shop, **names) == code
        caught = capsys.readouterr().err
        assert said in caught
        assert "Traceback" not in caught

    refused(2, "expected a settings file, found none", mapping="absent.yaml")
    refused(2, "absent.csv", source="absent.csv")
    (shop / "wrong.yaml").write_text(MAPPING.replace("customer_id", "customer_idd"), encoding="utf-8")
    refused(2, "customer_idd", mapping="wrong.yaml")
    (shop / "all.csv").write_text("id,when,customer,amount\np3,tomorrow,c3,1.00\n", encoding="utf-8")
    refused(3, "nothing was imported", source="all.csv")
    assert main(["--home", str(shop), "import", "no-such-mapping", "x.csv"]) == 2
    assert "german, handbook" in capsys.readouterr().err
