"""The import graph: all arrows point down, lazy ones too, and none in a circle (docs/architecture.md)."""

from graphlib import TopologicalSorter

import grimp
import pytest

import scodec
from scodec.cli.main import COMMANDS
from scodec.models.registry import NETWORKS

#: From top to bottom. A module belongs to the longest of these names that it begins with; those of one line may import
#: each other as long as no circle comes of it.
LAYERS = (
    ("scodec.cli", "scodec.__main__"),
    ("scodec.studio", "scodec.study"),
    ("scodec.eval",),
    ("scodec.training",),
    ("scodec",),
    ("scodec.bulk", "scodec.ray"),
    ("scodec.plugins",),
    ("scodec.api",),
    ("scodec.many",),
    ("scodec.encoder", "scodec.decoder", "scodec.restoration"),
    (
        "scodec.colour",
        "scodec.files",
        "scodec.luma",
        "scodec.metadata",
        "scodec.options",
        "scodec.sender",
        "scodec.photo",
    ),
    ("scodec.format",),
    ("scodec.metrics",),
    ("scodec.models",),
    ("scodec.errors", "scodec.extras", "scodec.tool"),
)
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}


@pytest.fixture(scope="module")
def arrows() -> list[tuple[str, str]]:
    """Importer and imported: of import statements wherever they stand, and of modules that are imported by name."""
    graph = grimp.build_graph("scodec", cache_dir=None)
    found = [
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    ]
    found += [("scodec", home) for home in scodec._LAZY.values()]
    found += [("scodec.cli.main", place.partition(":")[0]) for place, _ in COMMANDS.values()]
    found += [("scodec.models.registry", f"scodec.models.{network.module}") for network in NETWORKS.values()]
    return found


def level(module: str) -> int:
    name = module
    while name not in LEVELS or (name == "scodec" and module != "scodec"):
        assert "." in name, f"{module} belongs to no layer: add it to LAYERS"
        name = name.rpartition(".")[0]
    return LEVELS[name]


def test_all_arrows_point_down(arrows: list[tuple[str, str]]) -> None:
    upward = [f"{a} -> {b}" for a, b in arrows if level(a) > level(b)]
    assert not upward


def test_no_module_imports_itself_in_a_circle(arrows: list[tuple[str, str]]) -> None:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for importer, imported in arrows:
        sorter.add(importer, imported)
    sorter.prepare()  # raises CycleError, which names the circle


def test_the_rooms_of_the_receiver_know_nothing_of_the_reports(arrows: list[tuple[str, str]]) -> None:
    rooms = "scodec.models.receiver", "scodec.models.luma"
    assert not [f"{a} -> {b}" for a, b in arrows if a.startswith(rooms) and b.startswith("scodec.models.reports")]
