"""What Regate wants of a rule beside what OPA's compiler does: six looks at the syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from cli.policy.faults import PolicyFault
from cli.policy.subset import NOT_EMBEDDED
from cli.policy.syntax import Module, Node, constant, dotted, line_of, nodes, objects, rule_name, steps
from gateway.contract import schema_of
from gateway.policy.engine import REFUSED, WHY

_RULES = "regate.rules."
_VERDICTS = "verdicts"
_REQUIRED = ("action", "rule", "title", "message", "severity", "controls")
_OPTIONAL = ("mask", "approval", "record", "response", "retry_after", "log_only")
_WORDS = {
    "action": ("allow", "warn", "mask", "require_approval", "deny"),
    "severity": ("low", "medium", "high", "critical"),
    "record": ("masked", "metadata", "full"),
    "response": ("findings", "always"),
}


def lint(module: Module) -> Iterator[PolicyFault]:
    """Find the faults of one policy file."""
    yield from _metadata(module)
    yield from _unheard(module)
    for rule in module.rules:
        yield from _builtins(module, rule)
        yield from _open_objects(module, rule)
        if module.package.startswith(_RULES) and rule_name(rule) == _VERDICTS:
            yield from _verdict(module, rule)


def _metadata(module: Module) -> Iterator[PolicyFault]:
    """Find rules without the title that approvers read, and packages without a description."""
    about = {key: value for each in module.annotations for key, value in each.items()}
    missing = [key for key in ("title", "description") if not about.get(key)]
    if missing:
        yield _fault(
            module,
            module.package_line,
            f"package {module.package} has no {' and no '.join(missing)} in METADATA",
            "write a comment block above it that begins with # METADATA",
        )
    seen: set[str] = set()
    for rule in module.rules:
        name = rule_name(rule)
        wanted = not name.startswith("_") and (name == _VERDICTS or name not in seen)
        seen.add(name)
        if wanted and not any(each.get("title") for each in _about(rule)):
            yield _fault(
                module,
                line_of(rule),
                f"rule {name} has no title in METADATA",
                "write # METADATA and # title: … above it"
                # in other packages it may be read from elsewhere, and the decision is read by the gateway
                + (f", or call it _{name}" if _is_own(module, name) else ""),
            )


def _about(rule: Node) -> list[Node]:
    """Return the METADATA of a rule."""
    return rule.get("annotations") or []


def _is_own(module: Module, name: str) -> bool:
    """Return whether only its topic reads the rule: then it can be private."""
    return module.package.startswith(_RULES) and name != _VERDICTS


def _unheard(module: Module) -> Iterator[PolicyFault]:
    """Find sets of a topic that nothing reads: `verdict contains` beside `verdicts` would have no effect."""
    if not module.package.startswith(_RULES):
        return
    trees = [{**rule, "head": {**rule["head"], "ref": []}} for rule in module.rules]
    read = {str(node["value"]) for node in nodes(trees) if node["type"] == "var"}
    for rule in module.rules:
        name = rule_name(rule)
        is_set = "key" in rule["head"] and "value" not in rule["head"]
        if is_set and not name.startswith("_") and name not in read | {_VERDICTS}:
            yield _fault(
                module,
                line_of(rule),
                f"nothing reads the set {name}",
                f"call it {_VERDICTS} if it is one of those, _{name} if a rule of this topic is to read it",
            )


def _builtins(module: Module, rule: Node) -> Iterator[PolicyFault]:
    for node in nodes(rule):
        name = dotted(node)
        called = next((each for each in _prefixes(name) if each in REFUSED or each in NOT_EMBEDDED), None)
        if called in REFUSED:
            yield _fault(module, line_of(node), f"{called} is refused", WHY + _INSTEAD.get(called or "", ""))
        elif called:
            yield _fault(
                module,
                line_of(node),
                f"{called} is not in the embedded engine",
                "use what docs/reference/policy.md names, so that both engines decide alike",
            )


_INSTEAD = {"time.now_ns": ": take input.time"}


def _prefixes(name: str) -> list[str]:
    names = name.split(".")
    return [".".join(names[:count]) for count in range(2, len(names) + 1)]


def _open_objects(module: Module, rule: Node) -> Iterator[PolicyFault]:
    """Find keys that clients choose: an absent one is undefined, and a `not` around it misfires."""
    aliases = _aliases(rule)
    for node in nodes(rule):
        path = steps(node)
        for place, step in enumerate(path[:-1]):
            key = constant(path[place + 1])
            if key is not None and _is_open(path[: place + 1], aliases):
                held = _spelt(path[: place + 1])
                yield _fault(
                    module,
                    line_of(step) or line_of(node),
                    f"{held}.{key} is undefined where {held} has no such key",
                    f'write object.get({held}, "{key}", …)',
                )
                break


def _is_open(path: list[Node], aliases: frozenset[str]) -> bool:
    """Return whether a reference ends at an open object, by its path or by a variable."""
    head, *rest = path
    if head["type"] == "var" and head["value"] in aliases and not rest:
        return True
    last = constant(path[-1]) if rest else None
    if last is None or last not in {name.rpartition(".")[2] for name in open_objects()}:
        return False
    if head["type"] == "var" and head["value"] == "data":
        return False
    if head["type"] != "var" or head["value"] != "input":
        return True  # some call in input.tool_calls; call.arguments
    fixed = ".".join(str(step["value"]) if step["type"] == "string" else "[]" for step in rest)
    return fixed in open_objects()


def _aliases(rule: Node) -> frozenset[str]:
    """Return variables of the rule that hold an open object: `claims := input.agent.claims`."""
    found: set[str] = set()
    for node in objects(rule):
        terms = node.get("terms")
        if isinstance(terms, list) and len(terms) == 3 and dotted(terms[0]) in ("assign", "eq"):
            name, value = terms[1:]
            if name["type"] == "var" and value["type"] == "ref" and _is_open(value["value"], frozenset()):
                found.add(str(name["value"]))
    return frozenset(found)


@cache
def open_objects() -> frozenset[str]:
    """Return paths of the input with keys that clients choose: `tool_calls.[].arguments`, `agent.claims`."""
    return frozenset(_open_paths(schema_of("input"), ()))


def _open_paths(schema: Node, path: tuple[str, ...]) -> Iterator[str]:
    if schema.get("type") == "array":
        yield from _open_paths(schema["items"], (*path, "[]"))
    elif schema.get("type") == "object" and "properties" not in schema:
        yield ".".join(path)
    for name, inner in schema.get("properties", {}).items():
        yield from _open_paths(inner, (*path, name))


def _verdict(module: Module, rule: Node) -> Iterator[PolicyFault]:
    """Find faults of a verdict that is written out: main.rego counts one that it cannot read as deny."""
    verdict = rule["head"].get("key") or {}
    if verdict.get("type") != "object":
        return
    said = {name: (key, value) for key, value in verdict["value"] if (name := constant(key)) is not None}
    line = line_of(verdict) or line_of(rule)
    if len(said) < len(verdict["value"]):  # a key that is computed: only the engine knows it
        return
    counts = "a verdict that cannot be read counts as deny"
    for name in _REQUIRED:
        if name not in said:
            yield _fault(module, line, f"the verdict has no {name}", f"add it: {counts}")
    for name, (key, value) in said.items():
        word = constant(value)
        if name not in _REQUIRED + _OPTIONAL:
            yield _fault(
                module,
                line_of(key),
                f"a verdict has no key {name}",
                f"expected {', '.join(_REQUIRED + _OPTIONAL)}",
            )
        elif name in _WORDS and word is not None and word not in _WORDS[name]:
            yield _fault(
                module, line_of(value), f"{name} {word!r} is unknown", f"expected {', '.join(_WORDS[name])}"
            )
    if "log_only" not in said and any("log_only" in (each.get("custom") or {}) for each in _about(rule)):
        yield _fault(
            module,
            line,
            "METADATA says log_only, which no engine reads, so the rule is in force",
            'write "log_only": true into the verdict',
        )
    if "action" in said and constant(said["action"][1]) == "mask" and "mask" not in said:
        yield _fault(module, line, "the verdict masks without a mask list", f"add mask: {counts}")


def _spelt(path: list[Node]) -> str:
    """Write a reference as in Rego, with `…` for what is computed."""
    head, *rest = path
    text = str(head["value"]) if head["type"] == "var" else "…"
    for step in rest:
        text += f".{step['value']}" if step["type"] == "string" else f"[{_index(step)}]"
    return text


def _index(step: Node) -> str:
    return str(step["value"]) if step["type"] in ("var", "number") else "…"


def _fault(module: Module, line: int, what: str, todo: str) -> PolicyFault:
    return PolicyFault(str(module.path), line, what, todo)
