# SPDX-License-Identifier: BSD-3-Clause
"""Transformers for some of the columns each, of data in memory and of Dask collections."""

from __future__ import annotations

from sklearn.compose import ColumnTransformer

from skdist.compose._lazy_columns import LazyColumns


class DistributedColumnTransformer(LazyColumns, ColumnTransformer):
    """Apply transformers to some of the columns each, and put what they give side by side.

    ::

        T(x) = [ T_1(x[columns_1]) ; T_2(x[columns_2]) ; ... ]

    That is :class:`sklearn.compose.ColumnTransformer`, of which this is a subclass, and for data in
    memory nothing else. scikit-learn's would gather a Dask collection. This one fits each
    transformer to its columns of the collection, which are all that is read for it, and transforms
    lazily, partition by partition.

    Parameters
    ----------
    transformers : list of (name, transformer, columns)
        Of Dask collections: skdist's transformers, pipelines of them, "passthrough" and "drop", and
        `columns` a list, a slice, a mask or a callable, not a single name.
    remainder : {"drop", "passthrough"} or transformer, default="drop"
        What becomes of the other columns.
    sparse_threshold : float, default=0.3
        Share of values that are not zero below which the result is sparse, if any part of it is. Of
        a collection of which any part is sparse it is counted, in one pass.
    n_jobs : int, default=None
        How many transformers of data in memory are fitted at once. Of a collection they are fitted
        one after the other, each over all of it.
    transformer_weights : dict, default=None
        What parts of the result are multiplied by.
    verbose : bool, default=False
    verbose_feature_names_out : bool, str or callable, default=True
        Whether names of the result begin with those of the transformers.

    Attributes
    ----------
    transformers_ : list of (name, fitted transformer, columns)
    named_transformers_ : Bunch
    sparse_output_ : bool
    output_indices_ : dict of slice
    report_ : FitReport
        The bills of the transformers added up, and in `extra` each by its name.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.

    See Also
    --------
    DistributedOneHotEncoder, DistributedSimpleImputer, DistributedStandardScaler

    Notes
    -----
    Of a Dask dataframe `transform` gives a dataframe with the same index, whose columns are
    `get_feature_names_out`: pandas' sparse ones if `sparse_output_`.

    Examples
    --------
    >>> import pandas as pd
    >>> from dask.dataframe import from_pandas
    >>> from skdist import (
    ...     DistributedColumnTransformer, DistributedOneHotEncoder, DistributedStandardScaler)
    >>> trees = pd.DataFrame({"kind": ["oak", "ash", "oak", "elm"], "height": [9.0, 4.0, 7.0, 4.0]})
    >>> by_column = DistributedColumnTransformer([
    ...     ("kind", DistributedOneHotEncoder(), ["kind"]),
    ...     ("size", DistributedStandardScaler(), ["height"])], sparse_threshold=0)
    >>> out = by_column.fit_transform(from_pandas(trees, npartitions=2))
    >>> out.compute().round(2)
       kind__kind_ash  kind__kind_elm  kind__kind_oak  size__height
    0             0.0             0.0             1.0          1.41
    1             1.0             0.0             0.0         -0.94
    2             0.0             0.0             1.0          0.47
    3             0.0             1.0             0.0         -0.94
    """
