"""Models as text and as JSON-able dicts, both ways.

    Laplace(scale=0.5)        {'gene_*': Laplace(scale=0.1), 'age': Flat()}
    Model(likelihood=Gaussian(sigma=54.0), prior=Laplace(scale=20.0))

A text is data, not code.  It is first cut into the few tokens that a model is made of, which
bounds its depth and refuses everything else at its position; only then is it parsed with
``ast``, and the tree is read node by node.  Nothing is evaluated.  The text of a model is its
``repr``.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeAlias

from bayesreg._checks import shown
from bayesreg._text import closest, nearest
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.likelihoods import LIKELIHOODS, ClassLikelihood, Likelihood
from bayesreg.model import Model
from bayesreg.priors import PRIORS, SCALE_PRIORS, Prior
from bayesreg.priors.student_t import StudentT, in_place

#: A model or one of its parts; a mapping is a prior by column name.
Spec: TypeAlias = Model | Likelihood | ClassLikelihood | Prior | Mapping[str, Prior]

_KINDS = ("likelihood", "model", "prior")
_NUMBERS = {"inf": math.inf, "nan": math.nan}
_VALUES = ("True", "False", "None", *_NUMBERS)
_LONGEST_TEXT, _LONGEST_WORD, _DEEPEST = 250_000, 40, 10

# Strings are column names: one line, with the escapes that repr writes.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<string>'(?:[^'\\\n\r]|\\[\\'"nrtxuU])*'|"(?:[^"\\\n\r]|\\[\\'"nrtxuU])*")
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<sign>[+-])
    |(?P<mark>[,:=])""",
    re.VERBOSE,
)


def from_text(text: str, kind: str | None = None) -> Any:
    """Read a model, a prior, a prior by column name, or a likelihood.

    Parameters
    ----------
    text : str
        ``Name(argument=value, ...)`` with the names of priors, likelihoods and ``Model``, or
        ``{'column or glob': prior, ...}``. Values are numbers, ``inf``, ``True``, ``False``,
        ``None``, lists of numbers, lists of such lists (a matrix) and further parts.
    kind : {"model", "prior", "likelihood"}, optional
        What the text has to be.

    Returns
    -------
    Model, Prior, dict of str to Prior, or Likelihood

    Raises
    ------
    ModelError, ModelTypeError
        With the text, the position of the fault and what is allowed.
    """
    _check_kind(kind)
    if not isinstance(text, str):
        raise ModelTypeError(f"a model text must be a str; got {type(text).__name__}")
    source = _Source(text)
    _check_tokens(source)
    return _of_kind(_top(_parse(source), source), kind, f"the text {shown(text)}")


def to_dict(spec: Spec) -> dict[str, Any]:
    """A model or one of its parts as a dict for JSON; infinity becomes the string ``"inf"``.

    Each part is ``{"name": "Laplace", "scale": 0.5, ...}`` with all of its arguments; a prior by
    column name is a dict from column to part.
    """
    if isinstance(spec, Mapping):
        return {key: to_dict(part) for key, part in spec.items()}
    if isinstance(spec, type) or type(spec) is not _parts().get(type(spec).__name__):
        raise ModelTypeError(
            f"only a model, a prior or a likelihood becomes a dict; got {shown(spec)}"
        )
    names = [field.name for field in fields(type(spec))]  # type: ignore[arg-type]
    return {"name": type(spec).__name__, **{n: _to_json(getattr(spec, n)) for n in names}}


def from_dict(spec: Mapping[str, Any], kind: str | None = None) -> Any:
    """The inverse of :func:`to_dict`; ``kind`` as in :func:`from_text`.

    Raises
    ------
    ModelError, ModelTypeError
        With the path of the fault inside the dict and what is allowed there.
    """
    _check_kind(kind)
    return _of_kind(_part_from_dict(spec, "", 0), kind, "the dict")


# ---- text ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """A text and how to point into it."""

    text: str

    @property
    def line(self) -> str:
        """What is parsed: one line, in brackets so that it may begin with a space."""
        return "(" + re.sub(r"[\t\r\n]", " ", self.text) + ")"

    def position(self, node: ast.expr | ast.keyword) -> int:
        """Character at which a node begins; ast counts bytes of UTF-8."""
        return max(len(self.line.encode()[: node.col_offset].decode()) - 1, 0)

    def refusal(self, reason: str, where: int | ast.expr | ast.keyword) -> ModelError:
        at = where if isinstance(where, int) else self.position(where)
        return ModelError(
            f"the model text cannot be used: {reason}\n{self.excerpt(at)}\n"
            f"Allowed: Name(argument=value, ...) with the names {', '.join(sorted(_parts()))}; "
            "values are numbers, inf, True, False, None, lists of numbers and such parts; "
            "{'column or glob': prior, ...} for priors by column."
        )

    def excerpt(self, at: int) -> str:
        """The text around a position, with a caret under it."""
        first = max(0, at - 30)
        window = re.sub(r"\s", " ", self.text[first : at + 40])
        window = "".join(c if c.isprintable() else "?" for c in window)
        before, after = "..." * (first > 0), "..." * (at + 40 < len(self.text))
        caret = " " * (len(before) + at - first) + "^"
        return f"    {before}{window}{after}\n    {caret} character {at + 1}"


def _check_tokens(source: _Source) -> None:
    """Refuse all but the tokens of a model, in an order that keeps the syntax tree shallow."""
    text, at, depth, previous = source.text, 0, 0, ""
    if len(text) > _LONGEST_TEXT:
        raise source.refusal(f"it has {len(text):,} characters, over {_LONGEST_TEXT:,}", 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise source.refusal(f"{text[at]!r} is not allowed here", at)
        token, word = str(match.lastgroup), match.group()
        if token != "space":
            fault = _token_fault(token, word, previous)
            depth += {"open": 1, "close": -1}.get(token, 0)
            if depth > _DEEPEST:
                fault = f"brackets are nested more than {_DEEPEST} deep"
            if fault:
                raise source.refusal(fault, at)
            previous = token
        at = match.end()
    if not previous:
        raise source.refusal("it is empty", 0)


def _token_fault(token: str, word: str, previous: str) -> str:
    """Why a token may not stand after the previous one; empty when it may."""
    if token in ("name", "number") and len(word) > _LONGEST_WORD:
        return f"a {token} of {len(word)} characters is too long"
    if keyword.iskeyword(word) and word not in _VALUES:
        return f"the keyword {word!r} is not allowed"
    after_value = previous in ("name", "number", "string", "close")
    if token == "sign" and (after_value or previous == "sign"):
        return "arithmetic is not allowed; write the number itself"
    if token in ("name", "number", "string", "open") and after_value:
        is_call = previous == "name" and word == "("
        return "" if is_call else f"{shown(word)} cannot follow here; is a comma missing?"
    return ""


def _parse(source: _Source) -> ast.expr:
    try:
        return ast.parse(source.line, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", type(error).__name__)
        at = min(max((getattr(error, "offset", None) or 0) - 2, 0), len(source.text) - 1)
        raise source.refusal(f"it is not complete or not well formed ({reason})", at) from None


def _top(node: ast.expr, source: _Source) -> Any:
    if isinstance(node, ast.Call | ast.Dict):
        return _value(node, source)
    if isinstance(node, ast.Name) and node.id in _parts():
        raise source.refusal(f"{node.id} is only a name; write {node.id}(...)", node)
    raise source.refusal("it names no model, prior or likelihood", node)


def _value(node: ast.expr, source: _Source) -> Any:
    if isinstance(node, ast.Call):
        return _call(node, source)
    if isinstance(node, ast.Dict):
        return _mapping(node, source)
    if isinstance(node, ast.List | ast.Tuple):
        return _list(node, source)
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool)):
        return node.value
    return _number(node, source)


def _list(node: ast.List | ast.Tuple, source: _Source) -> list[Any]:
    """A vector of numbers, or a matrix as a list of them."""
    if node.elts and all(isinstance(row, ast.List | ast.Tuple) for row in node.elts):
        return [[_number(entry, source) for entry in row.elts] for row in node.elts]  # type: ignore[attr-defined]
    return [_number(element, source) for element in node.elts]


def _number(node: ast.expr, source: _Source) -> float:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _number(node.operand, source)
        return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.Name):
        if node.id not in _NUMBERS:
            raise source.refusal(f"unknown value {node.id!r}.{nearest(node.id, _VALUES)}", node)
        return _NUMBERS[node.id]
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise source.refusal("a number is needed here", node)
    if math.isinf(value):
        raise source.refusal("this number is too large; infinity is written inf", node)
    return float(value)


def _call(node: ast.Call, source: _Source) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _parts():
        raise source.refusal(f"unknown name {name!r}.{closest(name, _parts())}", node.func)
    order = [field.name for field in fields(_parts()[name]) if not field.kw_only]
    if len(node.args) > len(order):
        reason = f"at most {len(order)} without a name ({', '.join(order)})" if order else "none"
        raise source.refusal(f"too many arguments for {name}: {reason}", node.args[len(order)])
    given = {argument: _value(value, source) for argument, value in zip(order, node.args)}  # noqa: B905
    for argument in node.keywords:
        fault = _argument_fault(name, str(argument.arg), given)
        if fault:
            raise source.refusal(fault, argument)
        given[str(argument.arg)] = _value(argument.value, source)
    try:
        return _build(name, given)
    except (ModelError, ModelTypeError) as error:
        raise type(error)(f"{error}\n{source.excerpt(source.position(node))}") from error


