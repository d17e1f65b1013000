"""Rules of the architecture as functions over a package: each returns its violations as texts.

``tests/test_architecture.py`` holds the package to them, and shows on small broken packages that
each of them bites.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Table = Mapping[str, Collection[str]]

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_CLASS_LINES = 250
MAX_CLASS_METHODS = 20
MAX_MODULES_IN_FOLDER = 16
EXCUSE = "# One class:"  # begins the comment above a class beyond the bounds, and says why
# A first line names the thing (a noun) or says what it does (a verb).
NO_OPENING = {
    *("what", "who", "whose", "whom", "where", "whether", "when", "why", "how", "which"),
    *("that", "if", "as", "it", "there", "this", "those", "these"),
}


@dataclass(frozen=True)
class Module:
    """One source file of a package."""

    root: Path  # the package's folder
    path: Path

    @property
    def name(self) -> str:
        """Its path within the package."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def part(self) -> str:
        """The file or folder at the top of the package that it belongs to."""
        return self.path.relative_to(self.root).parts[0].removesuffix(".py")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """The dotted names it imports, wherever the statement stands."""
        return tuple(self._imports())

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@dataclass(frozen=True)
class Package:
    """A package by its folder; imports of itself begin with the folder's name."""

    root: Path

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        return tuple(Module(self.root, path) for path in sorted(self.root.rglob("*.py")))

    @cached_property
    def floors(self) -> frozenset[str]:
        """The parts that have subfolders, and so rooms."""
        return frozenset(module.part for module in self.modules if len(Path(module.name).parts) > 2)

    def room(self, module: Module) -> str:
        """The subfolder of its part a module is in, or the module itself."""
        return Path(module.name).parts[1].removesuffix(".py")

    def rooms_used(self, module: Module) -> set[str]:
        """The rooms of its own part that a module imports from."""
        head = f"{self.root.name}.{module.part}."
        names = (name.removeprefix(head) for name in module.imports if name.startswith(head))
        folder = self.root / module.part
        found = {name.split(".")[0] for name in names}
        known = {room for room in found if (folder / room).is_dir()}
        known |= {room for room in found if (folder / f"{room}.py").exists()}
        return known - {self.room(module)}

    def parts_used(self, module: Module) -> set[str]:
        """The other parts of the package that a module imports from."""
        head = f"{self.root.name}."
        used = {name.split(".")[1] for name in module.imports if name.startswith(head)}
        return used - {module.part, "__version__"}


def upward_tables(tables: Mapping[str, Table]) -> list[str]:
    """Entries that name something not listed above them: such a table could describe a cycle."""
    wrong = []
    for name, table in tables.items():
        seen: set[str] = set()
        for room, allowed in table.items():
            wrong += [f"{name}: {room} -> {other}" for other in sorted({*allowed} - seen)]
            seen.add(room)
    return wrong


def forbidden_parts(package: Package, may_import: Table) -> list[str]:
    """Imports between parts that the table does not allow."""
    return [
        f"{module.name} imports {part}"
        for module in package.modules
        for part in sorted(package.parts_used(module) - {*may_import.get(module.part, ())})
    ]


def forbidden_rooms(package: Package, rooms: Mapping[str, Table]) -> list[str]:
    """Imports within a part that its table does not allow, and rooms that stand in no table."""
    wrong = []
    for module in package.modules:
        if module.part not in package.floors:
            continue
        table, room = rooms.get(module.part, {}), package.room(module)
        if room not in table:
            wrong.append(f"{module.name}: no table has the room {module.part}/{room}")
            continue
        used = package.rooms_used(module) - {*table[room]}
        wrong += [f"{module.name} imports {module.part}/{other}" for other in sorted(used)]
    return wrong


def beside_the_door(package: Package, doors: Table) -> list[str]:
    """Third-party code that is imported elsewhere than at its door."""
    return [
        f"{module.name} imports {dependency}"
        for module in package.modules
        for dependency, allowed in doors.items()
        if any(used.split(".")[0] == dependency for used in module.imports)
        and not any(module.name == door or module.name.startswith(f"{door}/") for door in allowed)
    ]


def impure(package: Package, pure: Collection[str], forbidden: Collection[str]) -> list[str]:
    """Modules of *pure* parts that import what touches the clock or the machine."""
    return [
        f"{module.name} imports {name}"
        for module in package.modules
        if module.part in pure
        for name in sorted({used.split(".")[0] for used in module.imports} & {*forbidden})
    ]


