"""gaussian_kde: a density from samples, one normal distribution around each.

In: samples float[d, n].  Out: a tree of arrays with methods.
Must not know: other families.
"""

import dataclasses
import math
from typing import Any

from ... import random
from ...core import dtypes
from ...core.errors import ArgumentError, DTypeError, InputShapeError, UnsupportedError
from ...numpy import (
    asarray,
    atleast_1d,
    atleast_2d,
    cov,
    exp,
    full,
    linalg,
    log,
    matmul,
    squeeze,
    sum,
)
from ...numpy.promotion import promote_dtypes
from ...tree_util import register_pytree_node_class
from .. import special
from ..linalg import cho_factor, cho_solve

__all__ = ["gaussian_kde"]


def _factor(bw_method, kde):
    """How wide a kernel is, in units of the samples' standard deviation."""
    d = kde.d
    if bw_method is None or (isinstance(bw_method, str) and bw_method == "scott"):
        return kde.neff ** (-1 / (d + 4))
    if isinstance(bw_method, str) and bw_method == "silverman":
        return (kde.neff * (d + 2) / 4) ** (-1 / (d + 4))
    if callable(bw_method):
        return bw_method(kde)
    if not isinstance(bw_method, str) and asarray(bw_method).ndim == 0:
        return bw_method
    raise ArgumentError(
        f"gaussian_kde: expected bw_method 'scott', 'silverman', a number or a function, got "
        f"{bw_method!r}"
    )


