# SPDX-License-Identifier: BSD-3-Clause
"""Categories as columns of 0 and 1."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.preprocessing import OneHotEncoder

from skdist._estimator import SHARDING
from skdist._sklearn import sparse_as_configured
from skdist.preprocessing._categories import CountedCategories


class DistributedOneHotEncoder(CountedCategories, OneHotEncoder):
    """Encode categories as columns of 0 and 1, the categories being found over cores or a cluster.

    The categories of a column are the distinct values of all shards, sorted::

        values = values_a | values_b,    n[v] = n_a[v] + n_b[v]

    and that is exact. It is :class:`sklearn.preprocessing.OneHotEncoder`, of which this is a
    subclass: the same parameters, fitted attributes and errors.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
        Of each column; "auto" is those that it has.
    drop : {"first", "if_binary"} or array-like of shape (n_features,), default=None
        The category of each column that gets no column of its own.
    sparse_output : bool, default=True
        Whether `transform` gives sparse matrices. Of a Dask array the blocks are sparse then; of a
        Dask dataframe the columns are pandas' sparse ones, which all estimators here take as they
        are.
    dtype : number type, default=np.float64
        Of what `transform` gives.
    handle_unknown : {"error", "ignore", "infrequent_if_exist", "warn"}, default="error"
        What `transform` does about a value that is no category.
    min_frequency : int or float, default=None
        Rows, or share of the rows, below which a category is infrequent; these become one.
    max_categories : int, default=None
        Columns that a column may become, the infrequent one included.
    feature_name_combiner : "concat" or callable, default="concat"
        ``combine(feature, category)`` -> name of a column.
    n_shards : int, default=None
        Pieces that the rows are cut into; they change nothing. None is scikit-learn's own fit for
        up to 262,144 values, else one per 1,048,576 rows, at most 64. For a Dask collection, whose
        partitions are the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    categories_ : list of ndarray
        Of each column, sorted, missing values last.
    drop_idx_ : ndarray of shape (n_features,) or None
        Numbers of the categories that are dropped.
    infrequent_categories_ : list of ndarray
        Where `min_frequency` or `max_categories` is given.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method`, `strategy`, `rounds`, `bytes_up`, `seconds` per phase.

    See Also
    --------
    DistributedOrdinalEncoder : One column of numbers instead.
    DistributedColumnTransformer : For columns of which some are numbers.
    skdist.merge : One encoder out of several of `fit_shard`.

    Notes
    -----
    One round, in which a shard sends every distinct value of every column and its count: 16 bytes
    for a number, of a text its length besides. Columns of texts that Dask stores in pandas'
    nullable type are objects here, NaN where a text is missing.

    Examples
    --------
    >>> from skdist import DistributedOneHotEncoder
    >>> encoder = DistributedOneHotEncoder(n_shards=2, sparse_output=False)
    >>> encoder.fit_transform([["ash"], ["oak"], ["ash"]])
    array([[1., 0.],
           [0., 1.],
           [1., 0.]])
    >>> encoder.get_feature_names_out()
    array(['x0_ash', 'x0_oak'], dtype=object)
    """

    _parameter_constraints = {**OneHotEncoder._parameter_constraints, **SHARDING}

    def __init__(
        self,
        *,
        categories="auto",
        drop=None,
        sparse_output=True,
        dtype=np.float64,
        handle_unknown="error",
        min_frequency=None,
        max_categories=None,
        feature_name_combiner="concat",
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            categories=categories,
            drop=drop,
            sparse_output=sparse_output,
            dtype=dtype,
            handle_unknown=handle_unknown,
            min_frequency=min_frequency,
            max_categories=max_categories,
            feature_name_combiner=feature_name_combiner,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    def _like(self, X):
        row = np.zeros((1, len(self.get_feature_names_out())), self.dtype)
        return sparse_as_configured(csr_matrix(row)) if self.sparse_output else row
