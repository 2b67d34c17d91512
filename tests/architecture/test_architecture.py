"""The shape of the source tree, checked on its syntax: who imports whom, how long, documented.

Reads whatever stands under ftx/ and examples/ now; runs no ftx code but the last test, which
asks the public names for their docstrings.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "ftx").rglob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

# Read `transforms: core` as "a module of transforms may import one of core" (and of its own
# folder). Folders absent from the table may import anything but the back ends.
API = {"numpy", "lax", "random", "scipy", "tree", "tree_util", "flatten_util"}
MAY_IMPORT = {
    "core": set(),
    "transforms": {"core"},
    "backends": {"core", "transforms"},
    **{layer: {"core", "transforms"} | API for layer in API},
    "nn": {"core", "transforms"} | API,
}
# The only places that know a back end exists; everyone else asks core for one.
PLUGS_BACKENDS_IN = {"__init__", "__main__", "doctor", "explanation"}

# Packages that are optional or slow to import, so that a function may import them itself.
LAZY_PACKAGES = {
    *("numba", "llvmlite", "scipy", "opt_einsum"),  # `import ftx` stays fast
    *("cuda", "numba_cuda", "numba_cuda_mlir", "nvmath", "nccl", "cudnn", "cupy"),
    *("matplotlib", "sklearn", "tqdm", "mpi4py", "onnx", "safetensors"),
}
# Modules of our own that import a slow package at their top.
LAZY_MODULES = {
    f"ftx.backends.{name}" for name in ("vector_math", "intrinsics", "numba_adapter", "tile")
}
MAX_LINES = 600
MAX_EXAMPLE_LINES = 120


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def layer(path: Path) -> str:
    """Folder (or top-level file) of ftx in which a module lives: core, nn, lax, __init__."""
    return path.relative_to(ROOT / "ftx").with_suffix("").parts[0]


def imported(path: Path, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Absolute dotted names of what one import statement brings in."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = path.relative_to(ROOT).with_suffix("").parts[: -node.level] if node.level else ()
    base = ".".join([*package, *filter(None, [node.module])])
    yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_layers(path: Path) -> Iterator[tuple[int, str]]:
    """(line, layer) for each import of one part of ftx by another."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for dotted in imported(path, node):
                parts = dotted.split(".")
                if parts[0] == "ftx":
                    yield node.lineno, parts[1] if len(parts) > 1 else "__init__"


def local_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements inside functions."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_downwards(path):
    here = layer(path)
    wrong = []
    for line, there in imported_layers(path):
        if there == "backends" and here != "backends" and here not in PLUGS_BACKENDS_IN:
            wrong.append(f"line {line}: {here} imports backends; ask core for a back end instead")
        elif here in MAY_IMPORT and there not in MAY_IMPORT[here] | {here, "version"}:
            wrong.append(
                f"line {line}: {here} imports {there}; "
                f"it may import {', '.join(sorted(MAY_IMPORT[here])) or 'nothing of ftx'}"
            )
    assert not wrong, f"{name(path)}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_import_only_optional_packages(path):
    wrong = [
        f"line {node.lineno}: {dotted}"
        for node in local_imports(parse(path))
        for dotted in imported(path, node)
        if dotted.split(".")[0] not in LAZY_PACKAGES
        and not any(dotted.startswith(module) for module in LAZY_MODULES)
    ]
    assert not wrong, f"{name(path)} imports inside a function:\n" + "\n".join(wrong)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_files_are_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{name(path)} has {lines} lines: split it by what it does"


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_examples_fit_on_a_page_or_two(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < MAX_EXAMPLE_LINES, f"{name(path)} has {lines} lines"


@pytest.mark.parametrize("path", [*MODULES, *EXAMPLES], ids=name)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(parse(path)), f"{name(path)} has no module docstring"


def test_public_names_are_documented():
    if not (ROOT / "ftx" / "__init__.py").exists():
        pytest.skip("ftx/__init__.py is not written yet")
    ftx = importlib.import_module("ftx")
    public = getattr(ftx, "__all__", [n for n in vars(ftx) if not n.startswith("_")])
    bare = []
    for public_name in public:
        value = getattr(ftx, public_name)
        # `__doc__` of the class itself: an inherited docstring describes something else.
        doc = vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)
        if callable(value) and not (doc or "").strip():
            bare.append(public_name)
    assert not bare, f"public names of ftx without a docstring: {', '.join(bare)}"
