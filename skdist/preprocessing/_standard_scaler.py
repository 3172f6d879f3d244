# SPDX-License-Identifier: BSD-3-Clause
"""Columns of mean 0 and variance 1."""

from __future__ import annotations

from sklearn.preprocessing import StandardScaler

from skdist._estimator import SHARDING
from skdist.preprocessing._scaling import ScaledByMoments


class DistributedStandardScaler(ScaledByMoments, StandardScaler):
    """Standardise columns, their moments being added up over cores or a cluster.

    Of each column, over the rows in which it has a value, with weights w_i that are 1 by default::

        z = (x - m) / s        m = sum_i w_i x_i / W,    s^2 = sum_i w_i (x_i - m)^2 / W

    Shards send W, m and the sum of squares q about m. Of two shards a and b::

        m = m_a + (W_b / W) (m_b - m_a),    q = q_a + q_b + (W_a W_b / W) (m_b - m_a)^2

    where each mean is kept as a sum of two numbers, so that no digits are lost however large it is.
    That is :class:`sklearn.preprocessing.StandardScaler`, of which this is a subclass: the same
    parameters and fitted attributes, equal but for rounding.

    Parameters
    ----------
    copy : bool, default=True
        Whether `transform` leaves its X in memory unchanged.
    with_mean : bool, default=True
        Whether to centre. Sparse rows cannot be.
    with_std : bool, default=True
        Whether to scale.
    n_shards : int, default=None
        Pieces that the rows are cut into; they change nothing. None is scikit-learn's own fit for
        up to 262,144 values, else one per 16,384 rows, at most 64. For a Dask collection, whose
        partitions are the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    scale_ : ndarray of shape (n_features,) or None
        s, and 1 for columns that are constant.
    mean_ : ndarray of shape (n_features,) or None
    var_ : ndarray of shape (n_features,) or None
    n_samples_seen_ : float or ndarray of shape (n_features,)
        W, one number where it is the same for all columns.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method`, `strategy` ("local" for scikit-learn's own fit), `rounds`,
        `bytes_down`, `bytes_up`, `seconds` per phase.

    See Also
    --------
    DistributedMinMaxScaler : By the range of columns.
    skdist.merge : One scaler out of several, scikit-learn's too, fitted apart.

    Notes
    -----
    One round, in which a shard sends 32 bytes per column.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for
       computing sample variances", Stanford University, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist import DistributedStandardScaler
    >>> X = np.array([[0.0, 1e9], [0.0, 1e9 + 1], [1.0, 1e9 + 2], [1.0, np.nan]])
    >>> scaler = DistributedStandardScaler(n_shards=2).fit(X)
    >>> scaler.mean_, scaler.n_samples_seen_
    (array([5.e-01, 1.e+09]), array([4., 3.]))
    >>> scaler.transform(X)[:3, 0]
    array([-1., -1.,  1.])
    """

    _parameter_constraints = {**StandardScaler._parameter_constraints, **SHARDING}

    def __init__(self, *, copy=True, with_mean=True, with_std=True, n_shards=None, n_jobs=None):
        super().__init__(copy=copy, with_mean=with_mean, with_std=with_std)
        self.n_shards = n_shards
        self.n_jobs = n_jobs