def inner_imports(package: Package, lazy: Collection[str] = ()) -> list[str]:
    """Imports inside functions; only modules in *lazy* may have them."""
    return sorted(
        {
            f"{module.name}:{node.lineno}"
            for module in package.modules
            if module.name not in lazy
            for function in functions(module.tree)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
    )


def first_uses(package: Package, lazy: Collection[str]) -> list[str]:
    """Imports on first use outside of *lazy*, and doors whose two lists of names differ."""
    wrong = []
    for module in package.modules:
        if module.name == "lazy.py":
            continue
        imported, table = set(_for_type_checkers(module)), set(_on_first_use(module))
        called = [*_called(module, "first_use"), *_called(module, "import_module")]
        if (imported or called) and module.name not in lazy:
            wrong.append(f"{module.name} uses the door")
        elif imported != table:
            wrong.append(f"{module.name}: two lists: {', '.join(sorted(imported ^ table))}")
    return wrong


def _for_type_checkers(module: Module) -> Iterator[str]:
    for block in ast.walk(module.tree):
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING"):
            for node in block.body:
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _on_first_use(module: Module) -> Iterator[str]:
    for call in _called(module, "first_use"):
        table = call.args[1]
        assert isinstance(table, ast.Dict), f"{module.name}: a table is written out"
        yield from (ast.literal_eval(value).replace(":", ".") for value in table.values)


def _called(module: Module, name: str) -> list[ast.Call]:
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    return [call for call in calls if ast.unparse(call.func).split(".")[-1] == name]


def too_large(package: Package) -> list[str]:
    """Modules, functions and classes beyond their bounds."""
    return [
        f"{module.name}{fault}"
        for module in package.modules
        for fault in (*_long_module(module), *_long_functions(module), *_large_classes(module))
    ]


def _long_module(module: Module) -> Iterator[str]:
    lines = len(module.text.splitlines())
    if lines > MAX_MODULE_LINES:
        yield f" has {lines} lines"


def _long_functions(module: Module) -> Iterator[str]:
    for function in functions(module.tree):
        if length(function) > MAX_FUNCTION_LINES:
            yield f": {function.name} has {length(function)} lines"


def _large_classes(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and not excused(module, node):
            methods = sum(isinstance(item, _FUNCTION) for item in node.body)
            if length(node) > MAX_CLASS_LINES or methods > MAX_CLASS_METHODS:
                yield f": class {node.name} has {length(node)} lines and {methods} methods"


def crowded_folders(package: Package) -> list[str]:
    """Folders with more modules than can be read at a glance; ``__init__`` does not count."""
    counts: dict[str, int] = {}
    for module in package.modules:
        folder = Path(module.name).parent.as_posix()
        counts[folder] = counts.get(folder, 0) + (module.path.name != "__init__.py")
    return [f"{folder}: {n}" for folder, n in counts.items() if n > MAX_MODULES_IN_FOLDER]


def without_docstring(package: Package) -> list[str]:
    """Modules that do not say what they are for."""
    return [module.name for module in package.modules if not ast.get_docstring(module.tree)]


def openings(package: Package) -> list[str]:
    """Docstrings whose first word is neither a verb nor a noun."""
    wrong = []
    for module in package.modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Module | ast.ClassDef | _FUNCTION):
                first = (ast.get_docstring(node) or "x").split()[0]
                if re.sub(r"\W", "", first).lower() in NO_OPENING:
                    name = getattr(node, "name", "module")
                    wrong.append(f"{module.name}: {name}: {first} ...")
    return wrong


def named(package: Package, words: re.Pattern[str]) -> list[str]:
    """Modules in which one of *words* stands."""
    found = ((module.name, words.findall(module.text.lower())) for module in package.modules)
    return [f"{name}: {', '.join(sorted({*hits}))}" for name, hits in found if hits]


_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods, also those inside of others."""
    return (node for node in ast.walk(tree) if isinstance(node, _FUNCTION))


def length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """The lines of a definition, decorators left out."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def excused(module: Module, node: ast.ClassDef) -> bool:
    """Whether a comment above the class says why it is one."""
    first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
    above = module.text.splitlines()[: first - 1]
    comments: list[str] = []
    while above and above[-1].startswith("#"):
        comments.append(above.pop())
    return any(line.startswith(EXCUSE) for line in comments)
