"""Train a small network to read handwritten digits, and draw what happened.

A model is a pytree, a training step a pure function, and `jit` compiles it once. Run it with
`make demo`, or `python examples/01_digits_mlp.py --epochs 20 --out pictures`.
"""

import argparse
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import ftx
import ftx.numpy as fnp
from ftx import nn, random
from ftx.nn import optim

BATCH, TARGET = 64, 0.96
BLUE, ORANGE = "#2563a8", "#d1622b"


def load():
    """Images of 8×8 pixels as rows of 64 numbers in [0, 1], split 80 to 20 by class."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    return map(fnp.asarray, train_test_split(x, y, test_size=0.2, stratify=y, random_state=0))


def loss(model, x, y):
    return nn.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


predict = ftx.jit(lambda model, x: fnp.argmax(model(x), axis=-1))


def train(model, x, y, x_test, y_test, epochs):
    """Returns the model, and for each epoch its loss and its accuracy on the test digits."""
    batches = len(x) // BATCH
    rate = optim.warmup_cosine_decay_schedule(0.0, 3e-3, batches // 2, epochs * batches)
    optimiser = optim.adamw(rate, weight_decay=1e-2)

    @ftx.jit
    def step(model, state, x, y):
        value, gradient = ftx.value_and_grad(loss)(model, x, y)
        updates, state = optimiser.update(gradient, state, model)
        return optim.apply_updates(model, updates), state, value

    state, history = optimiser.init(model), []
    progress = tqdm(random.split(random.key(1), epochs), desc="training", unit="epoch", ncols=88)
    for key in progress:
        order = random.permutation(key, len(x))[: batches * BATCH].reshape(batches, BATCH)
        mean_loss = 0.0
        for rows in order:
            model, state, value = step(model, state, x[rows], y[rows])
            mean_loss += float(value) / batches
        accuracy = float((predict(model, x_test) == y_test).mean())
        history.append((mean_loss, accuracy))
        progress.set_postfix(loss=f"{mean_loss:.4f}", accuracy=f"{accuracy:.3f}")
    return model, np.array(history)


def draw_training(history, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    epochs = range(1, len(history) + 1)
    left.semilogy(epochs, history[:, 0], color=BLUE, linewidth=1.8)
    left.set(title="Loss", xlabel="epoch", ylabel="training cross-entropy (nats)")
    right.plot(epochs, 100 * history[:, 1], color=ORANGE, linewidth=1.8, label="test digits")
    right.axhline(100 * TARGET, color="grey", linewidth=1, linestyle="--", label="target")
    right.set(title="Accuracy", xlabel="epoch", ylabel="read correctly (%)", ylim=(80, 100))
    right.legend(frameon=False, loc="lower right")
    for ax in (left, right):
        ax.grid(color="#e3e6ea", linewidth=0.7)
    figure.savefig(path, dpi=150)


def draw_confusion(truth, guess, path):
    counts = confusion_matrix(truth, guess)
    figure, ax = plt.subplots(figsize=(5.4, 5.2), layout="constrained")
    ax.imshow(counts, cmap="Blues", vmax=1.15 * counts.max())
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if row == column else ORANGE
        ax.text(column, row, count or "", ha="center", va="center", color=colour)
    ax.set(title=f"{(truth != guess).sum()} of {len(truth)} digits misread")
    ax.set(xlabel="read as", ylabel="true digit", xticks=range(10), yticks=range(10))
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training digits")
    parser.add_argument("--out", type=Path, default="demo_output", help="folder for pictures")
    options = parser.parse_args()
    plt.switch_backend("agg")  # draws to files, so needs no screen
    began = time.perf_counter()
    x, x_test, y, y_test = load()
    model = nn.MLP.init(random.key(0), [64, 128, 64, 10])
    model, history = train(model, x, y, x_test, y_test, options.epochs)
    seconds = time.perf_counter() - began
    truth, guess = np.asarray(y_test), np.asarray(predict(model, x_test))
    options.out.mkdir(parents=True, exist_ok=True)
    draw_training(history, options.out / "digits_training.png")
    draw_confusion(truth, guess, options.out / "digits_confusion.png")
    accuracy, stats = (guess == truth).mean(), ftx.compile_stats()
    print(f"accuracy  {accuracy:.4f} on {len(guess)} unseen digits (target {TARGET})")
    print(f"time      {seconds:.1f} s for {model.parameter_count()} parameters")
    print(f"kernels   {stats.compiled} compiled in {stats.compile_seconds:.1f} s, ", end="")
    print(f"{stats.loaded_from_disk} loaded from cache in {stats.load_seconds:.2f} s")
    print(f"pictures  {options.out}/digits_training.png, {options.out}/digits_confusion.png")
    return 0 if accuracy >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
