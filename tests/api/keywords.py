"""A call of every public function that has keywords, and values other than their defaults.

In: nothing.  Out: `CALLS`, by module: lines of a call, then of what to try for keywords whose
values in `VALUES` do not fit; `OTHERWISE`, where ftx does not do as JAX does.
The names in the lines are those of `ARGUMENTS`; functions called in them are NumPy's.
"""

import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 4)).astype(np.float32)
Y = RNG.normal(size=(4, 4)).astype(np.float32)
OTHER = object()

ARGUMENTS = {
    "np": np,
    "X": X,
    "Y": Y,
    "Z": (X + 1j * Y).astype(np.complex64),
    "S": X @ X.T + 4 * np.eye(4, dtype=np.float32),
    "G": np.where(X > 0.5, np.nan, X).astype(np.float32),
    "L": np.array([0.5, 1.0, 2.0, 4.0], np.float32),
    "I": np.array([3, 1, 2, 1], np.int32),
    "B": np.array([True, False, True, True]),
    "key": np.array([0, 7], np.uint32),
    "OTHER": OTHER,
}
"""S is positive definite, G has gaps, L rises, OTHER is nothing that any function knows."""

VALUES = {
    "axis": [0, -1],
    "dtype": [np.float16, np.complex64],
    "keepdims": [True],
    "where": [ARGUMENTS["B"]],
    "initial": [2.5],
    "out": [X],
    "out_sharding": [OTHER],
    "device": [OTHER],
    "precision": ["highest", "wat", ("default", "high")],
    "preferred_element_type": [np.float16, np.complex64],
    "promote_integers": [False],
    "ddof": [1],
    "correction": [1],
    "mean": [np.zeros((1, 1), np.float32)],
    "copy": [False],
    "order": ["F", "C"],
    "norm": ["ortho", "forward", "backward", "wat"],
    "stable": [False],
    "descending": [True],
    "kind": ["stable"],
    "method": ["lower", "higher", "nearest", "midpoint", "wat"],
    "overwrite_input": [True],
    "equal_nan": [True],
    "rtol": [0.5],
    "atol": [0.5],
    "n": [2, 6],
    "s": [(2, 3)],
    "axes": [(0, 1), (1,)],
    "k": [1, -1],
    "size": [3, 6],
    "fill_value": [7],
    "weights": [ARGUMENTS["L"]],
    "include_initial": [True],
    "optimize": ["greedy", False],
    "num": [2],
    "endpoint": [False],
    "increasing": [True],
    "x": [Y],
    "y": [Y],
    "shape": [(2, 3, 4), ()],
    "_dot_general": [OTHER],
}

_UFUNCS = """
add(X, Y)
bitwise_and(I, 2)
bitwise_or(I, 2)
bitwise_xor(I, 2)
logaddexp(X, Y)
logaddexp2(X, Y)
logical_and(X, Y)
logical_or(X, Y)
logical_xor(X, Y)
maximum(X, Y)
minimum(X, Y)
multiply(X, Y)
negative(X)
subtract(X, Y)
"""

_REDUCTIONS = """
all(X > 0) | axis=(0, 1)
amax(X) | axis=(0, 1)
amin(X) | axis=(0, 1)
any(X > 0) | axis=(0, 1)
argmax(X)
argmin(X)
average(X) | axis=(0, 1) | weights=X + 9 | returned=True
count_nonzero(X > 0) | axis=(0, 1)
cumprod(X)
cumsum(X)
cumulative_prod(L)
cumulative_sum(L)
max(X) | axis=(0, 1)
mean(X) | axis=(0, 1)
median(X) | axis=(0, 1)
min(X) | axis=(0, 1)
nanargmax(G)
nanargmin(G)
nancumprod(G)
nancumsum(G)
nanmax(G) | axis=(0, 1)
nanmean(G) | axis=(0, 1)
nanmedian(G) | axis=(0, 1)
nanmin(G) | axis=(0, 1)
nanpercentile(G, 30.0) | axis=(0, 1)
nanprod(G) | axis=(0, 1)
nanquantile(G, 0.3) | axis=(0, 1)
nanstd(G) | axis=(0, 1)
nansum(G) | axis=(0, 1)
nanvar(G) | axis=(0, 1)
percentile(X, 30.0) | axis=(0, 1)
prod(X) | axis=(0, 1)
prod(np.array([[1, 2], [3, 4]], np.int8)) | where=np.array([True, False])
ptp(X) | axis=(0, 1)
quantile(X, 0.3) | axis=(0, 1)
size(X)
std(X) | axis=(0, 1)
sum(X) | axis=(0, 1)
sum(np.array([[1, 2], [3, 4]], np.int8)) | where=np.array([True, False])
trapezoid(X) | dx=0.5
var(X) | axis=(0, 1)
"""

