"""Train a Tree-LSTM on logic formulas whose shapes all differ, and compile nothing per shape.

A formula is a nested tuple, and the model recurses over it in plain Python. Outside `jit` every
operation runs at once and `grad` follows whatever path the recursion took, so a new shape costs
no trace kept and no kernel; the optimiser's step, always of one shape, is compiled once.
Run it with `python examples/02_tree_lstm.py --epochs 8`.
"""

import argparse
import sys
import time

import numpy as np

import ftx
import ftx.numpy as fnp
from ftx import nn, random
from ftx.nn import optim

TREES, MAX_LEAVES, WIDTH = 100, 8, 16


def draw_formula(rng, leaves):
    """A truth value, 0 or 1, or a pair of formulas: neither of both holds."""
    if leaves == 1:
        return int(rng.integers(2))
    left = int(rng.integers(1, leaves))
    return draw_formula(rng, left), draw_formula(rng, leaves - left)


def truth(formula):
    if isinstance(formula, tuple):
        return int(not (truth(formula[0]) or truth(formula[1])))
    return formula


def shape(formula):
    return tuple(map(shape, formula)) if isinstance(formula, tuple) else "leaf"


class TreeLSTM(nn.Module):
    """The binary Tree-LSTM of Tai, Socher and Manning (2015), equations 9 to 14."""

    leaves: nn.Embedding
    gates: nn.Linear
    read: nn.Linear

    @classmethod
    def init(cls, key, width):
        leaves, gates, read = random.split(key, 3)
        return cls(
            nn.Embedding.init(leaves, 2, 2 * width),
            nn.Linear.init(gates, 2 * width, 5 * width),
            nn.Linear.init(read, width, 2),
        )

    def state(self, tree):
        """Hidden and cell state of a tree: float[width] each."""
        if not isinstance(tree, tuple):
            return fnp.split(self.leaves(tree), 2)
        (h_left, c_left), (h_right, c_right) = map(self.state, tree)
        gates = fnp.split(self.gates(fnp.concatenate([h_left, h_right])), 5)
        keep_left, keep_right, write, show = map(nn.sigmoid, gates[:4])
        cell = keep_left * c_left + keep_right * c_right + write * fnp.tanh(gates[4])
        return show * fnp.tanh(cell), cell

    def __call__(self, tree):
        return self.read(self.state(tree)[0])


def loss(model, tree, label):
    return nn.softmax_cross_entropy_with_integer_labels(model(tree), label)


def kernels():
    """How many kernels this process has come by, compiled, read from disk or shared."""
    stats = ftx.compile_stats()
    return stats.compiled + stats.loaded_from_disk + stats.found_in_memory


def train(model, formulas, epochs):
    """Returns the model, each epoch's mean loss, and the kernels come by after the first step."""
    optimiser = optim.adam(1e-2)
    state, history, settled = optimiser.init(model), [], None

    @ftx.jit
    def update(model, state, gradient):
        updates, state = optimiser.update(gradient, state, model)
        return optim.apply_updates(model, updates), state

    for _ in range(epochs):
        total = 0.0
        for tree in formulas:
            value, gradient = ftx.value_and_grad(loss)(model, tree, truth(tree))
            model, state = update(model, state, gradient)
            settled = kernels() if settled is None else settled
            total += float(value)
        history.append(total / len(formulas))
    return model, history, kernels() - settled


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4, help="passes over the formulas")
    epochs = parser.parse_args().epochs
    rng, began = np.random.default_rng(0), time.perf_counter()
    formulas = [draw_formula(rng, int(rng.integers(2, MAX_LEAVES + 1))) for _ in range(TREES)]
    model = TreeLSTM.init(random.key(0), WIDTH)
    model, history, later = train(model, formulas, epochs)
    right = np.mean([int(fnp.argmax(model(tree))) == truth(tree) for tree in formulas])
    print(f"loss      {history[0]:.4f} in the first epoch, {history[-1]:.4f} in the last")
    print(f"accuracy  {right:.3f} on {TREES} trees of {len(set(map(shape, formulas)))} shapes")
    print(f"kernels   {kernels()} in all, {later} after the first tree")
    print(f"time      {time.perf_counter() - began:.1f} s")
    return 0 if history[-1] < history[0] / 2 and later == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
