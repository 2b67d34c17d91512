"""ftx.scipy's signal, fft, ndimage and integrate: SciPy is the oracle."""

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import scipy.signal

import ftx
from ftx.core.errors import ArgumentError, DTypeError, InputShapeError, ShapeError, UnsupportedError
from ftx.scipy import fft, integrate, ndimage, signal
from ftx.test_util import check_grads

R = np.random.RandomState(0)
REAL = R.randn
COMPLEX = lambda *s: R.randn(*s) + 1j * R.randn(*s)


def close(found, wanted, tolerance=1e-9):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


SHAPES = [((7,), (3,)), ((3,), (8,)), ((6, 5), (3, 2)), ((3, 2), (6, 5)), ((5, 4, 3), (2, 3, 2))]
FLAT = {"convolve": [{}, {"method": "fft"}], "correlate": [{}, {"method": "fft"}]}
FLAT["fftconvolve"] = [{}]
MATRIX = [{}, {"boundary": "wrap"}, {"boundary": "symm"}, {"fillvalue": 1.5}]


@pytest.mark.parametrize("draw", [REAL, COMPLEX], ids=["real", "complex"])
@pytest.mark.parametrize(("left", "right"), SHAPES)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolutions(draw, left, right, mode):
    a, b = draw(*left), draw(*right)
    names = FLAT | ({"convolve2d": MATRIX, "correlate2d": MATRIX} if len(left) == 2 else {})
    for name, cases in names.items():
        for options in cases:
            run = lambda a, b: getattr(signal, name)(a, b, mode, **options)  # noqa: B023
            wanted = getattr(scipy.signal, name)(a, b, mode, **options)
            close(run(a, b), wanted)
            if not options:
                close(ftx.jit(run)(a, b), wanted)
                close(ftx.vmap(run, (0, None))(np.stack([a, 2 * a]), b), [wanted, 2 * wanted])


def test_convolutions_have_gradients_and_axes():
    a, b = REAL(5, 4), REAL(2, 3)
    for name in (*FLAT, "convolve2d", "correlate2d"):
        check_grads(lambda a, b: getattr(signal, name)(a, b, "same"), (a, b), 2)  # noqa: B023
    check_grads(lambda a, b: signal.convolve2d(a, b, "full", "symm"), (a, b), 1)
    c, d = REAL(3, 6, 5), REAL(3, 4, 1)
    for mode in ("full", "same", "valid"):
        close(
            signal.fftconvolve(c, d, mode, axes=[1]),
            scipy.signal.fftconvolve(c, d, mode, axes=[1]),
        )


@pytest.mark.parametrize("kind", ["linear", "constant"])
@pytest.mark.parametrize("places", [0, [10, 30]])
def test_trends(kind, places):
    x = REAL(2, 50, 3)
    close(signal.detrend(x, 1, kind, places), scipy.signal.detrend(x, 1, kind, places))
    check_grads(lambda x: signal.detrend(x, 0, kind, 2), (REAL(7),), 1)


SEGMENTS = [
    {"nperseg": 32},
    {"nperseg": 16, "noverlap": 5},
    {"nperseg": 15, "nfft": 20, "window": "hamming", "detrend": "linear", "fs": 10.0},
    {"nperseg": 16, "return_onesided": False},
    {"window": np.hanning(12), "nperseg": 12},
]


