# SPDX-License-Identifier: BSD-3-Clause
"""Linear support vector machines for classification."""

from __future__ import annotations

from functools import partial, reduce
from operator import add

import numpy as np
from scipy.sparse import issparse
from sklearn.svm import LinearSVC

from skdist._estimator import SHARDING, ShardedClassifierFit, Stopwatch
from skdist._labels import weigh_classes
from skdist._local_fit import fit_locally
from skdist._rows import Intake, encode_rows
from skdist._shard_classes import check_none_lacking, check_two_classes, knowing
from skdist._sklearn import StrOptions, check_liblinear
from skdist._watching import shows
from skdist.linear_model._one_vs_rest import fit_one_vs_rest, problems_of
from skdist.linear_model._one_vs_rest_expansion import keep_one_vs_rest
from skdist.losses import SquaredHinge
from skdist.sharding import is_dask
from skdist.solvers.choose_hinge_solver import WAITING, choose_hinge_solver
from skdist.solvers.choose_solver import SYNONYMS, choose_solver
from skdist.solvers.hinge_dual_ascent import count_entries
from skdist.solvers.linear_objective import LinearObjective

# Solvers of each loss and penalty; the first is not always the one that "auto" takes.
SOLVERS = {
    ("hinge", "l2"): ("interior_point", "dual_ascent", "cocoa"),
    ("squared_hinge", "l2"): ("newton", "newton_cg", "lbfgs", "gradient_descent"),
    ("squared_hinge", "l1"): ("prox_newton",),
}


