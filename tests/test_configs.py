"""Every YAML the project ships parses with the model that reads it, and refuses what that model does not know."""

from pathlib import Path

import pytest
import yaml

from data.importer.mapping import ImportMapping
from domain.bilingual import Both
from domain.errors import DefinitionError
from domain.settings import PlatformSettings, Settings
from monitoring.aml.settings import AmlSettings
from monitoring.book.settings import BookSettings
from monitoring.channels.settings import ChannelSettings
from monitoring.disclosure.settings import DisclosureSettings
from monitoring.drill import DrillSettings
from monitoring.funds.settings import FundsSettings
from monitoring.limits import LimitSettings
from monitoring.matters.limits import DeskLimits
from monitoring.risks.settings import Register
from monitoring.settings import MonitoringSettings
from scoring.label_intake import LabelIntake
from scoring.lists import ListSettings
from scoring.notice import NoticeSettings
from scoring.policy_examples import PolicyExamples
from scoring.policy_settings import PolicySettings
from scoring.reasons import ReasonBook
from serving.load.settings import Promise
from serving.settings import ServingSettings
from stores.matter_settings import CaseSettings, ComplaintSettings, DeskSettings
from stores.settings_files import load_settings
from training.gates.settings import GateSettings
from training.intake import IntakeLimits
from training.protocols.amlsim_settings import AmlsimSettings
from training.protocols.handbook import HandbookSettings
from training.protocols.tabular import TabularSettings
from training.report.settings import ReportSettings
from training.settings import TrainingSettings, read_training_settings

PROJECT = Path(__file__).parents[1]
FOLDERS = ("configs", "data/mappings")
FILES = sorted(path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.y*ml"))
MODELS: dict[str, type[Settings]] = {
    "configs/platform.yaml": PlatformSettings,
    "configs/monitoring.yaml": MonitoringSettings,
    "configs/limits.yaml": LimitSettings,
    "configs/labels.yaml": LabelIntake,
    "configs/channels.yaml": ChannelSettings,
    "configs/book.yaml": BookSettings,
    "configs/risk_register.yaml": Register,
    "configs/disclosure.yaml": DisclosureSettings,
    "configs/aml.yaml": AmlSettings,
    "configs/funds.yaml": FundsSettings,
    "configs/serving.yaml": ServingSettings,
    "configs/cases.yaml": CaseSettings,
    "configs/load.yaml": Promise,
    "configs/complaints.yaml": ComplaintSettings,
    "configs/desk.yaml": DeskSettings,
    "configs/drills.yaml": DrillSettings,
    "configs/desk_limits.yaml": DeskLimits,
    "configs/notice.yaml": NoticeSettings,
    "configs/gates.yaml": GateSettings,
    "configs/fraud.yaml": TrainingSettings,
    "configs/credit.yaml": TrainingSettings,
    "configs/templates/table.yaml": TrainingSettings,
    "configs/templates/events.yaml": TrainingSettings,
    "configs/intake.yaml": IntakeLimits,
    "configs/report.yaml": ReportSettings,
    "configs/benchmarks/handbook.yaml": HandbookSettings,
    "configs/benchmarks/taiwan.yaml": TabularSettings,
    "configs/benchmarks/german.yaml": TabularSettings,
    "configs/benchmarks/amlsim.yaml": AmlsimSettings,
    "configs/benchmarks/taiwan_train.yaml": TrainingSettings,
    "configs/benchmarks/german_train.yaml": TrainingSettings,
    "configs/policy/payments.yaml": PolicySettings,
    "configs/policy/loans.yaml": PolicySettings,
    "configs/policy/lists.yaml": ListSettings,
    "configs/policy/examples/payments.yaml": PolicyExamples,
    "configs/policy/examples/loans.yaml": PolicyExamples,
    "configs/reasons/payment.yaml": ReasonBook,
    "configs/reasons/loan.yaml": ReasonBook,
}
OVERRIDES = {
    "configs/quick.yaml": ("configs/fraud.yaml", "configs/credit.yaml"),
    "configs/notebook.yaml": ("configs/fraud.yaml", "configs/credit.yaml"),
    "configs/ablation.yaml": ("configs/fraud.yaml",),
    "configs/compare.yaml": ("configs/fraud.yaml", "configs/credit.yaml"),
}
"""Files that hold only what they change in others."""


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def model_of(name: str) -> type[Settings] | None:
    return ImportMapping if name.startswith("data/mappings/") else MODELS.get(name)


WHOLE = [path for path in FILES if name_of(path) not in OVERRIDES]


@pytest.mark.parametrize("path", WHOLE, ids=name_of)
def test_a_shipped_file_parses(path):
    model = model_of(name_of(path))
    assert model is not None, f"{name_of(path)}: say in this test which model reads it"
    assert load_settings(path, model)


@pytest.mark.parametrize("path", WHOLE, ids=name_of)
def test_an_unknown_setting_is_refused(path, tmp_path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    copy = tmp_path / path.name
    copy.write_text(yaml.safe_dump({**content, "not_a_setting": 1}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DefinitionError, match="not_a_setting"):
        load_settings(copy, model_of(name_of(path)))


@pytest.mark.parametrize("name", OVERRIDES)
def test_overrides_fit_what_they_change(name):
    for base in OVERRIDES[name]:
        assert read_training_settings(PROJECT / base, PROJECT / name) != read_training_settings(PROJECT / base)


def test_every_model_has_its_file():
    assert {*MODELS, *OVERRIDES} <= {name_of(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_shipped_file_says_what_it_is_for(path):
    assert path.read_text(encoding="utf-8").startswith("# ")


SAID = ("source", "owner", "action", "counted_from")
SHOWN = (
    "aml", "book", "cases", "channels", "complaints", "desk", "desk_limits", "disclosure", "drills", "funds", "labels",
    "limits", "monitoring", "report", "risk_register",
)  # fmt: skip
"""Settings whose sources, owners and actions stand on pages that are read in Chinese and English."""


def told_in(content: object, where: str = "") -> list[tuple[str, object]]:
    """Every source, owner and action of a settings file, with where it stands."""
    if isinstance(content, list):
        return [found for place, each in enumerate(content) for found in told_in(each, f"{where}[{place}]")]
    if not isinstance(content, dict):
        return []
    mine = [(f"{where}.{name}", each) for name, each in content.items() if name in SAID or name.endswith("_source")]
    return mine + [found for name, each in content.items() for found in told_in(each, f"{where}.{name}")]


@pytest.mark.parametrize("name", SHOWN)
def test_who_says_so_is_told_in_both_languages(name):
    content = yaml.safe_load((PROJECT / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert told_in(content)
    alone = {where: each for where, each in told_in(content) if not {"zh", "en"} <= set(each)}
    assert not alone, "write {zh: …, en: …}"


def test_a_source_in_one_language_alone_is_read(tmp_path):
    content = yaml.safe_load((PROJECT / "configs" / "desk_limits.yaml").read_text(encoding="utf-8"))
    content["limits"]["case_pick_up"]["source"] = "the board, 2026-11-02"
    copy = tmp_path / "desk_limits.yaml"
    copy.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    limits = load_settings(copy, DeskLimits).limits
    assert limits["case_pick_up"].told == "the board, 2026-11-02"
    assert limits["case_resolution"].told == Both("本项目自定", "ours")
