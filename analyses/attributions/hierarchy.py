"""The hierarchy of features, family over contour over feature, as a binary tree in SciPy's form."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from msfl.features.grammar import parse_or_unknown

LEVELS = ("family", "contour", "feature")
"""From the root to the leaves."""


def hierarchy(features: Sequence[str]) -> NDArray[np.float64]:
    """Return the hierarchy of features by the grammar of their names.

    The tree is binary, as shap needs it: the members of a group are halved, in the order of their names, until they
    stand alone.

    Args:
        features: Names of the D features, at least two.

    Returns:
        A linkage matrix (`scipy.cluster.hierarchy.linkage`), shape (D - 1, 4). The height of a node is 1 within the
        root, 2/3 within a family and 1/3 within a contour.
    """
    parsed = [parse_or_unknown(name) for name in features]
    paths = [tuple(one.group_key(level) for level in LEVELS) for one in parsed]
    tree = _Tree(len(paths))
    tree.grow(sorted(range(len(paths)), key=lambda column: (paths[column], column)), paths, 0)
    return np.array(tree.rows, dtype=np.float64)


class _Tree:
    def __init__(self, leaves: int) -> None:
        self.leaves = leaves
        self.rows: list[tuple[int, int, float, int]] = []

    def grow(self, columns: Sequence[int], paths: Sequence[tuple[str, ...]], depth: int) -> int:
        """Return the node over some leaves, which come sorted by path."""
        if len(columns) == 1:
            return columns[0]
        if depth == len(LEVELS):  # features of one name
            return self._halved(list(columns), depth - 1)
        groups = [list(group) for _, group in groupby(columns, key=lambda column: paths[column][depth])]
        return self._halved([self.grow(group, paths, depth + 1) for group in groups], depth)

    def _halved(self, nodes: list[int], depth: int) -> int:
        if len(nodes) == 1:
            return nodes[0]
        middle = len(nodes) // 2
        left, right = self._halved(nodes[:middle], depth), self._halved(nodes[middle:], depth)
        self.rows.append((left, right, 1 - depth / len(LEVELS), self._size(left) + self._size(right)))
        return self.leaves + len(self.rows) - 1

    def _size(self, node: int) -> int:
        return 1 if node < self.leaves else self.rows[node - self.leaves][3]