@pytest.mark.parametrize("options", SEGMENTS)
@pytest.mark.parametrize(("shape", "axis"), [((70,), -1), ((3, 64), -1), ((64, 2), 0)])
@pytest.mark.parametrize("draw", [REAL, COMPLEX], ids=["real", "complex"])
@pytest.mark.filterwarnings("ignore:Input data is complex", "ignore:stft", "ignore:csd")
@pytest.mark.filterwarnings("ignore::ftx.core.errors.FtxWarning")
def test_spectra(options, shape, axis, draw):
    x, y = draw(*shape), draw(*shape)
    for boundary in ("zeros", "even", "odd", "constant", None):
        given = {"axis": axis, "boundary": boundary, **options}
        for a, b in zip(signal.stft(x, **given), scipy.signal.stft(x, **given), strict=True):
            close(a, b, 1e-6)
    for average in ("mean", "median"):
        for scaling in ("density", "spectrum"):
            given = {"axis": axis, "average": average, "scaling": scaling, **options}
            for a, b in zip(
                (*signal.csd(x, y, **given), *signal.welch(x, **given)),
                (*scipy.signal.csd(x, y, **given), *scipy.signal.welch(x, **given)),
                strict=True,
            ):
                close(a, b, 1e-6)


@pytest.mark.parametrize("options", [SEGMENTS[i] for i in (0, 1, 4)])
@pytest.mark.parametrize(("shape", "axis"), [((70,), -1), ((3, 64), -1), ((64, 2), 0)])
def test_stft_and_back(options, shape, axis):
    z = scipy.signal.stft(REAL(*shape), axis=axis, **options)[2]
    given = {"time_axis": -1, "freq_axis": axis % len(shape), **options}
    run = lambda z: signal.istft(z, **given)[1]
    close(run(z), scipy.signal.istft(z, **given)[1])
    close(ftx.jit(run)(z), run(z))
    assert signal.istft(z, **given)[0].shape == (run(z).shape[-1],)


def test_spectra_have_gradients_and_batches():
    x, y = REAL(20), REAL(20)
    check_grads(lambda x: signal.istft(signal.stft(x, nperseg=8)[2], nperseg=8)[1], (x,), 1)
    check_grads(lambda x, y: signal.csd(x, y, nperseg=8)[1], (x, y), 2)
    rows = REAL(3, 20)
    found = ftx.jit(ftx.vmap(lambda v: signal.welch(v, nperseg=8)[1]))(rows)
    close(found, scipy.signal.welch(rows, nperseg=8)[1])


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("norm", [None, "ortho"])
def test_cosine_transforms(n, norm):
    x = REAL(3, n)
    for name in ("dct", "idct"):
        ours, theirs = getattr(fft, name), getattr(scipy.fft, name)
        close(ours(x, norm=norm), theirs(x, norm=norm))
        close(
            ftx.jit(lambda x, f=ours: f(x, n=6, axis=0, norm=norm))(x),
            theirs(x, n=6, axis=0, norm=norm),
        )
    for name in ("dctn", "idctn"):
        ours, theirs = getattr(fft, name), getattr(scipy.fft, name)
        close(ours(x, norm=norm), theirs(x, norm=norm))
        close(ours(x, s=(4, 3), norm=norm), theirs(x, s=(4, 3), norm=norm))
        close(ours(x, axes=[-1], norm=norm), theirs(x, axes=[-1], norm=norm))
    z = COMPLEX(3, n)
    close(
        fft.dct(z, norm=norm),
        scipy.fft.dct(z.real, norm=norm) + 1j * scipy.fft.dct(z.imag, norm=norm),
    )
    check_grads(lambda x: fft.dctn(x, norm=norm) * fft.idctn(x, norm=norm), (x,), 2)


@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
@pytest.mark.parametrize("order", [0, 1])
def test_map_coordinates(mode, order):
    image, places = REAL(5, 6), [R.uniform(-3, 9, (4, 5)), R.uniform(-3, 9, (4, 5))]
    theirs = {"constant": "grid-constant", "wrap": "grid-wrap"}.get(mode, mode)
    wanted = scipy.ndimage.map_coordinates(image, places, order=order, mode=theirs, cval=0.3)
    run = lambda x, *c: ndimage.map_coordinates(x, c, order, mode, 0.3)
    close(run(image, *places), wanted)
    close(ftx.jit(run)(image, *places), wanted)
    close(ftx.vmap(run, (None, 0, 0))(image, *places), wanted)
    check_grads(run, (image, *places), 1)
    whole = np.arange(6).reshape(2, 3)
    assert run(whole, np.array([0.4]), np.array([1.6])).dtype == whole.dtype


def test_trapezoid():
    y, x = REAL(3, 5), np.sort(REAL(5))
    close(integrate.trapezoid(y, x), np.trapezoid(y, x))
    close(integrate.trapezoid(y, dx=0.5, axis=0), np.trapezoid(y, dx=0.5, axis=0))
    check_grads(integrate.trapezoid, (y, x), 2)


REFUSED = [
    (lambda: signal.convolve(REAL(3), REAL(2), "wat"), ArgumentError, "mode"),
    (lambda: signal.convolve(REAL(3), REAL(2), method="wat"), ArgumentError, "method"),
    (lambda: signal.convolve(REAL(3), REAL(2, 2)), InputShapeError, "equal rank"),
    (lambda: signal.convolve(REAL(3), REAL(0)), InputShapeError, "expected elements"),
    (lambda: signal.convolve(REAL(3, 2), REAL(2, 3), "valid"), InputShapeError, "larger"),
    (lambda: signal.fftconvolve(REAL(3, 2), REAL(2, 3), axes=[0]), InputShapeError, "broadcast"),
    (lambda: signal.convolve2d(REAL(3), REAL(2)), InputShapeError, "matrices"),
    (lambda: signal.convolve2d(REAL(3, 3), REAL(2, 2), boundary="x"), ArgumentError, "boundary"),
    (lambda: signal.detrend(REAL(3), type="x"), ArgumentError, "type"),
    (lambda: signal.detrend(REAL(3), bp=9), ArgumentError, "places"),
    (lambda: signal.detrend(REAL(3), overwrite_data=True), UnsupportedError, "overwrite_data"),
    (lambda: signal.stft(REAL(9), nperseg=4, noverlap=4), ArgumentError, "noverlap"),
    (lambda: signal.stft(REAL(9), nperseg=4, boundary="x"), ArgumentError, "boundary"),
    (lambda: signal.stft(REAL(9), REAL(4), REAL(3), 4), InputShapeError, "window"),
    (lambda: signal.welch(REAL(9), nperseg=4, scaling="x"), ArgumentError, "scaling"),
    (lambda: signal.welch(REAL(9), nperseg=4, average="x"), ArgumentError, "average"),
    (lambda: signal.istft(REAL(9)), InputShapeError, "two axes"),
    (lambda: signal.istft(REAL(5, 5), freq_axis=-1), ArgumentError, "two axes"),
    (lambda: fft.dct(REAL(3), 1), UnsupportedError, "type 2"),
    (lambda: fft.dct(REAL(3), norm="forward"), ArgumentError, "norm"),
    (lambda: fft.dct(REAL(3), n=0), ArgumentError, "length"),
    (lambda: fft.dctn(REAL(3, 3), axes=[0, 0]), ArgumentError, "distinct"),
    (lambda: fft.dctn(REAL(3, 3), s=[2], axes=[0, 1]), ArgumentError, "one length"),
    (lambda: ndimage.map_coordinates(REAL(3, 3), [REAL(2)], 1), ShapeError, "2 coordinates"),
    (lambda: ndimage.map_coordinates(REAL(3), [REAL(2)], 3), UnsupportedError, "order 0 or 1"),
    (lambda: ndimage.map_coordinates(REAL(3), [REAL(2)], 1, "x"), ArgumentError, "mode"),
    (lambda: ndimage.map_coordinates(REAL(3), [COMPLEX(2)], 1), DTypeError, "real"),
]


@pytest.mark.parametrize(("call", "error", "match"), REFUSED)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_segments_longer_than_the_signal_are_said():
    with pytest.warns(ftx.core.errors.FtxWarning, match="nperseg of at most 9"):
        assert signal.stft(REAL(9), nperseg=20)[0].shape == (5,)