_CREATION = """
arange(7) | stop=9 | step=2 | dtype=np.float16 | dtype=np.int8
array([[1.0, 2.0]]) | ndmin=3
asarray(X)
astype(X, np.int32) | copy=True
copy(X)
diag(L)
diag_indices(3) | ndim=3
diagflat(L)
empty((2, 2), np.int32) | dtype=SKIP
empty_like(X) | dtype=SKIP | shape=SKIP
eye(3) | M=4
frombuffer(L.tobytes()) | dtype=np.int16 | count=2 | offset=4
fromfunction(lambda i, j: i * 10 + j, (2, 3)) | dtype=np.int32
fromstring('1 2 3', sep=' ') | dtype=np.int32 | count=2
full((2, 3), 3.0)
full_like(X, 3.0)
geomspace(1.0, 64.0) | num=4
identity(3)
indices((2, 3)) | sparse=True
linspace(1.0, 9.0) | num=4 | retstep=True
logspace(1.0, 3.0) | num=4 | base=2.0
mask_indices(3, np.triu) | size=SKIP
meshgrid(L, I) | sparse=True | indexing='ij'
ones((2, 3))
ones_like(X)
tri(3) | M=4
tril(X)
tril_indices(4) | m=3
tril_indices_from(X)
triu(X)
triu_indices(4) | m=3
triu_indices_from(X)
vander(L) | N=2
zeros((2, 3))
zeros_like(X)
"""

_SHAPES = """
append(X, Y)
array_split(X, 3)
broadcast_to(L, (2, 4))
compress(np.array([True, False, True]), X)
concat([X, Y])
concatenate([X, Y])
delete(X, 1) | assume_unique_indices=True
diagonal(X) | offset=1 | axis1=-1 | axis2=0
diff(X) | n=2 | prepend=0.0 | append=0.0
dstack([X, Y])
ediff1d(L) | to_end=9.0 | to_begin=9.0
fill_diagonal(X, 3.0, inplace=False) | wrap=True | inplace=True
flip(X)
gradient(X) | axis=0 | edge_order=1 | edge_order=2
hstack([X, Y])
insert(X, 1, 9.0)
pad(X, 1) | mode='edge' | mode='reflect' | mode='symmetric' | mode='wrap' | mode='wat'
pad(X, 1) | mode='maximum' | mode='minimum' | mode='mean' | mode='linear_ramp' | mode='median'
packbits(I > 1) | bitorder='little' | axis=0
place(X, X > 0, Y, inplace=False) | inplace=True
put(X, I, L, inplace=False) | mode='wrap' | mode='clip' | inplace=True
put_along_axis(X, I[None, :], 9.0, 0, inplace=False) | mode='clip' | inplace=True
ravel(X)
ravel_multi_index((I, I), (4, 4)) | mode='clip' | mode='wrap' | mode='raise' | dtype=np.int16
repeat(X, 2) | total_repeat_length=5
reshape(X, (2, 8)) | copy=True
roll(X, 1) | axis=(0, 1)
rollaxis(X, 1) | start=1
rot90(X) | axes=(1, 0)
split(X, 2)
squeeze(X[:1]) | axis=0
stack([X, Y])
take(X, I[1:]) | mode='clip' | mode='wrap' | mode='fill' | unique_indices=True
take(X, I[1:]) | indices_are_sorted=True
take(X, I + 20, axis=0, mode='fill') | fill_value=5.0
take_along_axis(X, I[None, :], axis=0) | mode='clip' | wrap_negative_indices=False
take_along_axis(X, I[:, None]) | axis=1 | wrap_negative_indices=False
trace(X) | offset=1 | axis1=-1 | axis2=0
transpose(X) | axes=(1, 0)
trim_zeros(np.array([0.0, 1.0, 0.0])) | trim='f' | trim='b' | axis=0
unpackbits(np.array([3, 9], np.uint8)) | bitorder='little' | count=5 | axis=0
unstack(X)
vstack([X, Y])
"""

