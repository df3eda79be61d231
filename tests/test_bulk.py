"""Bulk work on a Ray cluster of two nodes: datasets, folders, Parquet, WebDataset, an object store, and losses."""

import io
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow
import pytest
import ray
import ray.data
import s3fs
from docs_examples import run_examples
from moto.server import ThreadedMotoServer
from PIL import Image
from pyarrow import parquet
from ray.cluster_utils import Cluster

import scodec
import scodec.ray
from scodec.bulk import run
from scodec.bulk.places import MANIFEST, Place
from scodec.models import weights
from scodec.options import DecodeOptions, EncodeOptions

OPTIONS = EncodeOptions(quality=20, luma="av1", effort="fast")


@pytest.fixture(scope="module")
def store() -> Iterator[s3fs.S3FileSystem]:
    """An S3 server on this machine, which all processes find by the environment."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "x")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        yield s3fs.S3FileSystem()
    server.stop()


@pytest.fixture(scope="module")
def cluster(store: s3fs.S3FileSystem) -> Iterator[Cluster]:
    """Two nodes of one core, to which this process is connected."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def photos(cat: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 small pictures in two folders, one of them grey, one broken."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(24):
        path = folder / ("_0" if i % 2 == 0 else "1") / f"{i:02}.png"  # cameras begin names with _ too
        path.parent.mkdir(exist_ok=True)
        picture = Image.fromarray(cat[5 * i : 5 * i + 64, 9 * i : 9 * i + 80])
        (picture.convert("L") if i == 2 else picture).save(path)
    (folder / "1" / "01.png").write_bytes(b"no picture")
    (folder / "readme.txt").write_text("passed over")
    return folder


def prepare(
    options: Any, source: Path | str, target: Path | str, kind: str | None = None, size: int = 3, retry: bool = False
) -> run.Run:
    column = "bytes" if isinstance(options, EncodeOptions) else "scz"
    return run.prepare(options, str(source), str(target), kind, column, size, retry)


def rows(target: Path | str) -> list[dict[str, Any]]:
    place = Place(str(target), "files")
    parts = [path for path in place.paths(MANIFEST) if path.endswith(".parquet")]
    return [row for path in parts for row in parquet.read_table(io.BytesIO(place.read(path))).to_pylist()]


