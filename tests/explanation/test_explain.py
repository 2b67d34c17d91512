"""ftx.explain: figures that follow from the program, counts that follow from the run."""

import json
import os
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import ExplainError, IndexOutOfRangeError, NotAnArrayError
from ftx.explanation.timing import with_step_count


def array(*shape):
    return fnp.asarray(np.random.RandomState(0).randn(*shape).astype(np.float32))


def kernels(found):
    return [row for row in found.rows if row.kind == "kernel"]


# ---- what is computed from the program


def test_a_fused_kernel_moves_its_input_and_output_once():
    found = ftx.explain(lambda x: ftx.nn.softmax(x, axis=-1), array(512, 256), time=False)
    (row,) = found.rows
    assert (row.kind, row.read_bytes, row.written_bytes) == ("kernel", 512 * 256 * 4, 512 * 256 * 4)
    # max; subtract, exp; sum; divide: per element, and the row's maximum against -inf
    assert row.flops == 512 * 256 * (1 + 1 + 19 + 1 + 1) + 512
    assert row.chunks > 1 and row.calls == 1 and row.seconds is None
    assert "def kernel" in found.kernel(0)


@pytest.mark.parametrize(
    "function, read, written",
    [
        (lambda x: x[:10] * 2, 10 * 32 * 4, 10 * 32 * 4),
        (lambda x: x[:, ::4] * 2, 64 * 8 * 4, 64 * 8 * 4),
        (lambda x: x[1:] + x[:-1], 64 * 32 * 4, 63 * 32 * 4),
        (lambda x: x + x.T[0, 0] * x, 64 * 32 * 4, 64 * 32 * 4),
        (lambda x: fnp.sum(x), 64 * 32 * 4, 4),
        (lambda x: x[fnp.array([3, 1])], 2 * 32 * 4 + 16, 2 * 32 * 4),
        (lambda x: fnp.zeros(100) + 1, 0, 400),
    ],
)
def test_bytes_follow_the_ranges_of_indices(function, read, written):
    found = ftx.explain(function, array(64, 32), time=False)
    assert [(row.read_bytes, row.written_bytes) for row in found.rows] == [(read, written)]


def test_operations_are_counted_where_the_text_computes_them():
    def f(x, row):
        return x * fnp.exp(row)  # exp once per element of row, not per element of x

    found = ftx.explain(f, array(100, 50), array(100, 1), time=False)
    assert found.flops == 100 * 50 + 100 * 19
    assert ftx.explain(lambda x: x + 1, fnp.arange(10), time=False).flops == 0


def test_a_product_and_its_lines():
    def model(x, w):
        y = x @ w
        return fnp.tanh(y)

    found = ftx.explain(model, array(128, 64), array(64, 32), time=False)
    product = next(row for row in found.rows if row.equations[0].primitive == "dot_general")
    assert product.flops == 2 * 128 * 64 * 32
    assert product.bytes == 4 * (128 * 64 + 64 * 32 + 128 * 32)
    assert product.equations[0].code == "y = x @ w"
    last = found.rows[-1]
    assert [e.code for e in last.equations] == ["return fnp.tanh(y)"]
    assert last.equations[0].place.startswith("test_explain.py:")


def test_backward_steps_name_the_forward_lines():
    def loss(w, x):
        y = fnp.sin(x @ w)
        return fnp.sum(y * y)

    found = ftx.explain(ftx.grad(loss), array(64, 8), array(32, 64), time=False)
    code = {e.code for row in found.rows for e in row.equations}
    assert code == {"y = fnp.sin(x @ w)", "return fnp.sum(y * y)"}


def test_memory_counts_reuse():
    def chain(x):
        for _ in range(6):
            x = fnp.tanh(x @ x)
        return x

    found = ftx.explain(chain, array(64, 64), time=False)
    size = 64 * 64 * 4
    assert found.memory.inputs == found.memory.outputs == size
    assert found.memory.arena < found.memory.temporaries
    assert found.memory.peak == 2 * size + found.memory.arena + found.memory.constants
    assert found.build.distinct_kernels < found.build.kernels  # six times the same tanh


# ---- loops and branches


def big_loop(x):
    def body(c, _):
        c = fnp.tanh(c @ c)
        return ftx.lax.cond(c[0, 0] > 2, lambda c: c * 2, lambda c: c - 1, c), fnp.sum(c)

    return ftx.lax.scan(body, x, None, length=7)


