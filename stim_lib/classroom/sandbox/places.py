"""What a submission may read, and the folder of its own in which it may write.

Introduced with the classroom, after the last chapter.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import stim_lib
from stim_lib import assets

# Of the system: libraries, time zones, fonts, what the machine is; no home, no other process.
SYSTEM = (
    "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo",
    "/usr/share/fonts", "/usr/share/fontconfig", "/usr/share/locale", "/etc/fonts",
    "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/mime.types",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version",
    "/proc/sys/kernel/osrelease", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
    "/sys/devices/system/node", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
DEVICES = ("/dev/null",)


def readable_places() -> list[str]:
    """Files and folders that every submission may read.

    Returns
    -------
    list of str
        Python, the library with its data, the cache of data sets, the system's libraries. Not the
        chapters, which hold the solutions.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> any(place.endswith("stim_lib") for place in readable_places())
    True
    """
    library = Path(stim_lib.__file__).resolve().parent
    places = [sys.prefix, sys.base_prefix, str(library), str(assets.cache_folder())]
    data = library.parent / "data"
    if data.is_dir():
        places.append(str(data))
    # A prefix of the whole system would open it; then its libraries are enough.
    return [place for place in places if len(Path(place).parts) > 2] + list(SYSTEM)


def make_own_folder(folder: Path, fonts: Path | None = None) -> Path:
    """Lay out the folder in which one submission lives.

    Parameters
    ----------
    folder : Path
        Empty.
    fonts : Path, optional
        A ready cache of matplotlib's, copied so that no kernel has to build one.

    Returns
    -------
    Path
        The working folder of its cells, ``work``. Beside it lie ``home`` and ``library``, links to
        the package.

    Notes
    -----
    Python lists a folder before it imports from it. The links spare us to open the folder above
    the library, where the chapters lie. Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     make_own_folder(Path(folder)).name
    'work'
    """
    for name in ("work", "home", "library"):
        (folder / name).mkdir()
    library = Path(stim_lib.__file__).resolve().parent
    for source in (library, library.parent / "data"):
        if source.is_dir():
            (folder / "library" / source.name).symlink_to(source, target_is_directory=True)
    if fonts is not None and fonts.is_dir():
        shutil.copytree(fonts, folder / "home" / "matplotlib", dirs_exist_ok=True)
    return folder / "work"


def clean_environment(folder: Path) -> dict[str, str]:
    """The environment of a kernel: nothing of the teacher's.

    Parameters
    ----------
    folder : Path
        From `make_own_folder`.

    Returns
    -------
    dict of str to str

    Notes
    -----
    One thread per library, since two submissions share a laptop, and the same bits on every run.
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> "SSH_AUTH_SOCK" in clean_environment(Path("/tmp/x"))
    False
    """
    home = str(folder / "home")
    names = {
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "USER": "student",
        "LOGNAME": "student", "HOME": home, "TMPDIR": home, "IPYTHONDIR": home,
        "JUPYTER_CONFIG_DIR": home, "JUPYTER_DATA_DIR": home, "JUPYTER_RUNTIME_DIR": home,
        "MPLCONFIGDIR": f"{home}/matplotlib", "PYTHONPATH": str(folder / "library"),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
        "LOKY_MAX_CPU_COUNT": "1", "JOBLIB_MULTIPROCESSING": "0", "CUDA_VISIBLE_DEVICES": "-1",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2", "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        assets.CACHE_VARIABLE: str(assets.cache_folder()),
        # What the grading says when it must say it to a cell.
        "NBGRADER_EXECUTION": "autograde",
    }  # fmt: skip
    for name in ("SYSTEMROOT", "TEMP", "PATHEXT"):  # Windows starts nothing without them
        if sys.platform == "win32" and name in os.environ:
            names[name] = os.environ[name]
    return names
