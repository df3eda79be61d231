"""What a process may run out of: file descriptors and memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import scodec


def run(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)


MANY = """
import resource, sys, scodec
from PIL import Image
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
kept = []
for number in range(300):
    image = Image.open("x.scz")
    image.thumbnail((8, 8)) if sys.argv[1] == "thumbnail" else image.load()
    kept.append(image)
assert all(image.getpixel((0, 0)) for image in kept)
"""


@pytest.mark.parametrize("way", ["load", "thumbnail"])
def test_loaded_pictures_hold_no_files(tmp_path: Path, small: np.ndarray, way: str) -> None:
    (tmp_path / "x.scz").write_bytes(scodec.encode(small[:16, :16], luma="av1", hints=20))
    done = run(MANY, tmp_path, way)
    assert done.returncode == 0, done.stderr


def test_files_of_the_user_stay_open(tmp_path: Path, coded: bytes) -> None:
    (tmp_path / "x.scz").write_bytes(coded)
    with (tmp_path / "x.scz").open("rb") as file:
        Image.open(file).load()
        assert not file.closed


#: The command in a process whose memory is limited to so many MiB more than it has when all libraries are loaded.
LITTLE = """
import resource, sys, warnings
warnings.simplefilter("ignore")
import av, PIL.AvifImagePlugin, PIL.PngImagePlugin, scodec.api, scodec.files.export, tqdm, torch
import scodec.luma.hyperprior, scodec.models.receiver.onnx, scodec.models.reports.system
from scodec.cli import main
torch.set_num_threads(1)
scodec.models.receiver.receiver.get()
onnx = scodec.models.receiver.onnx
onnx._sessions |= {(graph, 0): onnx._session(graph, 0) for graph in onnx.GRAPHS}
if "hyperprior.scz" in sys.argv:
    scodec.luma.hyperprior._network()
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
limit = used + (int(sys.argv[1]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
main(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def large(cat: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture of 4 megapixels, as PNG and by every luma coder."""
    folder = tmp_path_factory.mktemp("large")
    picture = np.tile(cat, (6, 5, 1))
    Image.fromarray(picture).save(folder / "large.png")
    for luma in ("vvc", "av1", "hyperprior"):
        data = scodec.encode(picture[:900] if luma == "hyperprior" else picture, luma=luma, scale=1, effort="fast")
        (folder / f"{luma}.scz").write_bytes(data)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="/proc and RLIMIT_AS")
@pytest.mark.parametrize(
    "command, advice, room",
    [
        ("decode vvc.scz out.png", "--tile", 24),
        ("decode vvc.scz out.png", "--tile", 100),
        ("decode av1.scz out.png", "--tile", 100),
        ("decode av1.scz out.png --backend torch", "--tile", 24),
        ("decode av1.scz out.png --backend torch", "--tile", 100),
        ("decode hyperprior.scz out.png", "--tile", 100),
        ("restore large.png out.png --scale 4", "--scale", 100),
        ("encode large.png out.scz", "", 24),
        ("encode large.png out.scz", "", 64),
    ],
)
def test_too_little_memory_is_one_sentence(large: Path, command: str, advice: str, room: int) -> None:
    done = run(LITTLE, large, str(room), *command.split())
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "memory" in done.stderr and "damaged" not in done.stderr
    assert room < 100 or advice in done.stderr  # the picture itself is read before anything can be advised
    assert not list(large.glob("out.*"))