def test_steps_in_loops_and_branches_are_indented_and_counted():
    found = ftx.explain(big_loop, array(64, 64))
    loop = found.rows[0]
    assert (loop.kind, loop.trips, loop.calls) == ("loop", 7, 1)
    inside = [row for row in found.rows if row.depth == 1]
    assert {row.calls for row in inside} == {7}
    cases = {row.label: row.calls for row in found.rows if row.kind == "case"}
    assert cases == {"branch 0": 7, "branch 1": 0}  # tanh is never above 2
    always, never = (row for row in found.rows if row.depth == 3)
    assert always.calls == 7 and always.bytes == 7 * 2 * 64 * 64 * 4
    assert never.calls == 0 and never.bytes == 0 and never.seconds == 0


def test_without_running_only_constant_counts_are_known():
    found = ftx.explain(big_loop, array(64, 64), time=False)
    assert found.rows[0].trips == 7
    assert [row.calls for row in found.rows if row.kind == "case"] == [None, None]
    assert "not counted" in str(found)


def test_a_scan_that_became_one_kernel():
    def f(x):
        return ftx.lax.scan(lambda c, _: (3.7 * c * (1 - c), c), x, None, length=1000)

    for time in (False, True):
        found = ftx.explain(f, fnp.float32(0.3), time=time)
        (row,) = kernels(found)
        assert row.trips == 1000 and row.flops == 3000
        assert row.written_bytes >= 4000


def test_the_steps_of_a_while_kernel_are_counted_while_it_runs():
    def halve(x):
        return ftx.lax.while_loop(lambda c: c[0] > 1, lambda c: (c[0] / 2, c[1] + 1), (x, 0))

    (row,) = kernels(ftx.explain(halve, fnp.float32(1024.0)))
    assert row.trips == 10 and row.flops == 10
    (row,) = kernels(ftx.explain(halve, fnp.float32(1024.0), time=False))
    assert row.trips is None and row.flops is None


def test_the_steps_of_a_while_of_kernels_are_counted():
    def grow(x):
        return ftx.lax.while_loop(lambda c: fnp.sum(c) < 1e5, lambda c: c @ x, x)

    x = fnp.eye(64) * 2
    found = ftx.explain(grow, x)
    loop = next(row for row in found.rows if row.kind == "loop")
    assert loop.trips == 10  # 64 * 2**11 is the first above 1e5
    product = next(row for row in found.rows if row.kind == "product")
    assert product.calls == 10 and product.flops == 10 * 2 * 64**3


def test_other_kernels_have_no_step_count():
    assert with_step_count("def kernel(args, lo, hi):\n    return 0\n", 0) is None


# ---- what is measured


def test_the_heavy_step_has_the_time():
    def f(x, y):
        return fnp.sum(fnp.sort(x)), fnp.exp(y) + 1

    found = ftx.explain(f, array(200_000), array(16))
    sort = max(found.rows, key=lambda row: row.seconds)
    assert "sort" in {e.primitive for e in sort.equations} | {sort.label.split()[0]}
    assert sum(row.share for row in found.rows) == pytest.approx(1)
    assert 0.2 * found.call_seconds < found.seconds < 5 * found.call_seconds
    assert found.timed_calls >= 5


def test_a_row_is_held_against_the_machine():
    found = ftx.explain(lambda x, y: x + y, array(1 << 20), array(1 << 20))
    (row,) = found.rows
    assert row.bandwidth == row.bytes / row.seconds
    limit = row.bytes / found.roof.bytes_per_second(row.bytes)
    assert row.limit_seconds == pytest.approx(limit)  # bound by memory
    assert 0.02 < row.roofline < 3  # a streaming kernel itself, on a machine that does other things


def test_running_leaves_arguments_and_donation_alone():
    x = array(1000)
    step = ftx.jit(lambda x: x * 2, donate_argnums=0)
    ftx.explain(step, x)
    assert not x.is_deleted()
    np.testing.assert_array_equal(step(x), 2 * array(1000))


def test_static_and_keyword_arguments_reach_the_function():
    f = ftx.jit(lambda x, n, *, scale: x * n * scale, static_argnums=1)
    (row,) = ftx.explain(f, array(8), 3, scale=2.0).rows
    assert row.flops == 16


# ---- how it is shown


