# SPDX-License-Identifier: BSD-3-Clause
"""Columns scaled by their greatest absolute value."""

from __future__ import annotations

from sklearn.preprocessing import MaxAbsScaler

from skdist._estimator import SHARDING
from skdist.preprocessing._scaling import ScaledByRanges
from skdist.summaries import ColumnRanges


class DistributedMaxAbsScaler(ScaledByRanges, MaxAbsScaler):
    """Scale columns by their greatest absolute value, found over cores or a cluster.

    Of each column ``z = x / max_i |x_i|``: zeros stay zeros, so that rows may be sparse. Maxima
    merge exactly. That is :class:`sklearn.preprocessing.MaxAbsScaler`, of which this is a subclass:
    the same parameters and, to the bit, the same fitted attributes.

    Parameters
    ----------
    copy : bool, default=True
        Whether `transform` leaves its X in memory unchanged.
    clip : bool, default=False
        Whether `transform` clips to [-1, 1] what lies outside it.
    n_shards : int, default=None
        Pieces that the rows are cut into; they change nothing. None is scikit-learn's own fit for
        up to 262,144 values, else one per 16,384 rows, at most 64. For a Dask collection, whose
        partitions are the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    scale_ : ndarray of shape (n_features,)
        `max_abs_`, and 1 where that is 0.
    max_abs_ : ndarray of shape (n_features,)
        NaN where a column has no value.
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
    DistributedMinMaxScaler : To any range.
    skdist.merge : One scaler out of several, scikit-learn's too, fitted apart.

    Notes
    -----
    One round, in which a shard sends 16 bytes per column.

    Examples
    --------
    >>> from skdist import DistributedMaxAbsScaler
    >>> scaler = DistributedMaxAbsScaler(n_shards=2).fit([[1.0, -1.0], [2.0, 0.0], [0.0, -4.0]])
    >>> scaler.transform([[1.0, 1.0]])
    array([[0.5 , 0.25]])
    """

    _parameter_constraints = {**MaxAbsScaler._parameter_constraints, **SHARDING}

    def __init__(self, *, copy=True, clip=False, n_shards=None, n_jobs=None):
        super().__init__(copy=copy, clip=clip)
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    def _kept(self):
        """The ranges, which the attributes tell, those of scikit-learn's scaler too."""
        return ColumnRanges(self.n_samples_seen_, -self.max_abs_, self.max_abs_)
