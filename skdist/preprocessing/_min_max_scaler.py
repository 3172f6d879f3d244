# SPDX-License-Identifier: BSD-3-Clause
"""Columns scaled to a range."""

from __future__ import annotations

from scipy.sparse import issparse
from sklearn.preprocessing import MinMaxScaler

from skdist._estimator import SHARDING
from skdist._rows import Intake
from skdist.preprocessing._scaling import ScaledByRanges
from skdist.summaries import ColumnRanges


class DistributedMinMaxScaler(ScaledByRanges, MinMaxScaler):
    """Scale columns to a range, their ranges being found over cores or a cluster.

    Of each column, with the least and the greatest of its values over all rows::

        z = a + (b - a) (x - low) / (high - low)        [a, b]: feature_range

    and ``low = min(low_a, low_b)`` of two shards is exact. That is
    :class:`sklearn.preprocessing.MinMaxScaler`, of which this is a subclass: the same parameters
    and, to the bit, the same fitted attributes.

    Parameters
    ----------
    feature_range : tuple (a, b), default=(0, 1)
        Range to scale to, ``a < b``.
    copy : bool, default=True
        Whether `transform` leaves its X in memory unchanged.
    clip : bool, default=False
        Whether `transform` clips to the range what lies outside it.
    n_shards : int, default=None
        Pieces that the rows are cut into; they change nothing. None is scikit-learn's own fit for
        up to 262,144 values, else one per 16,384 rows, at most 64. For a Dask collection, whose
        partitions are the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    min_ : ndarray of shape (n_features,)
        What is added to scaled columns.
    scale_ : ndarray of shape (n_features,)
        ``(b - a) / data_range_``
    data_min_, data_max_ : ndarray of shape (n_features,)
        NaN where a column has no value.
    data_range_ : ndarray of shape (n_features,)
    n_features_in_ : int
    n_samples_seen_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method`, `strategy`, `rounds`, `bytes_up`, `seconds` per phase.

    See Also
    --------
    DistributedMaxAbsScaler : For sparse rows, whose zeros stay zeros.
    skdist.merge : One scaler out of several, scikit-learn's too, fitted apart.

    Notes
    -----
    One round, in which a shard sends 16 bytes per column.

    Examples
    --------
    >>> from skdist import DistributedMinMaxScaler
    >>> scaler = DistributedMinMaxScaler(n_shards=2).fit([[-1.0, 2.0], [0.0, 6.0], [1.0, 18.0]])
    >>> scaler.data_max_
    array([ 1., 18.])
    >>> scaler.transform([[0.0, 10.0]])
    array([[0.5, 0.5]])
    """

    _parameter_constraints = {**MinMaxScaler._parameter_constraints, **SHARDING}
    _intake = Intake(allow_nan=True, accept_sparse=False)

    def __init__(self, feature_range=(0, 1), *, copy=True, clip=False, n_shards=None, n_jobs=None):
        super().__init__(feature_range, copy=copy, clip=clip)
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    def _why_alone(self, X, sample_weight, keep):
        if issparse(X):
            return "sparse rows are refused."
        return super()._why_alone(X, sample_weight, keep)

    def _kept(self):
        """The ranges, which the attributes tell, those of scikit-learn's scaler too."""
        return ColumnRanges(self.n_samples_seen_, self.data_min_, self.data_max_)