_SEARCHING = """
argpartition(X, 1) | axis=SKIP
argsort(I) | kind=SKIP | dtype=np.int16 | order='f'
argwhere(X > 0)
bincount(I) | weights=L | minlength=7 | length=3
choose(I, [L, L, L, L]) | mode='wrap' | mode='clip' | axis=0
digitize(X, L) | right=True | method='sort' | method='wat'
extract(X > 0, Y)
flatnonzero(X > 0)
histogram(X) | bins=3 | bins=L | range=(0.0, 2.0) | weights=Y | density=True
histogram2d(L, L) | bins=3 | range=[(0.0, 2.0), (0.0, 3.0)] | weights=L | density=True
histogram_bin_edges(X) | bins=3 | range=(0.0, 2.0) | weights=Y
histogramdd(X) | bins=3 | range=[(0.0, 2.0)] * 4 | density=True
intersect1d(I, I + 1) | assume_unique=SKIP | return_indices=True
isin(X, L) | assume_unique=True | invert=True | method='sort' | method='compare_all' | method='wat'
lexsort((I, L)) | axis=0
nonzero(X > 0)
partition(X, 1) | axis=SKIP
searchsorted(L, X) | side='right' | sorter=I - 1 | method='sort' | method='wat'
select([X > 1, X > 0], [X, Y]) | default=9.0
setdiff1d(I, I + 1) | assume_unique=SKIP
setxor1d(I, I + 1) | assume_unique=SKIP
sort(I) | kind=SKIP | order='f'
union1d(I, I + 1)
unique(I) | return_index=True | return_inverse=True | return_counts=True | sorted=False
unique(np.array([[1, 2], [1, 2], [0, 9]])) | return_inverse=True | axis=0
unique_all(I)
unique_counts(I)
unique_inverse(I)
unique_values(I)
where(X > 0) | x=SKIP | y=SKIP
"""

_ARITHMETIC = """
allclose(X, X + 0.1)
angle(Z) | deg=True
around(X) | decimals=1 | decimals=-1
array_equal(G, G)
can_cast(np.int32, np.float32) | casting='no' | casting='unsafe'
clip(X) | min=0.0 | max=0.5 | arr=SKIP
convolve(L, L) | mode='same' | mode='valid' | mode='wat'
corrcoef(X) | rowvar=False | dtype=np.float16
correlate(L, L) | mode='same' | mode='full' | mode='wat'
cov(X) | rowvar=False | bias=True | fweights=I | aweights=L | dtype=np.float16
cross(X[:3, :3], Y[:3, :3]) | axisa=0 | axisb=0 | axisc=0
dot(X, Y)
einsum('ij,jk', X, Y)
inner(X, Y)
interp(X, L, L**2) | left=-7.0 | left='extrapolate' | right=9.0 | period=5.0
isclose(G, G + 0.1)
isneginf(X)
isposinf(X)
matmul(X, Y)
modf(X)
nan_to_num(G / 0.0) | nan=1.0 | posinf=2.0 | neginf=3.0
outer(L, L)
polyder(L) | m=2
polydiv(L, L[:2]) | trim_leading_zeros=True
polyfit(L, L**2, 1) | rcond=0.1 | full=True | w=L | cov=True | cov='unscaled'
polyint(L) | m=2 | k=3.0
polymul(L, L) | trim_leading_zeros=True
polyval(L, X) | unroll=2
roots(L) | strip_zeros=False
round(X) | decimals=1 | decimals=-1
tensordot(X, Y) | axes=1 | axes=((0,), (1,)) | axes=0
unwrap(X * 9) | discont=5.0 | period=2.0
vdot(X, Y)
vecdot(X, Y) | axis=0
"""

