"""ftx.scipy.integrate: integrals of samples.

Must not know: functions; differential equations are in `ftx.experimental.ode`.
"""

from ..numpy.statistics import trapezoid as _trapezoid

__all__ = ["trapezoid"]


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral of samples along an axis, by trapezia.

    Args:
      y: number[..., n, ...].
      x: float[n] or of the shape of y: where the samples were taken; by default `dx` apart.
      dx: float, the distance of samples without x.
      axis: the axis of the samples.
    Returns: float[...] without the axis.

    >>> from ftx.numpy import asarray
    >>> float(trapezoid(asarray([0.0, 1.0, 4.0]), dx=0.5))
    1.5
    """
    return _trapezoid(y, x, dx, axis)
