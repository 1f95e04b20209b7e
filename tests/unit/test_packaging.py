"""The distribution: its package names are its own, and it carries every file it needs at run time."""

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "worker", "webhooks", "tasks", "console", "sandbox", "bench")


def test_no_other_distribution_owns_one_of_our_names() -> None:
    """The names are generic, so a dependency that brings one of them would hide ours."""
    owners = packages_distributions()

    for name in PACKAGES:
        assert set(owners.get(name, [])) <= {"hookyard"}
        found = find_spec(name)
        assert found is not None
        assert Path(str(found.origin)).is_relative_to(ROOT)


def test_the_wheel_carries_every_file(tmp_path: Path) -> None:
    """A non-editable install has the example configuration, payloads, templates and migrations too."""
    uv = Path(sys.executable).parent / "uv"
    subprocess.run(
        [uv, "build", "--wheel", "--quiet", "--out-dir", tmp_path], cwd=ROOT, check=True, capture_output=True
    )
    [wheel] = tmp_path.glob("*.whl")

    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    assert set(tracked.stdout.split()) <= set(zipfile.ZipFile(wheel).namelist())
