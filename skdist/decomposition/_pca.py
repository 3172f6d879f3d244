# SPDX-License-Identifier: BSD-3-Clause
"""Principal components."""

from __future__ import annotations

from sklearn.decomposition import PCA

from skdist._estimator import SHARDING
from skdist.decomposition._merged_axes import AxesBySums


class DistributedPCA(AxesBySums, PCA):
    """Principal components, of sums of products that are added up over cores or a cluster.

    The components are the eigenvectors v of the covariance, in the order of its eigenvalues::

        C v = lambda v,    C = sum_i (x_i - m)(x_i - m)' / (n - 1),    z = V' (x - m)

    Of shards a and b with the step u = m_b - m_a between their means, ::

        sum (x - m)(x - m)' = sum_a + sum_b + (n_a n_b / n) u u'

    That is :class:`sklearn.decomposition.PCA`, of which this is a subclass: the same parameters and
    fitted attributes. What differs: rows are centred before they are multiplied, not after, so that
    no digits are lost where means are large.

    Parameters
    ----------
    n_components : int, float or "mle", default=None
        Components to keep; of a float below 1 as many as explain that share of the variance; "mle"
        is Minka's choice, from the spectrum. None keeps min(n_samples, n_features).
    copy : bool, default=True
        Only scikit-learn's own fit may change X, and only with False.
    whiten : bool, default=False
        Whether `transform` divides by the standard deviations along the components.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        - "covariance_eigh": as above.
        - "full": singular values of the rows. In memory scikit-learn's own fit. Of a Dask
          collection, and in `fit_shard`, those of the merged triangular factor R, for which
          ``R'R = (n - 1) C``; nothing is squared, so that small variances keep their digits.
        - "arpack", "randomized": scikit-learn's own fit; a Dask collection is refused.
        - "auto": in memory what scikit-learn's chooses: the covariance for up to 1,000 features and
          10 rows for each. Of a Dask collection, and in `fit_shard`, the covariance.
    tol, iterated_power, n_oversamples, power_iteration_normalizer, random_state
        For "arpack" and "randomized", as scikit-learn's own fit takes them.
    n_shards : int, default=None
        Pieces that the rows are cut into; they change nothing. None is scikit-learn's own fit for
        up to 262,144 values, else one per 16,384 rows, at most 64. For a Dask collection, whose
        partitions are the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        float32 where X is; sums are float64 in either case.
    explained_variance_, explained_variance_ratio_, singular_values_ : ndarray of shape \
            (n_components,)
    mean_ : ndarray of shape (n_features,)
    n_components_ : int
    n_samples_ : int
    noise_variance_ : float
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method`, `strategy`, `rounds`, `bytes_up`, `seconds` per phase.

    See Also
    --------
    skdist.merge : One PCA out of several of `fit_shard`.

    Notes
    -----
    One round: n d^2 flops, and 8 d^2 bytes up per shard ("full": 2 n d^2 flops). The eigenvectors
    take 9 d^3 flops in the driver.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedPCA
    >>> X, _ = load_iris(return_X_y=True)
    >>> pca = DistributedPCA(2, n_shards=3).fit(X)
    >>> pca.explained_variance_ratio_.round(3)
    array([0.925, 0.053])
    """

    _parameter_constraints = {**PCA._parameter_constraints, **SHARDING}

    def __init__(
        self,
        n_components=None,
        *,
        copy=True,
        whiten=False,
        svd_solver="auto",
        tol=0.0,
        iterated_power="auto",
        n_oversamples=10,
        power_iteration_normalizer="auto",
        random_state=None,
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            n_components,
            copy=copy,
            whiten=whiten,
            svd_solver=svd_solver,
            tol=tol,
            iterated_power=iterated_power,
            n_oversamples=n_oversamples,
            power_iteration_normalizer=power_iteration_normalizer,
            random_state=random_state,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs
