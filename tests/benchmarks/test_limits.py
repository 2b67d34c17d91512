"""The limits benchmark runs, at tiny sizes, and says what it measured."""

import json
import math

import pytest

from benchmarks import limits, products, rows, streams
from benchmarks.measure import in_turn


def test_every_section_runs_and_is_written_as_json(tmp_path, capsys):
    path = tmp_path / "rows.json"
    assert limits.main(["--quick", "--json", str(path)]) == 0
    shown = capsys.readouterr().out
    found = json.loads(path.read_text())["rows"]
    sections = {row["section"] for row in found}
    assert sections == {
        "memory", "scalar functions", "products", "loops", "first calls", "import", "peak memory",
    }  # fmt: skip
    for row in found:
        assert row["ftx"] > 0 and math.isfinite(row["ftx"])
        assert row["name"] in shown
        alone = row["section"] in ("first calls", "import", "peak memory")  # no peer when quick
        assert (row["ratio"] is None) == alone
    cold = next(r for r in found if r["name"] == "all workloads, cold")
    warm = next(r for r in found if r["name"] == "all workloads, warm")
    assert warm["ftx"] < cold["ftx"]  # the second process compiles nothing
    assert "rows within their targets" in shown


def test_an_unknown_section_is_an_error(capsys):
    with pytest.raises(SystemExit):
        limits.main(["speed"])
    assert "expected sections among memory, scalars" in capsys.readouterr().err


def test_a_row_is_judged_by_its_ratio():
    good = rows.Row("s", "n", 1.0, 1.0, 1.1, "peer")
    bad = rows.Row("s", "n", 2.3e-3, 1e-3, 1.1, "peer")
    alone = rows.Row("s", "n", 1.0, None, 1.1, "peer")
    assert (good.met, bad.met, alone.met) == (True, False, None)
    assert "2.3 ms" in rows.line(bad) and "MISS" in rows.line(bad) and "2.30" in rows.line(bad)
    assert rows.summary([good, bad, alone]) == "1 of 2 rows within their targets, 1 skipped"
    assert rows.shown(3 << 20, "B") == "3 MiB"


def test_contenders_take_turns():
    order = []
    times = in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, 0)
    assert "".join(order[-6:]) == "ababab" and set(times) == {"a", "b"}


def test_the_streaming_kernel_reads_and_writes_every_stream():
    text = streams.stream_text(2, 3)
    assert text.count("[i] = total") == 3 and "x0[i] + x1[i]" in text
    streams.stream(1000, 2, 3)()


def test_products_of_the_peers_are_products():
    np = pytest.importorskip("numpy")
    a, b = np.random.randn(5, 7), np.random.randn(7, 3)
    for call in products.peers(a, b).values():
        out = call()
        out = out if out.shape == (5, 3) else out.T
        np.testing.assert_allclose(out, a @ b)