@register_pytree_node_class
@dataclasses.dataclass(frozen=True, init=False)
class gaussian_kde:
    """A density from samples, one normal distribution around each.

    Args:
      dataset: float[n] or float[d, n].
      bw_method: "scott" (default), "silverman", a number, or a function of the density: how wide
        the kernels are.
      weights: float[n], of any sum.
    Raises: InputShapeError for less than two samples, or other weights; DTypeError for complex
      samples; ArgumentError for another bw_method.

    >>> density = gaussian_kde(asarray([-1.0, 0.0, 1.0]))
    >>> round(float(density(asarray([0.0]))[0]), 3)
    0.318
    """

    neff: Any
    dataset: Any
    weights: Any
    covariance: Any
    inv_cov: Any

    def __init__(self, dataset, bw_method=None, weights=None):
        data = atleast_2d(asarray(dataset))
        if dtypes.is_complex(data.dtype):
            raise DTypeError(f"gaussian_kde: expected real samples, got {data.aval}; stack parts")
        if data.ndim != 2 or data.size < 2:
            raise InputShapeError(
                f"gaussian_kde: expected samples float[d, n], several of them, got {data.aval}"
            )
        n = data.shape[1]
        if weights is None:
            (data,) = promote_dtypes("gaussian_kde", data, inexact=True)
            weights = full(n, 1 / n, data.dtype)
        else:
            data, weights = promote_dtypes("gaussian_kde", data, asarray(weights), inexact=True)
            weights = atleast_1d(weights)
            if weights.shape != (n,):
                raise InputShapeError(
                    f"gaussian_kde: expected weights float[{n}], got {weights.aval}"
                )
            weights = weights / sum(weights)
        self._set("dataset", data)
        self._set("weights", weights)
        self._set("neff", 1 / sum(weights**2))
        factor = _factor(bw_method, self)
        spread = atleast_2d(cov(data, rowvar=True, bias=False, aweights=weights))
        self._set("covariance", spread * factor**2)
        self._set("inv_cov", linalg.inv(spread) / factor**2)

    def _set(self, name, value):
        object.__setattr__(self, name, value)

    def tree_flatten(self):
        """Its arrays."""
        return (self.neff, self.dataset, self.weights, self.covariance, self.inv_cov), None

    @classmethod
    def tree_unflatten(cls, aux_data, children):
        """From its arrays."""
        new = object.__new__(cls)
        names = [f.name for f in dataclasses.fields(cls)]
        for name, value in zip(names, children, strict=True):
            new._set(name, value)
        return new

    d = property(lambda self: self.dataset.shape[0], doc="Number of dimensions.")
    n = property(lambda self: self.dataset.shape[1], doc="Number of samples.")

    def evaluate(self, points):
        """The density at points float[d, m], or float[m] in one dimension: float[m]."""
        return exp(self.logpdf(points))

    __call__ = pdf = evaluate

    def logpdf(self, x):
        """Logarithm of the density at points float[d, m]: float[m]."""
        points = self._points(x)
        low = linalg.cholesky(self.inv_cov)
        whiten = lambda v: matmul(low.T, v)
        gaps = whiten(points)[:, :, None] - whiten(self.dataset)[:, None, :]
        scale = sum(log(linalg.diagonal(low))) - 0.5 * self.d * math.log(2 * math.pi)
        return special.logsumexp(scale - 0.5 * sum(gaps**2, 0), axis=1, b=self.weights)

    def integrate_gaussian(self, mean, cov):
        """Integral of the density times a normal density. mean: float[d]; cov: float[d, d]."""
        mean, cov = atleast_1d(squeeze(asarray(mean))), atleast_2d(asarray(cov))
        if mean.shape != (self.d,) or cov.shape != (self.d, self.d):
            raise InputShapeError(
                f"integrate_gaussian: expected mean float[{self.d}] and cov float[{self.d}, "
                f"{self.d}], got {mean.aval} and {cov.aval}"
            )
        return sum(self._overlaps(mean[:, None], self.covariance + cov) * self.weights)

    def integrate_box_1d(self, low, high):
        """Integral of a density of one dimension from low to high."""
        if self.d != 1 or asarray(low).ndim or asarray(high).ndim:
            raise InputShapeError(
                f"integrate_box_1d: expected one dimension and two numbers, got {self.d} "
                f"dimensions, {asarray(low).aval} and {asarray(high).aval}"
            )
        sigma = squeeze(self.covariance) ** 0.5
        below = lambda v: special.ndtr((v - self.dataset[0]) / sigma)
        return sum(self.weights * (below(high) - below(low)))

    def integrate_kde(self, other):
        """Integral of the product with another such density."""
        if other.d != self.d:
            raise InputShapeError(
                f"integrate_kde: expected a density of {self.d} dimensions, got {other.d}"
            )
        pairs = self._overlaps(other.dataset, self.covariance + other.covariance)
        return sum(pairs * self.weights * other.weights[:, None])

    def _overlaps(self, centres, covariance):
        """float[m, n]: normal densities of `covariance` at centres [d, m] less the samples."""
        gaps = (centres[:, :, None] - self.dataset[:, None, :]).reshape(self.d, -1)
        factor = cho_factor(covariance)
        size = 0.5 * sum(gaps * cho_solve(factor, gaps), 0)
        norm = sum(log(linalg.diagonal(factor[0]))) + 0.5 * self.d * math.log(2 * math.pi)
        return exp(-size - norm).reshape(-1, self.n)

    def resample(self, key, shape=()):
        """Samples of the density: float[d, *shape]."""
        which, noise = random.split(key)
        centre = random.choice(which, self.n, shape=shape, p=self.weights)
        kind = self.dataset.dtype
        zero = full(self.d, 0, self.covariance.dtype)
        moved = random.multivariate_normal(noise, zero, self.covariance, shape=shape, dtype=kind)
        return self.dataset[:, centre] + moved.T

    def integrate_box(self, low_bounds, high_bounds, maxpts=None):
        """Not there: refused."""
        raise UnsupportedError(
            f"integrate_box: expected integrate_box_1d, for one dimension, got bounds {low_bounds} "
            f"and {high_bounds}; use scipy.stats for more"
        )

    def set_bandwidth(self, bw_method=None):
        """Not there, since densities are immutable: refused."""
        raise UnsupportedError(
            f"set_bandwidth: expected a new gaussian_kde, since they are immutable, got "
            f"{bw_method!r}; pass bw_method to it"
        )

    def _points(self, x):
        points = atleast_2d(asarray(x))
        if dtypes.is_complex(points.dtype):
            raise DTypeError(f"gaussian_kde: expected real points, got {points.aval}; use .real")
        if points.shape[0] != self.d and points.shape == (1, self.d):
            points = points.reshape(self.d, 1)
        if points.shape[0] != self.d:
            raise InputShapeError(
                f"gaussian_kde: expected points float[{self.d}, m], got {points.aval}"
            )
        return points
