"""The examples run as a reader would run them, and do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(name, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "examples" / name, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(autouse=True)
def drawing_packages():
    for package in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(package)


def test_digits_are_read(tmp_path):
    done = run("01_digits_mlp.py", "--epochs", 15, "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy = float(re.search(r"accuracy +([\d.]+)", done.stdout)[1])
    assert 0.96 <= accuracy <= 1
    assert re.search(r"kernels +\d+ compiled in [\d.]+ s, \d+ loaded from cache", done.stdout)
    for picture in ("digits_training.png", "digits_confusion.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_an_untrained_network_fails_the_demo(tmp_path):
    done = run("01_digits_mlp.py", "--epochs", 1, "--out", tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert float(re.search(r"accuracy +([\d.]+)", done.stdout)[1]) < 0.96