def archive(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w") as file:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))


def members(folder: Path) -> list[str]:
    """The names in all archives of a folder."""
    found = []
    for path in folder.glob("*.tar"):
        with tarfile.open(path) as file:
            found += file.getnames()
    return sorted(found)


def png(cat: np.ndarray, left: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(cat[:48, left : left + 64]).save(stream, "PNG")
    return stream.getvalue()


def check(photos: Path, target: Path) -> None:
    """Every picture has one row, and each good one its file, which is what `scodec.encode` gives."""
    found = rows(target)
    sources = {str(path.relative_to(photos)) for path in photos.rglob("*.png")}
    assert len(found) == len(sources) and {row["path"] for row in found} == sources
    assert [row["path"] for row in found if row["error"]] == ["1/01.png"]
    for row in found:
        if not row["error"]:
            assert (target / row["target"]).read_bytes() == scodec.encode(photos / row["path"], OPTIONS)
    files = {str(path.relative_to(target)) for path in target.rglob("*.scz")}
    assert files == {row["target"] for row in found if not row["error"]}


def test_a_node_and_a_worker_are_lost(cluster: Cluster, photos: Path, tmp_path: Path) -> None:
    """Nothing is lost and nothing done twice; a second run finds nothing to do."""
    node = cluster.add_node(num_cpus=1)
    done = 0
    for done, _ in enumerate(run.totals(prepare(OPTIONS, photos, tmp_path), None, 0), 1):
        if done == 1:
            cluster.remove_node(node, allow_graceful=False)
        if done == 3:
            working = [each for each in psutil.process_iter(["name", "cmdline"]) if "ray::Map" in str(each.info)]
            for process in working[:1]:
                os.kill(process.pid, signal.SIGKILL)
    assert done == 8
    check(photos, tmp_path)
    again = prepare(OPTIONS, photos, tmp_path)
    assert (again.shards, again.done) == ([], 24)


def test_a_run_that_was_cut_short_goes_on(cluster: Cluster, photos: Path, tmp_path: Path) -> None:
    first = prepare(OPTIONS, photos, tmp_path)
    totals = run.totals(run.Run(first.task, first.shards[:3]), None, 0)
    assert sum(each["pictures"] for each in totals) == 9
    second = prepare(OPTIONS, photos, tmp_path)
    assert (second.done, second.units) == (9, 15)
    assert sum(each["failed"] for each in run.totals(second, None, 0)) <= 1
    check(photos, tmp_path)
    with pytest.raises(scodec.BadRequest, match="another quality"):
        prepare(EncodeOptions(quality=21, luma="av1", effort="fast"), photos, tmp_path)


@pytest.mark.parametrize("kind", ["parquet", "webdataset"])
def test_shards_of_many_pictures_there_and_back(cluster: Cluster, photos: Path, tmp_path: Path, kind: str) -> None:
    coded, back = tmp_path / "coded", tmp_path / "back"
    list(run.totals(prepare(OPTIONS, photos, coded, kind, 12), None, 0))
    assert len(list(coded.glob("*.parquet" if kind == "parquet" else "*.tar"))) == 2
    (totals,) = [list(run.totals(prepare(DecodeOptions(), coded, back, "files"), None, 0))]
    assert sum(each["pictures"] for each in totals) == 23 and not any(each["failed"] for each in totals)
    pictures = sorted(back.rglob("*.png"))
    assert len(pictures) == 23
    expected = scodec.decode(scodec.encode(photos / "_0" / "00.png", OPTIONS))
    (first,) = [path for path in pictures if path.name == "00.png.png"]
    assert np.array_equal(np.asarray(Image.open(first)), np.asarray(expected))


def test_a_second_try_does_what_failed_and_no_more(cluster: Cluster, cat: np.ndarray, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    archive(source / "x.tar", [("a.png", png(cat)), ("b.png", b"broken")])
    list(run.totals(prepare(OPTIONS, source, target), None, 0))
    archive(source / "x.tar", [("a.png", png(cat)), ("b.png", png(cat, 9))])
    assert prepare(OPTIONS, source, target).shards == []
    list(run.totals(prepare(OPTIONS, source, target, retry=True), None, 0))
    assert members(target) == ["x.tar/a.png.scz", "x.tar/b.png.scz"]
    assert prepare(OPTIONS, source, target, retry=True).shards == []


def test_what_a_shard_left_that_was_cut_short_is_removed(cluster: Cluster, cat: np.ndarray, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "a.png").write_bytes(png(cat))
    prepared = prepare(OPTIONS, source, target, "webdataset")
    archive(target / f"{prepared.shards[0].name}.tar", [("a.png.scz", b"of a worker that died")])
    archive(target / "mine.tar", [("mine", b"")])
    list(run.totals(prepare(OPTIONS, source, target, "webdataset"), None, 0))
    assert members(target) == ["a.png.scz", "mine"]


def test_names_in_archives_and_tables(cluster: Cluster, cat: np.ndarray, tmp_path: Path) -> None:
    """Names that lead out of the target are refused; none replaces another."""
    tars, tables = tmp_path / "tars", tmp_path / "tables"
    tars.mkdir()
    tables.mkdir()
    archive(tars / "x.tar", [("../../out.png", png(cat)), ("a.png", png(cat)), ("a.png", png(cat, 9))])
    kind = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})  # as Hugging Face has pictures
    values = [{"bytes": png(cat), "path": "1"}, {"bytes": png(cat, 9), "path": None}, None]
    parquet.write_table(pyarrow.table({"image": pyarrow.array(values, kind)}), tables / "x.parquet")
    list(run.totals(prepare(OPTIONS, tars, tmp_path / "a", "files"), None, 0))
    list(run.totals(run.prepare(OPTIONS, str(tables), str(tmp_path / "b"), "files", "image", 1, False), None, 0))
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.scz"))
    assert files == ["a/x.tar/a.png.scz", "a/x.tar/a.png~2.scz", "b/x.parquet/1.scz", "b/x.parquet/1~1.scz"]
    assert ["leads out" in row["error"] for row in rows(tmp_path / "a")] == [True, False, False]
    assert [bool(row["error"]) for row in rows(tmp_path / "b")] == [False, False, True]
    parquet.write_table(pyarrow.table({"bytes": ["/etc/hostname"]}), tables / "x.parquet")
    list(run.totals(prepare(OPTIONS, tables, tmp_path / "c"), None, 0))
    assert "holds no bytes (string)" in rows(tmp_path / "c")[0]["error"]


def test_targets_that_will_not_do(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(scodec.BadRequest, match="lies in"):
        prepare(OPTIONS, photos, photos / "coded", "parquet")
    prepare(OPTIONS, photos / "1", tmp_path)
    with pytest.raises(scodec.BadRequest, match="another source"):
        prepare(OPTIONS, photos / "_0", tmp_path)
    with pytest.raises(scodec.BadRequest, match="can't be reached"):
        prepare(OPTIONS, photos, "foo://x")


def test_a_picture_that_kills_its_worker_ends_the_run(
    cluster: Cluster, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "RETRIES", 1)
    monkeypatch.setattr(run, "_shard", lambda row: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(scodec.ScodecError, match="workers were lost 2 times in a row"):
        list(run.totals(prepare(OPTIONS, photos, tmp_path, size=24), None, 0))


def test_a_cluster_that_will_not_do(cluster: Cluster, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "coded").mkdir()
    (tmp_path / "coded" / "a.scz").write_bytes(b"")
    with pytest.raises(scodec.BadRequest, match="leave out --device"):
        prepare(DecodeOptions(backend="onnx", device="cuda"), tmp_path / "coded", tmp_path / "out")
    with pytest.raises(scodec.BadRequest, match=r"no file none\.safetensors"):
        prepare(DecodeOptions(receivers=("none.safetensors",)), tmp_path / "coded", tmp_path / "out")
    with pytest.raises(scodec.BadRequest, match="the cluster has 0 GPUs"):
        list(run.totals(prepare(DecodeOptions(), tmp_path / "coded", tmp_path / "out"), None, 0.25))


def test_systems_are_options_that_count(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "coded").mkdir()
    (tmp_path / "coded" / "a.scz").write_bytes(b"")
    own = DecodeOptions(receivers=(str(weights.path("colorizer")),))
    for _ in range(2):
        prepare(own, tmp_path / "coded", tmp_path / "out")
    with pytest.raises(scodec.BadRequest, match="another receivers"):
        prepare(DecodeOptions(), tmp_path / "coded", tmp_path / "out")


def test_broken_shards_are_rows_with_errors(cluster: Cluster, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "broken.tar").write_bytes(b"no archive")
    with tarfile.open(source / "empty.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("readme.txt"), io.BytesIO())
    totals = list(run.totals(prepare(OPTIONS, source, tmp_path / "out"), None, 0))
    assert sum(each["failed"] for each in totals) == 2
    assert {row["path"] for row in rows(tmp_path / "out") if row["error"]} == {"broken.tar", "empty.tar"}


def test_an_object_store_there_and_back(cluster: Cluster, store: s3fs.S3FileSystem, photos: Path) -> None:
    store.mkdir("bucket")
    store.put(str(photos), "bucket/photos", recursive=True)
    totals = list(run.totals(prepare(OPTIONS, "s3://bucket/photos", "s3://bucket/coded"), None, 0))
    assert sum(each["failed"] for each in totals) == 1
    assert store.cat_file("bucket/coded/_0/00.png.scz") == scodec.encode(photos / "_0" / "00.png", OPTIONS)
    store.invalidate_cache()
    assert prepare(OPTIONS, "s3://bucket/photos", "s3://bucket/coded").shards == []


def test_a_target_that_cannot_be_written_is_one_sentence(
    cluster: Cluster, photos: Path, tmp_path: Path, scodec_command: Any
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "_0").write_text("a file where a folder is to be")
    done = scodec_command("bulk", "encode", photos, target, "--shard", 12)
    assert done.code == 1 and "Traceback" not in done.err
    assert done.err.splitlines()[-1].startswith("scodec: error: a shard could not be done: ")


def test_a_full_disk_and_then_a_larger_one(cluster: Cluster, photos: Path, tmp_path: Path, scodec_command: Any) -> None:
    """The run ends with one sentence; with room again, a second one does the rest."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        command = "bulk", "encode", photos, tmp_path, "--shard", 3, "--quality", 20, "--luma", "av1", "--effort", "fast"
        done = scodec_command(*command)
        assert done.code == 1 and "No space left" in done.err.splitlines()[-1] and "Traceback" not in done.err
        subprocess.run(["mount", "-o", "remount,size=8m", str(tmp_path)], check=True)
        scodec_command(*command)
        check(photos, tmp_path)
        left = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
        assert left == {".scz", ".parquet", ".json"}
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_datasets(cluster: Cluster, photos: Path, small: np.ndarray) -> None:
    with pytest.raises(scodec.BadRequest):
        scodec.ray.encode(ray.data.range(1), quality=0)
    pictures = ray.data.read_binary_files([str(photos / "_0"), str(photos / "1")], include_paths=True)
    coded = scodec.ray.encode(pictures, quality=20, luma="av1", effort="fast").materialize()
    found = {Path(row["path"]).name: row for row in coded.take_all()}
    assert len(found) == 24 and [name for name, row in found.items() if row["error"]] == ["01.png"]
    assert found["00.png"]["scz"] == scodec.encode(photos / "_0" / "00.png", OPTIONS)
    decoded = {Path(row["path"]).name: row for row in scodec.ray.decode(coded, workers=1).take_all()}
    assert decoded["01.png"]["error"] and decoded["01.png"]["image"].size == 0
    assert decoded["02.png"]["image"].shape == (64, 80, 1)  # beside those of three channels
    expected = np.asarray(scodec.decode(found["00.png"]["scz"]))
    assert np.array_equal(decoded["00.png"]["image"], expected)
    (row,) = scodec.ray.encode(ray.data.from_items([{"image": small}]), "image", luma="av1").take_all()
    assert row["scz"] == scodec.encode(small, luma="av1")


@pytest.mark.parametrize("what", ["nothing", "both", "file"])
def test_sources_that_will_not_do(photos: Path, tmp_path: Path, what: str, scodec_command: Any) -> None:
    source = tmp_path / "source"
    source.mkdir()
    if what == "both":
        (source / "a.png").write_bytes(b"")
        (source / "a.tar").write_bytes(b"")
    done = scodec_command("bulk", "encode", photos / "_0" / "00.png" if what == "file" else source, tmp_path / "out")
    assert done.code == 1 and done.err.count("\n") == 1 and done.err.startswith("scodec: error: ")


def test_the_recipe_for_training(cat: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with tarfile.open(tmp_path / "coded.tar", "w") as archive:
        files = [scodec.encode(cat[i : i + 48, :64], luma="av1") for i in (0, 50, 100)]
        for number, content in enumerate([*files, b"broken"]):
            member = tarfile.TarInfo(f"{number}.scz")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    run_examples("scale.md", tmp_path)
    assert capsys.readouterr().out.splitlines() == ["torch.Size([2, 3, 48, 64])", "torch.Size([1, 3, 48, 64])"]