def _mapping(node: ast.Dict, source: _Source) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            raise source.refusal("a column name in quotes is needed", key or value)
        if key.value in mapping:
            raise source.refusal(f"column {shown(key.value)} is named twice", key)
        mapping[key.value] = _value(value, source)
        if not isinstance(mapping[key.value], Prior):
            raise source.refusal(f"column {shown(key.value)} needs a prior", value)
        in_place(mapping[key.value], "prior")
    if not mapping:
        raise source.refusal("it is empty; name a prior for every column", node)
    return mapping


# ---- dicts ---------------------------------------------------------------------------------


def _to_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_json(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if value is None or isinstance(value, bool | int | float) else to_dict(value)


def _part_from_dict(spec: Any, path: str, depth: int) -> Any:
    where = path or "the dict"
    if not isinstance(spec, Mapping):
        raise ModelTypeError(f"{where} must be a dict with a 'name'; got {shown(spec)}")
    if depth > _DEEPEST:
        raise ModelError(f"{shown(path)} is nested more than {_DEEPEST} deep")
    for key in spec:
        if not isinstance(key, str):
            raise ModelTypeError(f"{where} has the key {shown(key)}; keys must be strings")
    name = spec.get("name")
    if not isinstance(name, str):
        return _mapping_from_dict(spec, where, path, depth)
    if name not in _parts():
        hint = nearest(name[:_LONGEST_WORD], _parts())
        raise ModelError(f"{where} has the unknown name {shown(name)}.{hint}")
    given: dict[str, Any] = {}
    for key, value in spec.items():
        if key != "name":
            if fault := _argument_fault(name, key, given):
                raise ModelError(f"{where}: {fault}")
            given[key] = _value_from_dict(value, f"{path}.{key}".lstrip("."), depth + 1)
    return _build(name, given)


def _mapping_from_dict(spec: Any, where: str, path: str, depth: int) -> dict[str, Any]:
    if not spec or not all(isinstance(part, Mapping) for part in spec.values()):
        raise ModelError(f"{where} has no 'name'; known: {', '.join(sorted(_parts()))}")
    mapping = {}
    for key, part in spec.items():
        mapping[key] = _part_from_dict(part, f"{path}[{shown(key)}]", depth + 1)
        if not isinstance(mapping[key], Prior):
            raise ModelError(f"{where}: column {shown(key)} needs a prior")
        in_place(mapping[key], "prior")
    return mapping


def _value_from_dict(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, Mapping):
        return _part_from_dict(value, path, depth)
    if isinstance(value, list | tuple):
        return _list_from_dict(value, path)
    return value if value is None or isinstance(value, bool) else _number_from_dict(value, path)


def _list_from_dict(value: Sequence[Any], path: str) -> list[Any]:
    """A vector of numbers, or a matrix as a list of them."""
    if value and all(isinstance(row, list | tuple) for row in value):
        return [_numbers_from_dict(row, f"{path}[{i}]") for i, row in enumerate(value)]
    return _numbers_from_dict(value, path)


def _numbers_from_dict(value: Sequence[Any], path: str) -> list[float]:
    return [_number_from_dict(entry, f"{path}[{i}]") for i, entry in enumerate(value)]


def _number_from_dict(value: Any, path: str) -> float:
    if isinstance(value, str) and value in ("inf", "-inf", "nan"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelTypeError(f"{path} must be a number or 'inf'; got {shown(value)}")
    return value


# ---- both ----------------------------------------------------------------------------------


def _parts() -> dict[str, type]:
    return {**PRIORS, **SCALE_PRIORS, **LIKELIHOODS, "Model": Model}


def _argument_fault(name: str, argument: str, given: dict[str, Any]) -> str:
    """Why an argument may not be given to a part; empty when it may."""
    known = [field.name for field in fields(_parts()[name])]
    if argument in given:
        return f"argument {argument!r} of {name} is given twice"
    if not known:
        return f"{name} takes no arguments; got {shown(argument)}"
    if argument not in known:
        hint = nearest(argument[:_LONGEST_WORD], known)
        return f"{name} has no argument {shown(argument)}.{hint}"
    return ""


def _build(name: str, given: dict[str, Any]) -> Any:
    kind = _parts()[name]
    for field in fields(kind):
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and field.name not in given:
            raise ModelError(f"{name} needs the argument {field.name!r}")
    return kind(**given)


def _check_kind(kind: str | None) -> None:
    if kind is not None and kind not in _KINDS:
        raise ModelError(f"unknown kind {shown(kind)}.{nearest(str(kind), _KINDS)}")


def _of_kind(found: Any, kind: str | None, where: str) -> Any:
    if kind in ("likelihood", "prior") and isinstance(found, StudentT):
        return in_place(found, kind)
    other = "likelihood" if isinstance(found, Likelihood) else "prior"
    other = "likelihood" if isinstance(found, Likelihood | ClassLikelihood) else "prior"
    actual = "model" if isinstance(found, Model) else other
    if kind not in (None, actual):
        raise ModelError(f"a {kind} is needed, but {where} is a {actual}")
    return found