_LINALG = """
cholesky(S) | upper=True | symmetrize_input=False
cond(S) | p=1 | p='fro'
cross(X[:3, :3], Y[:3, :3])
diagonal(X) | offset=1
eigh(S) | UPLO='U' | symmetrize_input=False
eigvalsh(S) | UPLO='U' | symmetrize_input=False
lstsq(X, L) | rcond=0.5 | numpy_resid=True
matmul(X, Y)
matrix_norm(X) | ord=1 | ord='nuc' | ord=2
matrix_rank(S) | rtol=0.5 | tol=3.0 | hermitian=True
multi_dot([X, Y, X])
norm(X) | ord=1 | ord='nuc' | ord=2 | axis=(0, 1)
pinv(S) | rtol=0.5 | rcond=0.5 | hermitian=True
qr(S) | mode='r' | mode='complete' | mode='wat'
slogdet(S) | method='qr' | method='lu' | method='wat'
svd(S, compute_uv=False) | full_matrices=False | compute_uv=SKIP | hermitian=True
svd(S) | compute_uv=False | subset_by_index=(0, 2)
tensordot(X, Y) | axes=1
tensorinv(S.reshape(2, 2, 4)) | ind=2
tensorsolve(S, L) | axes=SKIP
trace(X) | offset=1
vecdot(X, Y) | axis=0
vector_norm(X) | ord=1 | ord=np.inf | axis=(0, 1)
"""

_FFT = """
fft(Z)
fft2(Z) | axes=(1, 0)
fftfreq(4) | d=0.5
fftn(Z)
fftshift(X) | axes=0
hfft(Z)
ifft(Z)
ifft2(Z) | axes=(1, 0)
ifftn(Z)
ifftshift(X) | axes=0
ihfft(X)
irfft(Z)
irfft2(Z) | axes=(1, 0)
irfftn(Z)
rfft(X)
rfft2(X) | axes=(1, 0)
rfftfreq(4) | d=0.5
rfftn(X)
"""

_RANDOM = """
PRNGKey(3) | impl='threefry2x32' | impl='wat'
ball(key, 3) | p=1.0
bernoulli(key) | p=L | mode='high' | mode='wat'
beta(key, 2.0, L)
binomial(key, 9, L / 5)
bits(key) | dtype=np.uint8
categorical(key, X) | axis=0 | shape=(3, 4) | replace=SKIP | mode='high' | mode='wat'
categorical(key, X, shape=(3, 4)) | replace=SKIP | axis=0 | mode=SKIP
categorical(key, X, shape=(2, 4)) | replace=False | axis=SKIP | mode=SKIP
cauchy(key)
chisquare(key, L)
choice(key, X) | replace=False | p=L / L.sum() | axis=1 | mode='high'
dirichlet(key, L) | shape=(2,)
double_sided_maxwell(key, 1.0, 2.0)
exponential(key)
f(key, 3.0, L)
gamma(key, L) | shape=(3, 4)
generalized_normal(key, 2.0)
geometric(key, 0.3) | dtype=np.int16
gumbel(key) | mode='high' | mode='wat'
laplace(key)
loggamma(key, L) | shape=(3, 4)
logistic(key)
lognormal(key) | sigma=L | shape=(3, 4)
maxwell(key)
multinomial(key, 9.0, L / L.sum()) | shape=(2, 4) | unroll=2
multivariate_normal(key, L, S) | shape=(3,) | method='svd' | method='eigh' | method='wat'
normal(key)
orthogonal(key, 3) | shape=(2,) | m=2
pareto(key, L) | shape=(3, 4)
permutation(key, X) | axis=1 | independent=True
poisson(key, L) | shape=(3, 4) | dtype=np.int16
rademacher(key) | dtype=np.int8
randint(key, (3,), 1, 9) | dtype=np.int16
rayleigh(key, L) | shape=(3, 4)
split(key) | num=3 | num=(2, 2)
t(key, L) | shape=(3, 4)
triangular(key, 0.0, 0.5, L) | shape=(3, 4)
truncated_normal(key, -1.0, L) | shape=(3, 4)
uniform(key) | minval=0.5 | maxval=0.5
wald(key, L) | shape=(3, 4)
weibull_min(key, 1.0, L) | shape=(3, 4)
wrap_key_data(key) | impl='wat'
"""

_NN = """
celu(X) | alpha=0.5
elu(X) | alpha=0.5
gelu(X) | approximate=False
glu(X) | axis=0
leaky_relu(X) | negative_slope=0.5
log_softmax(X) | axis=(0, 1)
logmeanexp(X) | axis=(0, 1)
logsumexp(X) | axis=(0, 1) | b=L | return_sign=True
one_hot(I, 4) | axis=0 | dtype=np.int8
softmax(X) | axis=(0, 1)
squareplus(X) | b=2.0
standardize(X) | axis=(0, 1) | mean=0.5 | variance=2.0 | epsilon=0.5
standardize(X) | algorithm='fast' | algorithm='stable' | algorithm='wat'
"""

