# SPDX-License-Identifier: BSD-3-Clause
"""The pass over rows against sums that are written out, in every container and way of summing."""

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

from skdist.kernels import gram_sums, linear_pass, row_blocks
from skdist.kernels.compiling import read_only
from skdist.losses import Logistic, Multinomial, Poisson
from skdist.summaries import LossGradientHessian

N, D = 900, 6  # several dense blocks, once these are made small
RNG = np.random.default_rng(0)
X = (RNG.normal(size=(N, D)) * (RNG.random((N, D)) < 0.4)).astype(np.float32).astype(float)
X_EMPTY = X * (RNG.random((N, D)) < 0.05)
WEIGHT = RNG.random(N)
CONTAINERS = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "column-major": np.asfortranarray,
    "csr": csr_array,
    "csr matrix, float32": lambda X: csr_matrix(X.astype(np.float32)),
}
LOSSES = {"logistic": Logistic(), "poisson": Poisson(), "two": Multinomial(2), "7": Multinomial(7)}

every_container = pytest.mark.parametrize("container", CONTAINERS)
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
constants = pytest.mark.parametrize("constant", [0.0, 1.0, 2.5])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that a few rows are many blocks, the last one not full."""
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 0)
    monkeypatch.setattr(row_blocks, "FEWEST_ROWS", 256)
    monkeypatch.setattr(row_blocks, "SPARSE_BLOCK_ROWS", 400)


def targets(loss):
    return RNG.integers(0, max(loss.n_outputs, 2), N).astype(float)


def parameters(loss, constant, seed=1):
    p = D + (constant != 0.0)
    return 0.5 * np.random.default_rng(seed).normal(size=(loss.n_outputs, p))


def written_out(X, y, weight, loss, w, constant):
    """F, its gradient (K, p) and its Hessian (K p, K p), by sums over rows."""
    s = np.ones(len(y)) if weight is None else weight
    B = np.column_stack([X, np.full(len(X), constant)]) if constant else X
    z = w @ B.T
    value, g, c = loss.value_gradient_curvature(y, z if len(w) > 1 else z[0])
    if len(w) == 1:
        return s @ value, (s * g) @ B[None], B.T @ (B * (s * c)[:, None])
    pairs = np.triu_indices(len(w), 1)
    blocks = np.zeros((len(y), len(w), len(w)))
    for c_g, k, m in zip(c, *pairs, strict=True):
        e = np.eye(len(w))[k] - np.eye(len(w))[m]
        blocks += c_g[:, None, None] * np.outer(e, e)
    hessian = np.einsum("i,ikm,ia,ib->kamb", s, blocks, B, B, optimize=True)
    return s @ value, (s * g) @ B, hessian.reshape(w.size, w.size)


@every_container
@every_loss
@constants
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_value_gradient_and_hessian_are_the_sums_over_rows(container, loss, constant, weight):
    y, w = targets(loss), parameters(loss, constant)
    given = CONTAINERS[container](X)
    value, gradient, hessian = written_out(X, y, weight, loss, w, constant)
    sums = LossGradientHessian(
        *linear_pass.loss_gradient_grams(given, y, weight, loss, w, constant)
    )
    np.testing.assert_allclose(sums.loss, value, rtol=1e-12)
    np.testing.assert_allclose(sums.gradient, gradient.reshape(w.shape), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(sums.hessian, hessian, rtol=1e-9, atol=1e-9)
    value, gradient = linear_pass.loss_gradient(given, y, weight, loss, w, constant)
    np.testing.assert_allclose(value, sums.loss, rtol=1e-12)
    np.testing.assert_allclose(gradient, sums.gradient, rtol=1e-9, atol=1e-9)


@every_container
@every_loss
@constants
def test_products_in_float32_change_the_hessian_alone_and_little(container, loss, constant):
    y, w, given = targets(loss), parameters(loss, constant), CONTAINERS[container](X)
    exact = linear_pass.loss_gradient_grams(given, y, WEIGHT, loss, w, constant)
    rough = linear_pass.loss_gradient_grams(given, y, WEIGHT, loss, w, constant, np.float32)
    assert rough[0] == exact[0] and rough[2].dtype == np.float64
    np.testing.assert_array_equal(rough[1], exact[1])
    size = np.abs(exact[2]).max()
    np.testing.assert_allclose(rough[2], exact[2], atol=1e-6 * size)
    assert np.abs(rough[2] - exact[2]).max() > 1e-12 * size


@every_loss
def test_where_float32_overflows_products_are_float64(loss):
    y, w, unit = targets(loss), 1e-25 * parameters(loss, 0.0), np.array([1.0] * (D - 1) + [1e25])
    exact = linear_pass.loss_gradient_grams(X * unit, y, WEIGHT, loss, w, 0.0)
    rough = linear_pass.loss_gradient_grams(X * unit, y, WEIGHT, loss, w, 0.0, np.float32)
    np.testing.assert_array_equal(rough[2], exact[2])


@every_container
@every_loss
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_products_and_diagonals_are_those_of_the_hessian(container, loss, weight):
    y, w, v = targets(loss), parameters(loss, 1.0), parameters(loss, 1.0, seed=2)
    given = CONTAINERS[container](X)
    hessian = written_out(X, y, weight, loss, w, 1.0)[2]
    product = linear_pass.curvature_product(given, y, weight, loss, w, 1.0, v)
    diagonal = linear_pass.curvature_diagonal(given, y, weight, loss, w, 1.0)
    np.testing.assert_allclose(product.ravel(), hessian @ v.ravel(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(diagonal.ravel(), np.diag(hessian), rtol=1e-9)


@every_container
@every_loss
def test_losses_along_a_step(container, loss):
    y, w, v = targets(loss), parameters(loss, 1.0), parameters(loss, 1.0, seed=2)
    lengths = np.array([0.0, 0.5, 2.0])
    found = linear_pass.losses_along(CONTAINERS[container](X), y, WEIGHT, loss, w, 1.0, v, lengths)
    expected = [written_out(X, y, WEIGHT, loss, w + t * v, 1.0)[0] for t in lengths]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@every_loss
def test_a_ladder_that_overflows_says_inf_or_nan_and_warns_nobody(loss):
    y, w = targets(loss), parameters(loss, 1.0)
    values = linear_pass.losses_along(X, y, None, loss, w, 1.0, 1e300 * w, np.array([1.0, 1e10]))
    assert not np.isfinite(values[1])


@pytest.mark.parametrize("container", ["float64", "csr"])
@every_loss
def test_no_rows_add_nothing(container, loss):
    nothing, w = CONTAINERS[container](X[:0]), parameters(loss, 1.0)
    value, gradient, grams = linear_pass.loss_gradient_grams(
        nothing, np.zeros(0), None, loss, w, 1.0
    )
    assert value == 0.0 and not gradient.any() and not grams.any()
    assert gradient.shape == w.shape
    assert linear_pass.curvature_product(nothing, np.zeros(0), None, loss, w, 1.0, w).any() == 0


@pytest.mark.parametrize("container", ["float64", "float32"])
def test_rows_are_never_written_to(container):
    loss = Multinomial(3)
    given = CONTAINERS[container](X)
    y, s, w = (read_only(a.copy()) for a in (targets(loss), WEIGHT, parameters(loss, 1.0)))
    linear_pass.loss_gradient_grams(read_only(given), y, s, loss, w, 1.0)
    linear_pass.curvature_product(read_only(given), y, s, loss, w, 1.0, w)


@pytest.mark.parametrize("n_grams", [1, 3, 15])
@constants
def test_three_ways_to_sum_grams_agree(n_grams, constant):
    p = D + (constant != 0.0)
    weights = RNG.random((n_grams, N))
    B = np.column_stack([X_EMPTY, np.full(N, constant)]) if constant else X_EMPTY
    upper = np.triu_indices(p)
    expected = np.array([(B.T @ (B * c[:, None]))[upper] for c in weights])
    for way in (gram_sums.GramByGram, gram_sums.GramsAtOnce, gram_sums.SparseGrams):
        sums, given = way(n_grams, p), csr_array(X_EMPTY)
        nothing = np.zeros(N)
        for rows, _, c in row_blocks.row_blocks(
            given, nothing, weights.T, constant, dense=way.dense
        ):
            sums.add(rows, c.T.copy())
        np.testing.assert_allclose(sums.triangles(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("X", "n_grams", "way"),
    [
        (X, 1, gram_sums.GramByGram),
        (X, 28, gram_sums.GramsAtOnce),
        (csr_array(X), 1, gram_sums.GramByGram),
        (csr_array(X_EMPTY), 1, gram_sums.SparseGrams),
    ],
)
def test_how_grams_are_summed(X, n_grams, way):
    assert type(gram_sums.gram_sums(X, n_grams, D)) is way


def test_blocks_are_as_large_as_the_cache_allows(monkeypatch):
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 2**14)
    monkeypatch.setattr(row_blocks, "FEWEST_ROWS", 10)
    sizes = [len(rows.rows) for rows, _, _ in row_blocks.row_blocks(X, X[:, 0], None, 1.0)]
    assert set(sizes[:-1]) == {2**14 // (8 * D)} and sum(sizes) == N
