"""A file in; a page out or one message; an exit code that tells which."""

import html.parser
import re
import shutil
from pathlib import Path

import pytest

from stim_lib import datasets, system

NOTEBOOK = Path(__file__).resolve().parents[3] / "notebooks" / "14_capstone.ipynb"
GOOD = "uid,venue,utc,lat,lon\n" + "".join(
    f"a,p{i % 4},2024-01-{1 + i // 24:02}T{i % 24:02}:00Z,40.7,-74.0\n" for i in range(40)
)


def run(tmp_path, *arguments):
    return system.main(list(map(str, arguments)), notebook=NOTEBOOK, folder=tmp_path / "reports")


def broken_absent(path):
    pass


def broken_folder(path):
    path.mkdir()


def broken_empty(path):
    path.write_text("")


def broken_header_only(path):
    path.write_text("uid,venue,utc\n")


def broken_columns(path):
    path.write_text("wer,was,wann\n1,2,3\n")


def broken_times(path):
    path.write_text(re.sub(r"2024-\S+?Z", "someday", GOOD))


def broken_swapped(path):
    path.write_text(GOOD.replace("40.7,-74.0", "-174.0,40.7"))


def broken_packed(path):
    path.write_bytes(b"PK\x03\x04" + bytes(200))


def broken_bytes(path):
    path.write_bytes(b"uid,venue,utc\n\xff\xfe\x00\x80\x81,\xff,\xff\n")


def broken_quote(path):
    path.write_text(GOOD.replace("a,p1", '"a,p1', 1))


def broken_rows(path):
    path.write_text(GOOD.replace(",40.7,-74.0", "", 20))


BROKEN = [value for name, value in sorted(globals().items()) if name.startswith("broken_")]


@pytest.mark.parametrize("make", BROKEN, ids=lambda f: f.__name__[7:])
def test_a_broken_log_ends_in_one_message_and_nothing_written(make, tmp_path, capsys):
    path = tmp_path / "my.csv"
    make(path)
    before = sorted(tmp_path.rglob("*"))
    assert run(tmp_path, path) == 2
    said = capsys.readouterr().err
    assert said.startswith("No report: ") and said.count("No report") == 1
    assert "Traceback" not in said and len(said) > 30
    assert sorted(tmp_path.rglob("*")) == before


def test_there_are_ten_kinds_and_the_good_one_is_not_among_them(tmp_path):
    assert len(BROKEN) >= 10
    (tmp_path / "my.csv").write_text(GOOD)
    assert len(system.load_log(system.Settings(), tmp_path / "my.csv").log) == 40


def test_a_broken_parquet_and_a_broken_configuration(tmp_path, capsys, city_file):
    (tmp_path / "my.parquet").write_bytes(b"PAR1 no")
    assert run(tmp_path, tmp_path / "my.parquet") == 2
    (tmp_path / "my.toml").write_text("[modells]\n")
    assert run(tmp_path, city_file, "--config", tmp_path / "my.toml") == 2
    assert "modells: no such setting (did you mean 'models'?)" in capsys.readouterr().err
    assert run(tmp_path) == 2
    assert not (tmp_path / "reports").exists()


def test_the_article_is_told_politely_what_it_takes(tmp_path, capsys):
    assert run(tmp_path, "--dataset", "seed_example") == 3
    said = capsys.readouterr().err
    assert "Found 4 actions; at least 300 are needed." in said
    page = (tmp_path / "reports" / "seed_example.html").read_text(encoding="utf-8")
    assert "Too little data to judge a model" in page and "Leaderboard" not in page
    check_page(page)


class Reader(html.parser.HTMLParser):
    """Collects what a page asks for, its pictures and its headings."""

    def __init__(self):
        super().__init__()
        self.asked, self.alts, self.frames, self.levels = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        for name in ("src", "href"):
            if name in attrs and tag != "a":
                self.asked.append(attrs[name])
        if tag == "img":
            self.alts.append(attrs.get("alt", ""))
        if tag == "iframe":
            self.frames.append(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))


