# SPDX-License-Identifier: BSD-3-Clause
"""Missing values replaced by a number of the column."""

from __future__ import annotations

import numpy as np
from sklearn.impute import SimpleImputer

from skdist._estimator import SHARDING
from skdist.impute._filling import FilledBySums


class DistributedSimpleImputer(FilledBySums, SimpleImputer):
    """Fill in what is missing, the fillings being found over cores or a cluster.

    Of each column, over the rows in which it has a value, merged over shards a and b::

        mean             m = m_a + (W_b / W) (m_b - m_a)
        most frequent    argmax_v  n_a[v] + n_b[v]
        median           by counting leading bits, to the last: see the notes

    All are exact, the mean but for rounding. That is :class:`sklearn.impute.SimpleImputer`, of
    which this is a subclass: the same parameters, fitted attributes and errors.

    Parameters
    ----------
    missing_values : int, float, str, np.nan, None or pandas.NA, default=np.nan
        What stands for a missing value.
    strategy : {"mean", "median", "most_frequent", "constant"} or callable, default="mean"
        A callable of the values of a column has no sums that merge: with it scikit-learn's own fit
        is run, and Dask collections are refused.
    fill_value : str or number, default=None
        For "constant". None is 0, and "missing_value" for texts.
    copy : bool, default=True
        Whether `transform` leaves its X in memory unchanged.
    add_indicator : bool, default=False
        Whether `transform` adds columns that say where values were missing.
    keep_empty_features : bool, default=False
        Whether columns without any value are kept.
    n_shards : int, default=None
        Pieces that the rows are cut into; they change nothing. None is scikit-learn's own fit for
        up to 262,144 values, else one per 16,384 rows, at most 64. For a Dask collection, whose
        partitions are the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features,)
        What is filled in.
    indicator_ : MissingIndicator or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method`, `strategy`, `rounds`, `bytes_up`, `seconds` per phase.

    See Also
    --------
    DistributedColumnTransformer : For columns that are filled in different ways.
    skdist.merge : One imputer out of several of `fit_shard`.

    Notes
    -----
    One round; a shard sends 32 bytes per column for means, and 16 for each distinct value of a
    column for the most frequent one: little for categories, the whole column where no two values
    are alike.

    Medians are exact and take about three rounds, each a pass over the data: 64 / b + 1 at most, of
    which each tells b more bits of the two middle values (b = 12 for 30 columns), and in which a
    shard sends 2 MiB at most. `fit_shard` cannot have more than one round, and keeps every distinct
    value and its count.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist import DistributedSimpleImputer
    >>> X = np.array([[1.0, 7.0], [np.nan, 3.0], [4.0, np.nan], [4.0, 4.0]])
    >>> DistributedSimpleImputer(strategy="median", n_shards=2).fit_transform(X)
    array([[1., 7.],
           [4., 3.],
           [4., 4.],
           [4., 4.]])
    """

    _parameter_constraints = {**SimpleImputer._parameter_constraints, **SHARDING}

    def __init__(
        self,
        *,
        missing_values=np.nan,
        strategy="mean",
        fill_value=None,
        copy=True,
        add_indicator=False,
        keep_empty_features=False,
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            missing_values=missing_values,
            strategy=strategy,
            fill_value=fill_value,
            copy=copy,
            add_indicator=add_indicator,
            keep_empty_features=keep_empty_features,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs
