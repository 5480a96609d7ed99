"""Logistic regression by gradient descent, on the Wisconsin breast cancer data, in pure Python.

    python -m labq.demo.train --lr 0.1 --l2 0.01

The data (569 rows, 30 measures each, last column 1 for benign) is the Breast Cancer Wisconsin
(Diagnostic) set of W. Wolberg, O. Mangasarian, N. Street and W. Street, UCI Machine Learning
Repository, 1995, doi:10.24432/C5DW2B, CC BY 4.0. Every fourth row is held out.
"""

from __future__ import annotations

import argparse
import csv
import math
from importlib import resources
from operator import mul
from statistics import fmean, pstdev

import labq

Rows = list[tuple[list[float], int]]


def data() -> tuple[Rows, Rows]:
    """The rows to learn from and those held out: 30 measures, standardised, and 0 or 1."""
    text = resources.files("labq.demo").joinpath("breast_cancer.csv").read_text("utf-8")
    lines = [[float(cell) for cell in line] for line in list(csv.reader(text.splitlines()))[1:]]
    columns = list(zip(*(line[:-1] for line in lines), strict=True))
    scale = [(fmean(column), pstdev(column)) for column in columns]
    rows = [
        (
            [(x - mean) / spread for x, (mean, spread) in zip(line, scale, strict=False)],
            int(line[-1]),
        )
        for line in lines
    ]
    return [row for at, row in enumerate(rows) if at % 4], rows[::4]


def probability(weights: list[float], measures: list[float]) -> float:
    """How probable class 1 is; the last weight is the bias."""
    score = sum(map(mul, weights, measures)) + weights[-1]
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, score))))


def train(rows: Rows, lr: float, l2: float, epochs: int) -> list[float]:
    """The weights after that many epochs of full-batch gradient descent."""
    weights = [0.0] * (len(rows[0][0]) + 1)
    for _ in range(epochs):
        gradient = [l2 * weight for weight in weights[:-1]] + [0.0]
        for measures, label in rows:
            error = (probability(weights, measures) - label) / len(rows)
            for at, x in enumerate(measures):
                gradient[at] += error * x
            gradient[-1] += error
        weights = [weight - lr * slope for weight, slope in zip(weights, gradient, strict=True)]
    return weights


def main() -> None:
    """Trains once, and reports to the task that this runs as."""
    parser = argparse.ArgumentParser(description="Logistic regression on the breast cancer data.")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
    parser.add_argument("--l2", type=float, default=0.0, help="weight of the squared norm")
    parser.add_argument("--epochs", type=int, default=40)
    given = parser.parse_args()
    learn, held_out = data()
    weights = train(learn, given.lr, given.l2, given.epochs)
    right = sum((probability(weights, measures) > 0.5) == label for measures, label in held_out)  # noqa: PLR2004
    loss = -fmean(
        math.log(max(1e-12, p if label else 1 - p))
        for measures, label in held_out
        for p in [probability(weights, measures)]
    )
    accuracy = right / len(held_out)
    print(f"lr={given.lr:g} l2={given.l2:g}: accuracy {accuracy:.4f}, loss {loss:.4f}")  # noqa: T201
    labq.report(accuracy=round(accuracy, 4), loss=round(loss, 4))


if __name__ == "__main__":
    main()
