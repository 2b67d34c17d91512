"""The examples run as a reader would run them, and do what they say."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import ftx

ROOT = Path(__file__).resolve().parents[2]


def run(name, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "examples" / name, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def drawing_packages():
    for package in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(package)


def test_digits_are_read(tmp_path, drawing_packages):
    done = run("01_digits_mlp.py", "--epochs", 15, "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy = float(re.search(r"accuracy +([\d.]+)", done.stdout)[1])
    assert 0.96 <= accuracy <= 1
    assert re.search(r"kernels +\d+ compiled in [\d.]+ s, \d+ loaded from cache", done.stdout)
    for picture in ("digits_training.png", "digits_confusion.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_an_untrained_network_fails_the_demo(tmp_path, drawing_packages):
    done = run("01_digits_mlp.py", "--epochs", 1, "--out", tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert float(re.search(r"accuracy +([\d.]+)", done.stdout)[1]) < 0.96


def test_a_tree_lstm_trains_without_a_kernel_for_each_shape():
    done = run("02_tree_lstm.py")
    assert done.returncode == 0, done.stdout + done.stderr
    first, last = re.search(r"loss +([\d.]+) in the first epoch, ([\d.]+)", done.stdout).groups()
    assert float(last) < float(first) / 2
    accuracy, shapes = re.search(r"accuracy +([\d.]+) on 100 trees of (\d+)", done.stdout).groups()
    assert float(accuracy) > 0.9 and int(shapes) > 40
    assert re.search(r"kernels +[1-9]\d* in all, 0 after the first tree", done.stdout)


def test_the_tree_lstm_counts_the_kernels_of_compiled_shapes():
    example = runpy.run_path(str(ROOT / "examples" / "02_tree_lstm.py"))
    model = example["TreeLSTM"].init(ftx.random.key(0), 4)
    eager, compiled = ftx.grad(example["loss"]), ftx.jit(ftx.grad(example["loss"]))
    before = example["kernels"]()
    eager(model, ((0, 1), 0), 1)
    assert example["kernels"]() == before
    for tree in ((0, 1), ((0, 1), 0)):
        compiled(model, tree, 1)
        assert example["kernels"]() > before
        before = example["kernels"]()
