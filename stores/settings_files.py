"""Settings files: YAML under ``configs/`` read into the frozen models of the stations."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from domain.errors import DefinitionError, expected_got
from domain.settings import Settings

S = TypeVar("S", bound=Settings)


def read_yaml(path: Path) -> Any:
    """Parse a YAML file.

    Raises
    ------
    DefinitionError
        When the file is absent or is no YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DefinitionError(f"{path}: expected a settings file, found none") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path}: expected YAML, got {error}") from error


def load_settings(path: Path, model: type[S]) -> S:
    """Read one YAML file into a settings model.

    Raises
    ------
    DefinitionError
        Naming the file, each wrong field, what was expected and what came.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise DefinitionError(expected_got("a mapping of settings", type(content).__name__, str(path)))
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}, got {problem.get('input')!r}"
            for problem in error.errors()
        ]
        raise DefinitionError("\n".join([f"{path}: {len(lines)} setting(s) to mend:", *lines])) from error