def check_page(page):
    """The page asks for nothing outside, in its maps neither, and describes its pictures."""
    reader = Reader()
    reader.feed(page)
    assert all(target.startswith("data:") for target in reader.asked)
    assert reader.alts and all(len(alt) > 20 for alt in reader.alts)
    assert reader.levels[0] == 1 and set(reader.levels[1:]) == {2}
    for frame in reader.frames:
        assert len(frame["title"]) > 10
        inner = Reader()
        inner.feed(frame["srcdoc"])
        assert all(target.startswith("data:") for target in inner.asked)
        assert "tile.openstreetmap" not in frame["srcdoc"]
    assert "url(http" not in page and "@import" not in page
    return reader


def test_end_to_end(tmp_path, city, capsys):
    log = tmp_path / "my city.csv"
    renamed = city.rename(columns={"user_id": "uid", "item_id": "venue"})
    renamed.drop(columns=["local_time"]).to_csv(log, index=False)
    (tmp_path / "my.toml").write_text(
        '[log]\ntimezone = "Asia/Shanghai"\n[models]\nmix = false\nmost_queries = 40\n'
        'time_known = true\n[report]\ntitle = "My <city>"\nexamples = 1\nfewest_people = 2\n'
    )
    output = tmp_path / "out" / "my.html"
    code = run(tmp_path, log, "--config", tmp_path / "my.toml", "--output", output)
    said = capsys.readouterr().err
    assert code == 0, said
    page = output.read_text(encoding="utf-8")
    reader = check_page(page)
    assert len(reader.frames) == 1 and len(reader.alts) == 5
    assert "<h1>My &lt;city&gt;</h1>" in page
    for words in (
        "What this log supports", "Every row was kept", "Leaderboard, time unknown",
        "Leaderboard, time known", "recommender", "two tasks", "Examples: 1 list",
        "guessed from its name",
    ):  # fmt: skip
        assert words in page, words
    # Code and exercises stay in the book.
    assert "system.judge" not in page and "Marking guide" not in page
    assert sorted(p.name for p in output.parent.iterdir()) == ["my.html"]


def test_the_log_is_not_written_over(tmp_path, city_file, capsys):
    log = tmp_path / "my.csv"
    log.write_bytes(city_file.read_bytes())
    assert run(tmp_path, log, "--output", log) == 2
    assert "is what was read" in capsys.readouterr().err
    assert log.read_bytes() == city_file.read_bytes()


def test_a_folder_is_no_output_and_is_found_out_before_the_run(tmp_path, city_file, capsys):
    assert run(tmp_path, city_file, "--output", tmp_path) == 2
    assert "found a folder" in capsys.readouterr().err


def test_a_notebook_that_fails_leaves_nothing(tmp_path, city_file, capsys):
    import nbformat

    book = nbformat.read(NOTEBOOK, as_version=4)
    cell = nbformat.v4.new_code_cell("raise KeyError('lost')")
    cell.metadata["tags"] = ["report"]
    book.cells = [cell]
    nbformat.write(book, tmp_path / "bad.ipynb")
    code = system.main([str(city_file)], notebook=tmp_path / "bad.ipynb", folder=tmp_path / "r")
    assert code == 1 and "KeyError" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_report_cells_stand_alone():
    """The report runs without the book's other cells: no name of theirs is used."""
    import ast
    import builtins

    import nbformat

    from stim_lib.system.report import KEPT_TAGS

    known = set(dir(builtins))
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and KEPT_TAGS & set(cell.metadata.get("tags", [])):
            tree = ast.parse(cell.source)
            names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
            known |= {n.id for n in names if isinstance(n.ctx, ast.Store)}
            known |= {
                a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names
            }
            assert {n.id for n in names if isinstance(n.ctx, ast.Load)} <= known


def test_written_log_of_the_library_is_read_back(tmp_path, city):
    path = datasets.write_log(city, tmp_path / "a.parquet")
    loaded = system.load_log(system.Settings(), path)
    assert len(loaded.log) == len(city) and loaded.clock == "local"
    shutil.rmtree(tmp_path)
