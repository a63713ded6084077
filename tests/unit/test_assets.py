"""Fetching: whole or not at all, verified, and kind when it can't be done."""

import multiprocessing
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

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


def test_what_a_killed_process_left_does_no_harm(toy):
    left = toy.cache / ".unfinished-killed"
    left.mkdir(parents=True)
    (left / toy.wheel.name).write_bytes(b"half")
    (left / "toy.csv").write_bytes(b"a,")
    assert assets.fetch("toy", cache_dir=toy.cache).read_bytes() == CONTENT


def test_no_file_is_placed_unless_all_are_right(toy):
    toy.entry["files"].append({"member": "toy/other.csv", "sha256": "2" * 64})
    with pytest.raises(assets.AssetError, match=r"file toy/other\.csv: expected SHA-256 2+"):
        assets.fetch("toy", cache_dir=toy.cache)
    assert [p for p in toy.cache.rglob("*") if p.is_file()] == []


def test_files_of_one_asset_lie_side_by_side_and_an_absent_one_is_fetched(toy, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"x")
    toy.entry["files"].append({"member": "toy/other.csv", "sha256": assets._sha256(other)})
    beside = assets.fetch("toy", cache_dir=toy.cache).with_name("other.csv")
    assert beside.read_bytes() == b"x"
    beside.unlink()
    assets.fetch("toy", cache_dir=toy.cache)
    assert beside.read_bytes() == b"x" and len(toy.calls) == 2


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


def failing_pip(monkeypatch, stderr):
    failed = subprocess.CompletedProcess([], 1, "", stderr)
    monkeypatch.setattr(assets, "_pip_download", lambda *_: failed)


def test_offline_and_absent_says_what_to_do(toy, monkeypatch):
    failing_pip(monkeypatch, "WARNING: no such host\nERROR: No matching distribution\n\n")
    with pytest.raises(assets.AssetError) as caught:
        assets.fetch("toy", cache_dir=toy.cache)
    message = str(caught.value)
    assert message.startswith("toy: expected toy-data==1.0 from the package index, found none.")
    assert "\n  pip download --no-deps --only-binary=:all: toy-data==1.0\n" in message
    assert f"the wheel, or toy.csv from inside it, into {toy.cache / 'incoming'}" in message
    assert "STIM_LIB_CACHE" in message
    assert message.endswith("pip says:\n  WARNING: no such host\n  ERROR: No matching distribution")


def test_pip_that_finds_another_hash_shows_both(toy, monkeypatch):
    said = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n  Expected sha256 aa\n  Got  bb\n\n"
    failing_pip(monkeypatch, said)
    with pytest.raises(assets.AssetError, match=r"(?s)nothing was kept.*Expected sha256 aa.*bb$"):
        assets.fetch("toy", cache_dir=toy.cache)


def test_absent_pip_is_named_as_the_cause(toy, monkeypatch):
    failing_pip(monkeypatch, "python: No module named pip")
    with pytest.raises(assets.AssetError, match=r"expected pip beside .* found none") as caught:
        assets.fetch("toy", cache_dir=toy.cache)
    assert "python -m ensurepip" in str(caught.value)
    assert str(toy.cache / "incoming") in str(caught.value)


def test_pip_is_asked_for_one_verified_wheel_and_not_to_wait_long(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(assets.subprocess, "run", lambda command, **_: asked.append(command))
    assets._pip_download(tmp_path / "requirement.txt", tmp_path)
    assert asked[0][:4] == [sys.executable, "-m", "pip", "download"]
    for option in ("--no-deps", "--only-binary=:all:", "--require-hashes", "--timeout"):
        assert option in asked[0]
    assert not any("index" in word for word in asked[0])


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


def test_place_that_cannot_be_written_names_the_variable(toy, monkeypatch):
    def closed(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", closed)
    with pytest.raises(assets.AssetError, match=r"Permission denied.*STIM_LIB_CACHE"):
        assets.fetch("toy", cache_dir=toy.cache)
    assert [p for p in toy.cache.rglob("*") if p.is_file()] == []


def test_folder_in_the_place_of_the_file_is_told_in_words(toy):
    path = assets.fetch("toy", cache_dir=toy.cache)
    path.unlink()
    path.mkdir()
    with pytest.raises(assets.AssetError, match=r"toy\.csv.*STIM_LIB_CACHE"):
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


@pytest.mark.parametrize("name", ["toy.csv", "toy_data-1.0-py3-none-any.whl"])
def test_wrong_file_laid_in_by_hand_is_named_and_refused(toy, name):
    wrong = toy.cache / "incoming" / name
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"other")
    with pytest.raises(assets.AssetError, match="laid in by hand") as caught:
        assets.fetch("toy", cache_dir=toy.cache)
    assert f"{wrong}: expected SHA-256" in str(caught.value)
    wrong.unlink()
    assert assets.fetch("toy", cache_dir=toy.cache).read_bytes() == CONTENT


def test_url_asset(toy, tmp_path):
    source = tmp_path / "toy.csv"
    source.write_bytes(CONTENT)
    for key in ("package", "version", "wheel_sha256"):
        del toy.entry[key]
    toy.entry["url"] = source.as_uri()
    assert assets.fetch("toy", cache_dir=toy.cache).read_bytes() == CONTENT
    toy.entry["url"] = (tmp_path / "absent").as_uri()
    with pytest.raises(assets.AssetError, match=r"toy: expected a file at file:.*incoming"):
        assets.fetch("toy", cache_dir=tmp_path / "another")


def _fetch_together(both_inside, cache, results):
    pip = assets._pip_download

    def slow(requirement, folder):
        both_inside.wait(timeout=20)
        return pip(requirement, folder)

    assets._pip_download = slow
    results.put(assets.fetch("toy", cache_dir=cache).read_bytes())


def test_two_processes_at_once_both_get_the_whole_file(toy):
    fork = multiprocessing.get_context("fork")
    arguments = (fork.Barrier(2), toy.cache, results := fork.Queue())
    both = [fork.Process(target=_fetch_together, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
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
        files = Counter(file["member"].rsplit("/")[-1] for file in entry["files"])
        assert files and max(files.values()) == 1, f"{name}: two files of one name"


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


def test_command_line_wants_a_name(capsys):
    with pytest.raises(SystemExit) as stopped:
        assets.main(["fetch"])
    assert stopped.value.code == 2
    assert "expected names of assets or --all" in capsys.readouterr().err