class Balance(HTMLParser):
    """Collects tags, and fails on one that is closed in the wrong order."""

    VOID = {"meta"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def softmax():
    return ftx.explain(lambda x: ftx.nn.softmax(x @ x, axis=-1), array(128, 128))


def test_the_table_fits_120_columns(softmax):
    assert max(map(len, str(softmax).splitlines())) <= 120
    assert max(map(len, str(ftx.explain(big_loop, array(64, 64))).splitlines())) <= 120


def test_the_page_is_whole_and_alone(softmax, tmp_path):
    path = tmp_path / "page.html"
    text = softmax.to_html(path)
    assert path.read_text(encoding="utf-8") == text
    parsed = Balance()
    parsed.feed(text)
    assert not parsed.open
    tags = [tag for tag, _ in parsed.seen]
    assert {"html", "title", "caption", "details", "svg"} <= set(tags)
    assert all(a.get("scope") for tag, a in parsed.seen if tag == "th")
    assert all(a.get("aria-label") for _, a in parsed.seen if a.get("role") == "img")
    assert not any(a.get("src") or a.get("href") for _, a in parsed.seen)  # nothing from outside
    assert "prefers-color-scheme:dark" in text and "def kernel" in text
    fragment = softmax._repr_html_()
    assert fragment in text and "<html" not in fragment


def test_names_are_escaped_in_the_page():
    found = ftx.explain(lambda x: x[x.shape[0] - 1] < 3, array(4))
    assert "&lt; 3" in found.to_html()


def test_everything_as_plain_data(softmax):
    data = json.loads(json.dumps(softmax.to_dict()))
    assert len(data["rows"]) == len(softmax.rows)
    assert data["rows"][0]["bytes"] == softmax.rows[0].bytes
    assert data["memory"]["peak"] == softmax.memory.peak


def test_kernels_by_number(softmax):
    row = kernels(softmax)[0]
    assert softmax.kernel(row.number) == row.source
    product = next(r for r in softmax.rows if r.kind == "product")
    with pytest.raises(ValueError, match=r"expected the number of a kernel .* is a product"):
        softmax.kernel(product.number)
    with pytest.raises(IndexError, match="expected a row from 0 to"):
        softmax.kernel(99)


# ---- errors


def test_errors_have_codes():
    with pytest.raises(NotAnArrayError, match=r"explain: expected a function, got int[\s\S]*E045"):
        ftx.explain(3)
    with pytest.raises(ExplainError, match=r"while 'outer' is being traced[\s\S]*FTX-E023"):

        def outer(x):
            ftx.explain(lambda y: y + 1, x)
            return x

        ftx.jit(outer)(array(3))
    spec = ftx.ShapeDtypeStruct((3,), np.float32)
    with pytest.raises(ExplainError, match=r"expected arrays to run on[\s\S]*FTX-E023"):
        ftx.explain(lambda x: x + 1, spec)
    assert ftx.explain(lambda x: x + 1, spec, time=False).bytes == 24
    with ftx.config.override(default_backend="reference"):
        with pytest.raises(ExplainError, match=r"expected the backend 'cpu'[\s\S]*FTX-E023"):
            ftx.explain(lambda x: x + 1, array(3))


def test_errors_of_the_program_are_its_own():
    with pytest.raises(IndexOutOfRangeError, match="index out of range"):
        ftx.explain(lambda x, i: x[i], array(3), fnp.array(7))


def test_importing_ftx_does_not_load_it():
    code = "import sys, ftx; assert 'ftx.explanation' not in sys.modules; ftx.explain"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_blocks_of_a_large_product_are_shared():
    found = ftx.explain(lambda x: x @ x, array(512, 512), time=False)
    product = next(row for row in found.rows if row.kind == "product")
    assert product.chunks > 1 and product.flops == 2 * 512**3


def test_where_machine_code_came_from(tmp_path):
    program = """
import ftx, ftx.numpy as fnp
found = ftx.explain(lambda x: fnp.sum(fnp.tanh(x @ x)), fnp.ones((32, 32)), time=False)
print(*[row.origin for row in found.rows if row.source], found.build.compiled)
"""
    run = lambda: subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"FTX_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    *first, compiled = run()
    assert set(first) == {"compiled"} and int(compiled) >= len(first)
    *second, compiled = run()
    assert set(second) == {"disk"} and compiled == "0"
