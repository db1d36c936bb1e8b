"""Draw the rooms of karapace_like, and which of them import which, from the code.

    python docs/structure.py                          write the pictures and the generated part of architecture.md
    python docs/structure.py --compare CHECKOUT       also draw another checkout as before.svg, and print both counts

A room is a module or folder directly inside a container of an import contract. Layers come from setup.cfg, imports from
the syntax trees. A picture leaves out an arrow where a path of other arrows says the same; the table has all of them.
"""

import argparse
import ast
import configparser
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[1]
PACKAGE = "karapace_like"
PICTURES = {"structure.svg": "layers", "structure-web.svg": "web-layers"}
"""File -> the import contract that it shows."""
PAGE = ROOT / "docs" / "architecture.md"
_GENERATED = re.compile(r"(?<=<!-- structure: begin -->\n).*?(?=<!-- structure: end -->)", re.DOTALL)
_FIGURES = re.compile(r"(?<=<!-- figures: begin -->\n).*?(?=<!-- figures: end -->)", re.DOTALL)
_REVISION = "05bbd84"
_FIGURES_BEFORE = {
    "modules in the root": 21,
    "rooms that are folders": 14,
    "imports between rooms": 123,
    "imports that no other path implies (arrows in the picture)": 63,
    "rooms that the layer contract does not name (the lower rows)": 21,
}
"""Those of `_REVISION`, as `--compare` prints them."""

Arrows: TypeAlias = Mapping[str, frozenset[str]]
"""Room -> the rooms that it imports."""

_UNLAYERED = "in no layer"
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN, _ASIDE = 132, 34, 24, 34, 16, 40
"""Pixels: of a box, between boxes, around all of them, and by how much a short row stands aside."""


@dataclass(frozen=True, slots=True)
class Structure:
    """The rooms inside one container, such as `karapace_like.web`."""

    modules: Mapping[str, Sequence[str]]
    """Room -> its modules' dotted names below the room; empty for a room that is one module."""
    about: Mapping[str, str]
    """Room -> the first sentence of its docstring; empty where it has none."""
    layers: Sequence[Sequence[str]]
    """From the top; a room may import only those of lower layers. Rooms in no layer are the last row."""
    unlayered: int
    """How many rooms the contract does not name."""
    arrows: Arrows

    @property
    def root_modules(self) -> list[str]:
        """The rooms that are one module."""
        return [room for room, modules in self.modules.items() if not modules and not room.startswith("_")]


def read_structure(checkout: Path, contract: str) -> Structure:
    """The structure that an import contract of the checkout's setup.cfg is about."""
    config = configparser.ConfigParser()
    config.read(checkout / "setup.cfg")
    section = config[f"importlinter:contract:{contract}"]
    container = section.get("containers", PACKAGE).strip()
    folder = checkout.joinpath(*container.split("."))
    modules: dict[str, list[str]] = {}
    about: dict[str, str] = {}
    arrows: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("*.py")):
        room, *rest = path.relative_to(folder).with_suffix("").parts
        if room == "__init__":
            continue
        tree = ast.parse(path.read_text())
        if not rest or rest == ["__init__"]:
            about[room] = _first_sentence(tree)
        if rest and rest[-1] != "__init__":
            modules.setdefault(room, []).append(".".join(rest))
        else:
            modules.setdefault(room, [])
        arrows[room].update(_imported_rooms(tree, container))
    known = {room: frozenset(arrows[room] & modules.keys() - {room}) for room in modules}
    layers = [
        [room.strip().removeprefix(f"{container}.") for room in layer.split("|")]
        for layer in section["layers"].split("\n")
        if layer.strip()
    ]
    named = {room for layer in layers for room in layer}
    rest_of_them = [room for room in modules if room not in named]
    return Structure(modules, about, [*layers, *_rows(rest_of_them)], len(rest_of_them), known)


def _rows(rooms: Sequence[str], size: int = 6) -> Iterator[Sequence[str]]:
    return (rooms[at : at + size] for at in range(0, len(rooms), size))


def _first_sentence(tree: ast.Module) -> str:
    paragraph = (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=[.])\s", paragraph)[0]