class DistributedLinearSVC(ShardedClassifierFit, LinearSVC):
    """Linear support vector classification whose fit is spread over cores or a cluster.

    For two classes, y in {-1, 1}, it minimises ::

        F(w, b) = 1/2 (|w|^2 + b^2) + C sum_i s_i max(0, 1 - y_i (w'x_i + c b))^2

    or, with ``loss="hinge"``, the same without the square, or, with ``penalty="l1"``, with
    ``|w|_1 + |b|`` instead of the first term; s are the sample weights times the class weights and
    c is `intercept_scaling`. Of K > 2 classes each is fitted against the rest, all at once. That is
    :class:`sklearn.svm.LinearSVC`, of which this is a subclass, and liblinear: the intercept
    is penalised, and a class's weight is that of its own rows, in its own problem. What differs:

    - Sums over rows are added up over shards of the rows, so that the optimum does not depend on
      how the rows were cut, nor on `random_state`.
    - The fit ends with a certificate, an upper bound of ``F - min F``, in `report_`. liblinear's
      fit of the hinge often ends at `max_iter`, above the minimum.
    - ``n_jobs=None`` means what :func:`joblib.parallel_config` says, and all cores where it says
      nothing. No `n_jobs` changes the model.

    Parameters
    ----------
    penalty : {"l1", "l2"}, default="l2"
        "l1" makes many coefficients 0; not with ``loss="hinge"``.
    loss : {"hinge", "squared_hinge"}, default="squared_hinge"
    dual : bool or "auto", default="auto"
        Which of two problems of the same optimum liblinear would solve. It changes nothing here,
        but combinations that liblinear does not know are refused.
    tol : float, default=1e-4
        The fit stops where ``F - min F <= tol^2 F`` is certain.
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0.
    multi_class : {"ovr", "crammer_singer"}, default="ovr"
        "crammer_singer" is scikit-learn's own fit, in this process.
    fit_intercept : bool, default=True
        Whether there is an intercept, or b = 0.
    intercept_scaling : float, default=1
        c, value of the constant feature; the larger, the less the intercept is penalised.
    class_weight : dict or "balanced", default=None
        What the sample weights of each class are multiplied with; "balanced" is in inverse
        proportion to the class's weight in y.
    verbose : int, default=0
        Above 0: one line when the fit is done.
    random_state : int, RandomState instance or None, default=None
        Of ``multi_class="crammer_singer"``. The other optima do not depend on chance.
    max_iter : int, default=1000
        Iterations at most: steps, or choices of rows (``loss="hinge"``).
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. See above for None.
    n_shards : int, default=None
        Pieces that the rows are cut into; they do not change the optimum. None is one per 16,384
        rows, at most 64 but at least 4 of 4,096 rows; for "cocoa" and "dual_ascent", whose
        shards wait for each other, 1. For a Dask collection, whose partitions are the shards, it
        must be None.
    solver : str, default="auto"
        - "newton", "newton_cg", "lbfgs", "gradient_descent": the squared hinge, by merged
          gradients and curvature. "auto" takes "newton" for up to 1,500 coefficients (300, if X is
          sparse) and "newton_cg" for more.
        - "prox_newton": the squared hinge with ``penalty="l1"``. "auto" takes it for up to 3,000
          coefficients, and scikit-learn's own fit for more.
        - "interior_point": the hinge. Rows near the margin come to the driver; all rows give
          the bound. "auto" takes it for up to 2,000 columns or rows.
        - "dual_ascent": "cocoa", for a tenth of the operations that "interior_point" would take,
          and for more while its gap falls fast enough to be there first; else that one, from
          there. "auto" takes it in place of "interior_point" where that would take more than 2e10
          operations (about 1,000 rows, or columns), X has few entries, so that these are
          150 passes or more, and no more than one shard is asked for.
        - "cocoa": the hinge, for many rows of many columns. Shards improve their own dual
          variables side by side; the more shards, the more rounds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The coefficients; one row for two classes. float32 where X is.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        c times the intercepts.
    n_iter_ : int
        Iterations made, of the class that took most.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method` (the solver), `why` it was taken, `certificate` (the bound of
        ``F - min F``, summed over the classes), `rounds`, `bytes_down`, `bytes_up`, `retries`,
        `seconds` per phase, a table of the `shards`, and in `extra` the certificate's name, the
        objective, whether it `converged`, and per class the history of the rounds.

    See Also
    --------
    skdist.merge : One model out of several, fitted apart.
    DistributedLogisticRegression : The same with probabilities.

    Notes
    -----
    With P = d + 1 coefficients a round of Newton's method brings 8 (1 + P) bytes per class and
    shard up, and with the Hessian 4 P (P + 1) more. The interior point method takes 5 rounds
    and more and brings about ``12 n^(2/3) P^(4/3)`` bytes up per choice of rows, of which there are
    two to five; an iteration of CoCoA 16 P from every shard and 8 n in all.

    `fit_shard` keeps the curvature of the squared hinge and its gradient at the optimum, 8 K P^2
    bytes for K classes. The hinge has none: such models are averaged by the weights of their rows.

    References
    ----------
    .. [1] R.-E. Fan et al., "LIBLINEAR: A Library for Large Linear Classification", JMLR 9, 2008.
    .. [2] O. L. Mangasarian, "A finite Newton method for classification", Optimization Methods and
       Software 17, 2002.
    .. [3] M. C. Ferris, T. S. Munson, "Interior-Point Methods for Massive Support Vector Machines",
       SIAM Journal on Optimization 13, 2003.
    .. [4] C. Ma et al., "Adding vs. Averaging in Distributed Primal-Dual Optimization", ICML, 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedLinearSVC
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistributedLinearSVC(loss="hinge", n_shards=3).fit(X, y)
    >>> model.predict(X[[0, 60, 149]])
    array([0, 1, 2])
    >>> model.report_.method, model.report_.exact
    ('interior_point', True)
    >>> model.report_.certificate < 1e-7 * model.report_.extra["objective"]
    True
    """

    _rounds_of_an_iteration = 2

    _parameter_constraints = {
        **LinearSVC._parameter_constraints,
        **SHARDING,
        "solver": [
            StrOptions({"auto", *SYNONYMS, *(name for names in SOLVERS.values() for name in names)})
        ],
    }

    def __init__(
        self,
        penalty="l2",
        loss="squared_hinge",
        *,
        dual="auto",
        tol=1e-4,
        C=1.0,
        multi_class="ovr",
        fit_intercept=True,
        intercept_scaling=1,
        class_weight=None,
        verbose=0,
        random_state=None,
        max_iter=1000,
        n_jobs=None,
        n_shards=None,
        solver="auto",
    ):
        super().__init__(
            penalty=penalty,
            loss=loss,
            dual=dual,
            tol=tol,
            C=C,
            multi_class=multi_class,
            fit_intercept=fit_intercept,
            intercept_scaling=intercept_scaling,
            class_weight=class_weight,
            verbose=verbose,
            random_state=random_state,
            max_iter=max_iter,
        )
        self.n_jobs = n_jobs
        self.n_shards = n_shards
        self.solver = solver

    def _fit(self, X, y, sample_weight, *, shard=False, classes=None):
        self._expansion = self._merged_parts = None
        if self.multi_class == "crammer_singer":
            why = "multi_class='crammer_singer' is scikit-learn's own fit."
            self._fit_locally(X, y, sample_weight, classes, why)
            return
        watch = Stopwatch()
        check_liblinear(self)
        self._check_solver()
        rows = encode_rows(
            self,
            X,
            y,
            sample_weight,
            intake=Intake(classify=True),
            n_shards=self.n_shards or self._few_shards(X),
            n_jobs=self.n_jobs,
        )
        rows = knowing(rows, classes)
        check_two_classes(rows.classes)
        problems, objective = self._problems(rows), self._objective(rows.n_features)
        choice = self._choose_solver(objective, rows)
        if choice.name is None:
            self._fit_locally(X, y, sample_weight, classes, choice.why)
            return
        watch.lap("prepare")
        shows(lambda w: self._model(w, rows))
        fit = fit_one_vs_rest(
            rows,
            problems,
            objective,
            choice,
            tol=self.tol,
            max_iter=self.max_iter,
            watch=watch,
        )
        self._expose(fit, rows)
        if shard and self.loss == "squared_hinge":
            self._expansion, self.report_ = keep_one_vs_rest(rows, problems, objective, fit)
        self._print_report()

    def _fit_locally(self, X, y, sample_weight, classes, why):
        fit_locally(self, self._fit_plainly, X, y, sample_weight, why, "liblinear")
        check_none_lacking(self.classes_, classes, "liblinear")

    def _few_shards(self, X):
        """1 where shards of rows in memory would have to wait for each other, else None."""
        n, d = getattr(X, "shape", (0, 0))[:2] if not is_dask(X) else (0, 0)

        def entries():
            return float(X.nnz if issparse(X) else n * d)

        if self.loss != "hinge":
            return None
        choice = choose_hinge_solver(self.solver, n, d + 1, entries)
        return 1 if choice.name in WAITING else None

    def _problems(self, rows):
        """Of each class against the rest."""
        mass = reduce(add, rows.facts).class_weight
        return problems_of(len(rows.classes), weigh_classes(self.class_weight, rows.classes, mass))

    def _objective(self, n_features):
        """``C sum_i s_i loss + |w|^2 / 2``, or ``|w|_1``, the intercept among w."""
        return LinearObjective(
            SquaredHinge(),
            n_features,
            self.fit_intercept,
            scale=self.C,
            l2=float(self.penalty == "l2"),
            l1=float(self.penalty == "l1"),
            penalise_intercept=True,
            intercept_scaling=float(self.intercept_scaling),
        )

    def _objective_of(self, expansion):
        """The objective of a merge."""
        return self._objective(self.n_features_in_)

    def _choose_solver(self, objective, rows):
        """The solver, or None for scikit-learn's own fit."""
        if self.loss == "hinge":
            size = rows.n_samples, objective.shape[1]
            return choose_hinge_solver(self.solver, *size, partial(self._entries, rows))
        return choose_solver(self.solver, objective, is_sparse=rows.is_sparse)

    def _entries(self, rows):
        """Of one shard, encoded or planned; inf of several, which wait for each other."""
        shards = getattr(rows, "shards", None)
        n_shards = len(rows.partitions) if shards is None else shards.n_shards
        if (self.n_shards or n_shards) > 1:
            return np.inf
        return rows.entries if shards is None else float(shards.map_reduce(count_entries)[1])

    def _check_solver(self):
        known = SOLVERS[self.loss, self.penalty]
        asked = SYNONYMS.get(self.solver, self.solver)
        if asked not in ("auto", *known):
            raise ValueError(
                f"solver={self.solver!r} was given with loss={self.loss!r} and "
                f"penalty={self.penalty!r}, which it does not know. Choose one of "
                f"{', '.join(known)}, or 'auto'."
            )

    def _model(self, w, rows):
        """What predictions need, of coefficients (K, p)."""
        d, intercept = rows.n_features, 0.0
        if self.fit_intercept:
            intercept = (self.intercept_scaling * w[:, d]).astype(rows.dtype)
        coef = np.ascontiguousarray(w[:, :d]).astype(rows.dtype)
        return {"classes_": rows.classes, "coef_": coef, "intercept_": intercept}

    def _expose(self, fit, rows):
        """scikit-learn's attributes, of numbers of the dtype of X."""
        vars(self).update(self._model(fit.w, rows))
        self.n_iter_ = max(solution.n_iter for solution in fit.solutions)
        self.n_shards_, self.report_ = rows.shards.n_shards, fit.report
        self._weight_of_rows = rows.total_weight
