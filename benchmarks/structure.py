"""Measures the structure of the code: modules per room, the longest classes and functions, cycles of imports.

python benchmarks/structure.py [FOLDER]          what a checkout is like now
git worktree add /tmp/before REVISION            what it was like then: name that folder
"""

import argparse
import ast
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("index", "qa")
LONGEST = 5


def modules(root: Path) -> dict[str, ast.Module]:
    """Parse all modules of the packages.

    Args:
        root: The checkout.

    Returns:
        Dotted name to syntax tree; a package's `__init__` bears the package's name.
    """
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def sizes(trees: dict[str, ast.Module], *kinds: type[ast.AST]) -> list[tuple[int, str]]:
    """List definitions with their lengths.

    Args:
        trees: Dotted module name to syntax tree.
        *kinds: Kinds of nodes, such as `ast.ClassDef`.

    Returns:
        Number of lines, docstring included, and dotted name of each definition; longest first.
    """
    found = [
        (node.end_lineno - node.lineno + 1, f"{name}.{node.name}")
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]
    return sorted(found, reverse=True)


def imported(name: str, tree: ast.Module, known: set[str]) -> Iterator[str]:
    """List the modules that a module imports when it is imported itself.

    Args:
        name: Its dotted name.
        tree: Its syntax tree.
        known: Dotted names of all modules.

    Yields:
        Dotted names of known modules other than itself. Imports inside functions and below TYPE_CHECKING count too:
        they show that two modules know each other.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            candidates = [
                full if (full := f"{node.module}.{alias.name}") in known else node.module for alias in node.names
            ]
        else:
            continue
        yield from (found for found in candidates if found in known and found != name)


def room_of(name: str, tree_names: set[str]) -> str:
    """Return the package that holds a module; a package with modules of its own is its own room."""
    is_package = any(other.startswith(f"{name}.") for other in tree_names)
    return name if is_package else name.rpartition(".")[0]


def cycles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Find the groups of nodes that reach each other (strongly connected components, Tarjan 1972).

    Args:
        arrows: Node to the nodes that it points at.

    Returns:
        The groups of two nodes or more, each sorted.
    """
    indices: dict[str, int] = {}
    lows: dict[str, int] = {}
    stack: list[str] = []
    groups = []

    def visit(node: str) -> None:
        indices[node] = lows[node] = len(indices)
        stack.append(node)
        for other in sorted(arrows.get(node, ())):
            if other not in indices:
                visit(other)
                lows[node] = min(lows[node], lows[other])
            elif other in stack:
                lows[node] = min(lows[node], indices[other])
        if lows[node] == indices[node]:
            at = stack.index(node)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                groups.append(sorted(group))

    for node in sorted(arrows):
        if node not in indices:
            visit(node)
    return groups


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1], help="a checkout")
    trees = modules(parser.parse_args().folder)
    names = set(trees)

    print("modules per room")
    rooms = Counter(room_of(name, names) for name, tree in trees.items() if tree.body)
    for room, count in sorted(rooms.items()):
        print(f"  {count:3}  {room}")
    per_room = sorted(rooms.values())
    print(f"  {len(rooms)} rooms, median {statistics.median(per_room):g} modules, most {per_room[-1]}")

    classes, functions = sizes(trees, ast.ClassDef), sizes(trees, ast.FunctionDef, ast.AsyncFunctionDef)
    for what, found in (("classes", classes), ("functions", functions)):
        median = statistics.median(length for length, _ in found)
        print(f"longest {what}, lines with docstrings (of {len(found)}, median {median:g})")
        for length, name in found[:LONGEST]:
            print(f"  {length:3}  {name}")

    arrows = {name: set(imported(name, tree, names)) for name, tree in trees.items()}
    # What stands beside rooms, such as index/errors.py beside index/storage/, is below or above them by itself.
    halls = {room.rpartition(".")[0] for room in rooms}
    between: dict[str, set[str]] = {}
    for name, targets in arrows.items():
        here, *there = (
            module if (room := room_of(module, names)) in halls else room for module in (name, *sorted(targets))
        )
        between.setdefault(here, set()).update(set(there) - {here})
    print(f"imports between rooms: {sum(len(targets) for targets in between.values())}")
    for what, graph in (("modules", arrows), ("rooms", between)):
        found_cycles = cycles(graph)
        print(f"cycles of {what}: {len(found_cycles)}")
        for group in found_cycles:
            print(f"  {' '.join(group)}")


if __name__ == "__main__":
    main()
