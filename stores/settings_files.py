"""Settings files: YAML under ``configs/`` read into the frozen models of the stations."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Hashable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from domain.errors import DefinitionError, expected_got
from domain.settings import Settings

S = TypeVar("S", bound=Settings)

# An error about a whole section would print the section.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlevel = 2

_MAPPINGS = (dict, Mapping)

_TAG = "tag:yaml.org,2002:"
_LOOSE = {_TAG + name for name in ("bool", "int", "float", "timestamp")}


class _Core(yaml.constructor.SafeConstructor):
    """A key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1} - {"<<"})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(twice)} given twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Loader(_Core, yaml.SafeLoader):
    """YAML as people read it (the core schema of YAML 1.2); a key given twice is an error.

    PyYAML follows YAML 1.1, where the country code ``NO`` is false, ``on`` is true, ``12:30`` is 750,
    ``010`` is 8 and ``1e-3`` is text.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _LOOSE]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_DIGITS = list("0123456789")
_Loader.add_implicit_resolver(_TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_TAG + "int", re.compile(r"^[-+]?(?:0|[1-9][0-9_]*)$"), ["-", "+", *_DIGITS])
_Loader.add_implicit_resolver(
    _TAG + "float",
    re.compile(r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$"),
    ["-", "+", ".", *_DIGITS],
)


class _Fast(_Core, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml is an option
    """The same by libyaml, where PyYAML was built with it: all settings files in 0.1 s instead of 0.6."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _parsed(text: str) -> Any:
    try:
        return yaml.load(text, _Fast)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        # libyaml counts lines and names mistakes in its own way.
        return yaml.load(text, _Loader)  # noqa: S506 - as above


def read_yaml(path: Path) -> Any:
    """Parse a YAML file.

    Raises
    ------
    DefinitionError
        When the file is absent or is no YAML, or names a key twice.
    """
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DefinitionError(f"{path}: expected a settings file, found none") from None
    except yaml.MarkedYAMLError as error:
        # The library's own text is several lines and says "expected" of the parser, not of the reader.
        mark = error.problem_mark or error.context_mark
        where = "" if mark is None else f", in line {mark.line + 1}, column {mark.column + 1}"
        why = "; ".join(part for part in (error.context, error.problem) if part)
        raise DefinitionError(f"{path}: expected YAML, got a mistake: {why}{where}") from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
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
        raise settings_error(str(path), error, model) from error


def settings_error(where: str, error: ValidationError, model: type[BaseModel] | None = None) -> DefinitionError:
    """Each wrong field of ``where``, what was expected and what came, as one error.

    Parameters
    ----------
    model : that was to be read, to tell the keys that an unknown one may have been meant for.
    """
    lines = []
    for problem in error.errors():
        loc, came = problem["loc"], _SHORT.repr(problem.get("input"))
        field = ".".join(str(part) for part in loc) or "as a whole"
        if problem["type"] == "extra_forbidden":
            known = [] if model is None else _keys(model, loc[:-1])
            said = f"{_known_key(str(loc[-1]), known)}, got an unknown one with {came}"
        elif problem["type"] == "missing":
            # What came instead of a field that is missing is the whole section around it.
            said = problem["msg"]
        else:
            said = f"{problem['msg'].removeprefix('Value error, ')}, got {came}"
        lines.append(f"  {field}: {said}")
    return DefinitionError("\n".join([f"{where}: {len(lines)} setting(s) to mend:", *lines]))


def _known_key(name: str, known: Sequence[str]) -> str:
    """What was expected instead of an unknown key: the nearest ones, or all where none is near.

    Examples
    --------
    >>> _known_key("zoen", ["events", "zone"]), _known_key("colour", ["events", "zone"])
    ('expected a known key (nearest: zone)', 'expected a known key (one of events, zone)')
    """
    if near := get_close_matches(name, known):
        return f"expected a known key (nearest: {', '.join(near)})"
    return f"expected a known key (one of {', '.join(known)})" if known else "expected a known key"


def _keys(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """Keys that a settings model has at a place below; none where the place cannot be followed."""
    types: list[Any] = [model]
    for part in loc:
        types = [below for each in types for below in _below(each, part)]
    return sorted({name for each in types if _is_model(each) for name in _fields(each)})


def _below(each: Any, part: int | str) -> list[Any]:
    """Types of what lies at a key or place of a type; the model itself where the part is the name of it in a union."""
    if _is_model(each):
        fields = _fields(each)
        if part in fields:
            return _alternatives(fields[str(part)])
        return [each] if part == each.__name__ else []
    inner = get_args(each)
    return [one for arg in (inner[1:] if get_origin(each) in _MAPPINGS else inner) for one in _alternatives(arg)]


def _alternatives(annotation: Any) -> list[Any]:
    """The types that an annotation allows, without unions and annotations around them."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [one for arg in get_args(annotation) for one in _alternatives(arg)]
    return [annotation]


def _is_model(each: Any) -> bool:
    return isinstance(each, type) and issubclass(each, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Key → annotation."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}
