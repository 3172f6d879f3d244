# SPDX-License-Identifier: BSD-3-Clause
"""Categories as whole numbers."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import OrdinalEncoder

from skdist._estimator import SHARDING
from skdist.preprocessing._categories import CountedCategories


class DistributedOrdinalEncoder(CountedCategories, OrdinalEncoder):
    """Encode categories as whole numbers, the categories being found over cores or a cluster.

    The categories of a column are the distinct values of all shards, sorted::

        values = values_a | values_b,    n[v] = n_a[v] + n_b[v]

    and that is exact. It is :class:`sklearn.preprocessing.OrdinalEncoder`, of which this is a
    subclass: the same parameters, fitted attributes and errors.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
        Of each column; "auto" is those that it has.
    dtype : number type, default=np.float64
        Of what `transform` gives.
    handle_unknown : {"error", "use_encoded_value"}, default="error"
        What `transform` does about a value that is no category.
    unknown_value : int or np.nan, default=None
        What it is encoded as, with "use_encoded_value".
    encoded_missing_value : int or np.nan, default=np.nan
        What None and NaN are encoded as.
    min_frequency : int or float, default=None
        Rows, or share of the rows, below which a category is infrequent; these become one.
    max_categories : int, default=None
        Numbers that a column may have, the infrequent one included.
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
    DistributedOneHotEncoder : A column of 0 and 1 for each category.
    skdist.merge : One encoder out of several of `fit_shard`.

    Notes
    -----
    One round, in which a shard sends every distinct value of every column and its count: 16 bytes
    for a number, of a text its length besides. A column whose values are all distinct is sent
    whole. Columns of texts that Dask stores in pandas' nullable type are objects here, NaN where a
    text is missing.

    Examples
    --------
    >>> from skdist import DistributedOrdinalEncoder
    >>> encoder = DistributedOrdinalEncoder(n_shards=2).fit([["ash", 3], ["oak", 1], ["elm", 1]])
    >>> [categories.tolist() for categories in encoder.categories_]
    [['ash', 'elm', 'oak'], [1, 3]]
    >>> encoder.transform([["oak", 3]])
    array([[2., 1.]])
    """

    _parameter_constraints = {**OrdinalEncoder._parameter_constraints, **SHARDING}

    def __init__(
        self,
        *,
        categories="auto",
        dtype=np.float64,
        handle_unknown="error",
        unknown_value=None,
        encoded_missing_value=np.nan,
        min_frequency=None,
        max_categories=None,
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            categories=categories,
            dtype=dtype,
            handle_unknown=handle_unknown,
            unknown_value=unknown_value,
            encoded_missing_value=encoded_missing_value,
            min_frequency=min_frequency,
            max_categories=max_categories,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    def _like(self, X):
        return np.zeros((1, self.n_features_in_), self.dtype)