_SPECIAL = """
comb(I + 3, I) | repetition=True
factorial(I) | exact=True
log_ndtr(X) | series_order=5
log_softmax(X) | axis=(0, 1)
logsumexp(X) | axis=(0, 1) | b=L | return_sign=True
softmax(X) | axis=(0, 1)
"""

CALLS = {
    "numpy": _UFUNCS + _REDUCTIONS + _CREATION + _SHAPES + _SEARCHING + _ARITHMETIC,
    "numpy.linalg": _LINALG,
    "numpy.fft": _FFT,
    "random": _RANDOM,
    "nn": _NN,
    "scipy.special": _SPECIAL,
}

_NARROW = "ftx converts what JAX refuses to narrow"
_LINES = "arrays are row-major, so order 'C' is what they have; JAX refuses it"

OTHERWISE = {
    "numpy.array order": _LINES,
    "numpy.asarray order": _LINES,
    "numpy.copy order": _LINES,
    "numpy.gradient edge_order": "1 is what is computed; JAX refuses the argument",
    "numpy.compress size": "more than there are elements is filled up; JAX refuses it",
    "numpy.interp period": "as NumPy; JAX 0.10.2 gives other values",
    "numpy.interp right": "as NumPy; JAX 0.10.2 gives other values inside the range",
    "numpy.linalg.matrix_rank rtol": "as NumPy; JAX 0.10.2 takes it for an absolute tolerance",
    "random.f shape": "JAX 0.10.2 fails if the shape has more axes than the parameters",
    "random.beta dtype": _NARROW,
    "random.chisquare dtype": _NARROW,
    "random.f dtype": _NARROW,
    "random.t dtype": _NARROW,
    "random.lognormal dtype": _NARROW,
    "random.pareto dtype": _NARROW,
    "random.rayleigh dtype": _NARROW,
    "random.triangular dtype": _NARROW,
    "random.wald dtype": _NARROW,
    "random.orthogonal dtype": "float16 is computed in float32; JAX lacks it",
}
"""Where the results differ, or one of the two refuses, and why."""

UNTRIED = {
    "nn.dot_product_attention": "every option is compared with JAX in tests/nn/test_attention.py",
    "random.key_dtype": "of one kind of key; tested in tests/random",
    "numpy.array_repr": "text: JAX shows its own class; its example runs",
    "numpy.array_str": "text; its example runs",
    "numpy.array args": "JAX's catcher of deprecated arguments",
    "numpy.clip arr": "an operand",
    "numpy.einsum_path": "the path is opt_einsum's; its example runs",
    "numpy.empty dtype": "values are whatever was in memory",
    "numpy.empty_like": "values are whatever was in memory",
    "numpy.from_dlpack": "tested in tests/array_api",
    "numpy.frompyfunc": "tested in tests/numpy/test_ufuncs.py",
    "numpy.mask_indices size": "pads with what JAX's nonzero does; the same test as nonzero",
    "numpy.argpartition axis": "any order of the parts is right; tested by property",
    "numpy.partition axis": "any order of the parts is right; tested by property",
    "numpy.sort kind": "names of algorithms that JAX refuses or ignores",
    "numpy.argsort kind": "names of algorithms that JAX refuses or ignores",
    "numpy.intersect1d assume_unique": "a promise that the example does not keep",
    "numpy.setdiff1d assume_unique": "a promise that the example does not keep",
    "numpy.setxor1d assume_unique": "a promise that the example does not keep",
    "numpy.save": "writes files; tested in tests/numpy/test_creation.py",
    "numpy.savez": "writes files; tested in tests/numpy/test_creation.py",
    "numpy.vectorize": "takes a function; tested in tests/numpy/test_shapes.py",
    "numpy.where x": "an operand",
    "numpy.where y": "an operand",
    "numpy.linalg.tensorsolve axes": "its operand has other axes than the example",
    "random.key": "typed keys do not exist here: they are uint32 arrays",
    "scipy.special.bessel_jn": "a recurrence in JAX; compared with SciPy",
    "scipy.special.zeta": "an operand",
}
"""Functions and keywords that no line tries, and why."""
