# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's names of the criteria that the binned kernel knows."""

# The numbers are those of skdist.kernels.node_split, which is not imported here: that would load
# numba for forests too small to need it.
GINI, ENTROPY, SQUARED_ERROR, POISSON = 0, 1, 2, 3
CRITERIA = {
    "gini": GINI,
    "entropy": ENTROPY,
    "log_loss": ENTROPY,
    "squared_error": SQUARED_ERROR,
    "friedman_mse": SQUARED_ERROR,  # scikit-learn maps it to squared_error too
    "poisson": POISSON,
}