def _imported_rooms(tree: ast.Module, container: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names: Iterable[str] = (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # The imported name may be a module itself.
            names = (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            continue
        for name in names:
            if name.startswith(f"{container}."):
                yield name.removeprefix(f"{container}.").partition(".")[0]


def reduce_arrows(arrows: Arrows) -> Arrows:
    """The arrows without those that follow from others: a -> c where a -> b -> c."""
    reach: dict[str, frozenset[str]] = {}

    def reachable(room: str, path: frozenset[str]) -> frozenset[str]:
        if room not in reach and room not in path:
            below = (reachable(target, path | {room}) for target in arrows[room])
            reach[room] = arrows[room].union(*below)
        return reach.get(room, frozenset())

    return {
        room: frozenset(
            target
            for target in targets
            if not any(target in reachable(other, frozenset({room})) for other in targets - {target})
        )
        for room, targets in arrows.items()
    }


def draw(structure: Structure) -> str:
    """The picture as SVG: a row for each layer, a box for each room with its number of modules."""
    width = max(len(layer) for layer in structure.layers) * (_WIDTH + _ACROSS) + 2 * _MARGIN
    height = len(structure.layers) * (_HEIGHT + _DOWN) + 2 * _MARGIN - _DOWN
    boxes = {
        room: (place, _MARGIN + row * (_HEIGHT + _DOWN))
        for row, layer in enumerate(structure.layers)
        for room, place in zip(layer, _places(layer, width, row), strict=True)
    }
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    text = 'font-family="sans-serif" font-size="12" text-anchor="middle"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {text}>',
            "<defs>",
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
            '<path d="M0 0 8 4 0 8z" fill="#678"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *_lines(structure, boxes),
            *_boxes(structure, boxes),
            "</svg>\n",
        ]
    )


def _places(layer: Sequence[str], width: int, row: int) -> Iterator[int]:
    """The left edge of each box: rows are centred, every second one a little aside to keep long arrows visible."""
    used = len(layer) * (_WIDTH + _ACROSS) - _ACROSS
    left = (width - used) // 2 + (_ASIDE if row % 2 else -_ASIDE) * (len(layer) < 3)
    return (max(_MARGIN, left) + at * (_WIDTH + _ACROSS) for at in range(len(layer)))


def _lines(structure: Structure, boxes: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    for room, targets in sorted(reduce_arrows(structure.arrows).items()):
        for target in sorted(targets):
            (left, top), (target_left, target_top) = boxes[room], boxes[target]
            start, end = left + _WIDTH // 2, target_left + _WIDTH // 2
            below, above = top + _HEIGHT, target_top - 2
            bend = max(20, (above - below) // 2)
            yield (
                f'<path d="M{start} {below}C{start} {below + bend} {end} {above - bend} {end} {above}" fill="none"'
                f' stroke="#678" marker-end="url(#head)"><title>{room} imports {target}</title></path>'
            )


def _boxes(structure: Structure, boxes: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    for room, (left, top) in boxes.items():
        count = len(structure.modules.get(room, ()))
        fill = "#e8f0f8" if count else "#f6f2e4"
        label = f"{room}/ ({count})" if count else f"{room}.py"
        yield (
            f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{fill}" stroke="#678"/>'
            f'<text x="{left + _WIDTH // 2}" y="{top + _HEIGHT // 2 + 4}">{label}</text>'
        )


def describe(structure: Structure, container: str) -> Iterator[str]:
    """The table of rooms, from the top layer down."""
    yield "| room | what it holds | imports |"
    yield "|---|---|---|"
    for layer in structure.layers:
        for room in layer:
            name = f"{container}{room}/" if structure.modules[room] else f"{container}{room}.py"
            imports = ", ".join(f"`{target}`" for target in sorted(structure.arrows[room]))
            yield f"| `{name}` | {structure.about[room]} | {imports} |"


def list_modules(structure: Structure, prefix: str = "") -> Iterator[str]:
    """The file map: each folder with its modules."""
    for layer in structure.layers:
        for room in layer:
            folders: dict[str, list[str]] = defaultdict(list)
            for module in structure.modules[room]:
                folder, _, name = module.rpartition(".")
                folders[folder.replace(".", "/")].append(name)
            for folder, names in sorted(folders.items()):
                yield f"{prefix}{room}/{folder + '/' if folder else ''}"
                yield f"    {' '.join(names)}"


def count(structure: Structure) -> dict[str, int]:
    """The figures by which two versions of the house are compared."""
    direct = reduce_arrows(structure.arrows)
    return {
        "modules in the root": len(structure.root_modules),
        "rooms that are folders": sum(bool(modules) for modules in structure.modules.values()),
        "imports between rooms": sum(map(len, structure.arrows.values())),
        "imports that no other path implies (arrows in the picture)": sum(map(len, direct.values())),
        "rooms that the layer contract does not name (the lower rows)": structure.unlayered,
    }


def compare_figures(structure: Structure) -> Iterator[str]:
    """The table of the figures before the rooms were tidied, and now."""
    yield f"| | {_REVISION} | now |"
    yield "|---|---|---|"
    for figure, now in count(structure).items():
        yield f"| {figure} | {_FIGURES_BEFORE[figure]} | {now} |"


def render(checkout: Path = ROOT) -> dict[Path, str]:
    """Every file that is written from the code, with its content."""
    structures = {name: read_structure(checkout, contract) for name, contract in PICTURES.items()}
    house, web = structures.values()
    section = [
        "![The rooms of karapace_like; arrows point at what is imported](structure.svg)",
        "",
        *describe(house, ""),
        "",
        "Inside `web/`:",
        "",
        "![The rooms of karapace_like.web](structure-web.svg)",
        "",
        *describe(web, "web/"),
        "",
        "### Modules",
        "```",
        *list_modules(house),
        "```",
    ]
    page = _GENERATED.sub(lambda _: "\n".join(section) + "\n", PAGE.read_text())
    page = _FIGURES.sub(lambda _: "\n".join(compare_figures(house)) + "\n", page)
    pictures = {PAGE.parent / name: draw(structure) for name, structure in structures.items()}
    return {PAGE: page, **pictures}


def main() -> None:
    """Write the files, and compare with another checkout where one is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compare", type=Path, metavar="CHECKOUT", help="draw this one, too, and print both counts")
    arguments = parser.parse_args()
    for path, text in render().items():
        path.write_text(text)
    if arguments.compare is not None:
        before = read_structure(arguments.compare, "layers")
        (PAGE.parent / "structure-before.svg").write_text(draw(before))
        now = count(read_structure(ROOT, "layers"))
        for figure, number in count(before).items():
            print(f"{figure}: {number} -> {now[figure]}")


if __name__ == "__main__":
    main()
