# SPDX-License-Identifier: BSD-3-Clause
"""Linear models fitted apart become one: by curvature, else by averaging; classes are aligned."""

import copy
import pickle
import warnings
from itertools import permutations

import numpy as np
import pytest
import sklearn.linear_model as sk
from linear_problems import best, classes_problem
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.svm import LinearSVC

import skdist
from skdist import DistributedLogisticRegression, DistributedPoissonRegressor, merge
from skdist.linear_model._coefficient_sums import CoefficientSums
from skdist.linear_model._loss_expansion import LossExpansion, pair_number, pairs

TIGHT = 1e-8
X, Y, WEIGHT = classes_problem(3, n=1200)
BINARY = classes_problem(2, n=1200)
COUNTS = np.random.default_rng(0).poisson(np.exp(0.4 * X[:, 0] + 0.5))


def cut(model, X, y, n, weight=None, order=None, **options):
    """Clones fitted to n pieces of the rows."""
    order = np.arange(len(y)) if order is None else order
    return [
        clone(model).fit_shard(X[p], y[p], None if weight is None else weight[p], **options)
        for p in np.array_split(order, n)
    ]


def logistic(**parameters):
    return DistributedLogisticRegression(**{"tol": TIGHT, **parameters})


def flat(model):
    return np.append(np.ravel(model.coef_), model.intercept_)


def objective(model, X, y):
    """scikit-learn's, for an l2 penalty."""
    log_p = model.predict_log_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return -model.C * log_p.sum() + 0.5 * np.sum(model.coef_**2)


# By curvature.


@pytest.mark.parametrize("penalty", [{"C": 0.01}, {"C": np.inf}, {"C": 0.05, "l1_ratio": 0.5}])
@pytest.mark.parametrize("rows", [(X, Y), BINARY[:2]], ids=["three", "two"])
def test_one_shard_is_its_own_merge(rows, penalty):
    model = logistic(**penalty).fit_shard(*rows)
    merged = merge([model])
    assert_allclose(flat(merged), flat(model), rtol=0, atol=1e-7 * np.abs(flat(model)).max())
    assert merged.report_.extra["predicted_gap"] < 1e-9


def test_copies_of_one_shard_are_the_fit_of_their_rows():
    """One penalty, not one a shard: the sums are those of the rows, where all shards agree."""
    model = logistic(C=np.inf)
    merged = merge([clone(model).fit_shard(X, Y) for _ in range(5)])
    assert_allclose(flat(merged), flat(clone(model).fit(X, Y)), atol=1e-7)
    merged.set_params(C=0.01)
    penalised = merge([merged])
    expected = logistic(C=0.05).fit(X, Y)  # five times the rows
    gap = objective(penalised.set_params(C=0.05), X, Y) / objective(expected, X, Y) - 1
    assert 0 < gap < 1e-3


@pytest.mark.parametrize("C", [0.003, 1.0])
def test_the_penalty_is_counted_once(C):
    """Shards of a strongly penalised model merge to its penalty, not to many times that."""
    full = logistic(C=C).fit(X, Y)
    merged = merge(cut(logistic(C=C), X, Y, 6))
    gap = objective(merged, X, Y) - objective(full, X, Y)
    assert 0 <= gap < 0.01 * objective(full, X, Y)
    assert_allclose(np.linalg.norm(merged.coef_), np.linalg.norm(full.coef_), rtol=0.1)


@pytest.mark.parametrize("rows", [(X, Y), BINARY[:2]], ids=["three", "two"])
def test_the_merge_is_near_the_fit_of_all_rows_and_nearer_than_the_mean(rows):
    """Shards that are sorted by a feature have seen different rows."""
    features, y = rows
    order = np.argsort(features[:, 0])
    full = logistic().fit(features, y)
    models = cut(logistic(), features, y, 6, order=order)
    merged = merge(models)
    for model in models:
        model._expansion = None
    mean = merge(models)
    lacking = [objective(m, features, y) / objective(full, features, y) - 1 for m in (merged, mean)]
    assert 0 <= lacking[0] < 0.01
    assert lacking[0] < lacking[1] / 3
    assert lacking[0] < merged.report_.extra["predicted_gap"] / objective(full, features, y)


def test_the_more_rows_a_shard_has_the_less_is_lost():
    gaps = []
    for n in (600, 2400, 9600):
        features, y, _ = classes_problem(3, n=n)
        full, merged = logistic().fit(features, y), merge(cut(logistic(), features, y, 4))
        gaps.append(objective(merged, features, y) / objective(full, features, y) - 1)
    assert gaps[0] > 4 * gaps[1] > 16 * gaps[2]


def models_of_every_kind():
    yield "logistic", cut(logistic(), X, Y, 4, WEIGHT)
    yield "l1", cut(logistic(l1_ratio=0.5, C=0.1), X, Y, 4)
    yield "binary", cut(logistic(), *BINARY[:2], 4)
    yield "no intercept", cut(logistic(fit_intercept=False), X, Y, 4)
    yield "poisson", cut(DistributedPoissonRegressor(alpha=0.1), X, COUNTS, 4, WEIGHT)
    yield "plain", [sk.LogisticRegression().fit(X[i::4], Y[i::4]) for i in range(4)]
    averaged = [skdist.DistributedLogisticRegression().fit(X[i::4], Y[i::4]) for i in range(4)]
    yield "average by rows", averaged
    mixed = cut(logistic(), X, Y, 4)
    mixed[1] = sk.LogisticRegression().fit(X, Y)
    yield "mixed", mixed
    two = [(Y == 0) | (Y == 1), Y < 3, (Y == 1) | (Y == 2), (Y == 0) | (Y == 2)]
    yield "classes differ", [logistic().fit_shard(X[rows], Y[rows]) for rows in two]
    yield "classes differ, mean", [logistic().fit(X[rows], Y[rows]) for rows in two]


KINDS = dict(models_of_every_kind())
every_kind = pytest.mark.parametrize("name", KINDS)


@every_kind
def test_law_1_merge_is_associative(name):
    a, b, c, d = KINDS[name]
    at_once = flat(merge([a, b, c, d]))
    atol = 1e-8 * np.abs(at_once).max()
    for nested in ([merge([a, b]), merge([c, d])], [a, merge([b, merge([c, d])])]):
        merged = merge(nested)
        assert_allclose(flat(merged), at_once, rtol=0, atol=atol)
        assert merged.n_shards_ == 4
        assert_array_equal(merged.classes_, merge([a, b, c, d]).classes_) if hasattr(
            a, "classes_"
        ) else None


@every_kind
def test_law_1_merge_commutes(name):
    models = KINDS[name]
    expected = flat(merge(models))
    for order in list(permutations(models))[1::7]:
        assert_allclose(flat(merge(order)), expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@every_kind
def test_law_1_merge_mutates_nothing(name):
    models = KINDS[name]
    before = [copy.deepcopy(vars(model)) for model in models]
    merge(models)
    for model, own in zip(models, before, strict=True):
        assert vars(model).keys() == own.keys()
        assert_array_equal(model.coef_, own["coef_"])
        assert_array_equal(model.intercept_, own["intercept_"])
        assert model.get_params().items() <= own.items()


@every_kind
def test_a_merged_model_is_a_fitted_estimator_of_skdist(name):
    models = KINDS[name]
    merged = merge(models)
    assert type(merged).__module__.startswith("skdist.linear_model")
    assert isinstance(merged, sk.LogisticRegression | sk.PoissonRegressor)
    assert merged.report_.exact is False
    assert merged.report_.method == "merge"
    assert "approximate" in merged.report_.why[0]
    mean = name in ("plain", "average by rows", "mixed", "classes differ, mean")
    assert merged.report_.strategy == ("average" if mean else "curvature")
    assert ("predicted_gap" in merged.report_.extra) == (not mean)
    back = pickle.loads(pickle.dumps(merged))
    assert_array_equal(back.predict(X), merged.predict(X))
    assert_array_equal(flat(merge([back])), flat(merge([merged])))
    assert merged.score(X, Y if name != "poisson" else COUNTS) > 0.0
    parameters = models[0].get_params()
    assert merged.get_params().items() >= parameters.items()


def test_a_model_that_was_fitted_again_is_not_merged_as_it_was():
    merged = merge(cut(logistic(), X, Y, 3))
    merged.fit(X[:200], Y[:200])
    other = logistic().fit(X[200:], Y[200:])
    weighed = merge([merged, other])
    expected = (200 * merged.coef_ + 1000 * other.coef_) / 1200
    assert_allclose(weighed.coef_, expected - expected.mean(axis=0), atol=1e-12)
    merged.coef_ = merged.coef_ * 2.0  # as the user pleases
    assert_allclose(merge([merged]).coef_, merged.coef_, atol=1e-12)


def test_float32_stays_float32():
    merged = merge(cut(logistic(), X.astype(np.float32), Y, 3))
    assert merged.coef_.dtype == merged.intercept_.dtype == np.float32


# Regression.


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_counts(alpha):
    model = DistributedPoissonRegressor(alpha=alpha, tol=TIGHT)
    full = clone(model).fit(X, COUNTS, WEIGHT)
    merged = merge(cut(model, X, COUNTS, 5, WEIGHT, order=np.argsort(X[:, 0])))
    assert_allclose(flat(merged), flat(full), rtol=0, atol=0.05 * np.abs(flat(full)).max())
    assert merged.score(X, COUNTS, WEIGHT) == pytest.approx(full.score(X, COUNTS, WEIGHT), rel=0.01)
    assert np.ndim(merged.intercept_) == 0


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("GammaRegressor", {}), ("TweedieRegressor", {"power": 1.5}), ("TweedieRegressor", {})],
)
def test_other_regressions(name, parameters):
    model = getattr(skdist, f"Distributed{name}")(alpha=0.01, tol=TIGHT, **parameters)
    y = COUNTS + 0.5
    full, merged = clone(model).fit(X, y), merge(cut(model, X, y, 4))
    assert_allclose(flat(merged), flat(full), rtol=0, atol=0.05 * np.abs(flat(full)).max())


def test_squared_losses_merge_exactly():
    """Their expansion is no approximation."""
    model = skdist.DistributedTweedieRegressor(power=0, alpha=0.3)
    full = clone(model).fit(X, COUNTS, WEIGHT)
    merged = merge(cut(model, X, COUNTS, 7, WEIGHT))
    assert_allclose(flat(merged), flat(full), rtol=1e-9)
    assert merged.report_.exact
    assert merged.report_.why == (
        "Squared losses are their own expansions to second order: exact.",
    )


# Classes that differ.


def test_two_shards_of_two_classes_become_one_model_of_three():
    """{0, 1} and {1, 2}: each keeps its odds, as the conditional likelihood of what it saw."""
    first, second = Y < 2, Y > 0
    models = [logistic(C=np.inf).fit_shard(X[rows], Y[rows]) for rows in (first, second)]
    merged = merge(models)
    assert_array_equal(merged.classes_, [0, 1, 2])
    w = np.column_stack([merged.coef_, merged.intercept_])
    for model, k in zip(models, (0, 1), strict=True):
        own = np.append(model.coef_, model.intercept_)
        assert_allclose(w[k + 1] - w[k], own, atol=1e-6)
    assert_allclose(w.sum(axis=0), 0.0, atol=1e-9)
    full = logistic(C=np.inf).fit(X, Y)
    assert_allclose(merged.predict_proba(X), full.predict_proba(X), atol=0.2)
    assert merged.score(X, Y) > full.score(X, Y) - 0.03


def test_the_mean_keeps_odds_too():
    first, second = Y < 2, Y > 0
    models = [sk.LogisticRegression().fit(X[rows], Y[rows]) for rows in (first, second)]
    merged = merge(models)
    w = np.column_stack([merged.coef_, merged.intercept_])
    for model, k in zip(models, (0, 1), strict=True):
        assert_allclose(w[k + 1] - w[k], np.append(model.coef_, model.intercept_), atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_sorted_by_label(n_classes):
    """Told of all classes, shards of a single one merge to a model that is of use."""
    features, y, _ = classes_problem(n_classes, n=1200)
    full = logistic().fit(features, y)
    models = cut(logistic(), features, y, 6, order=np.argsort(y), classes=range(n_classes))
    for model in models:
        assert_array_equal(model.classes_, range(n_classes))
        assert np.isfinite(flat(model)).all()
    merged = merge(models)
    assert merged.score(features, y) > full.score(features, y) - 0.05
    assert objective(merged, features, y) < 1.1 * objective(full, features, y)


def test_a_shard_may_be_told_of_more_classes():
    names = np.array(["ash", "birch", "cedar"])[Y]
    everything = ["cedar", "ash", "birch", "elm"]
    model = logistic(n_shards=3).fit_shard(X, names, classes=everything)
    assert_array_equal(model.classes_, sorted(everything))
    assert model.predict_proba(X).shape == (len(X), 4)
    assert model.predict_proba(X)[:, 3].max() < 0.2
    assert model.score(X, names) > logistic().fit(X, names).score(X, names) - 0.05
    assert len(model.report_.shards[0].rates) == 4
    same = logistic().fit_shard(X, names, classes=["ash", "birch", "cedar"])
    assert_allclose(flat(same), flat(logistic().fit(X, names)), atol=1e-9)
    with pytest.raises(ValueError, match=r"classes=\['ash'\] lacks \['birch', 'cedar'\]"):
        logistic().fit_shard(X, names, classes=["ash"])
    with pytest.raises(ValueError, match=r"no rows of the classes \['elm'\], and solver='saga'"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logistic(solver="saga").fit_shard(X, names, classes=everything)


def test_a_class_of_its_own_needs_to_be_told_of_the_others():
    with pytest.raises(ValueError, match="use fit_shard and pass all classes there are"):
        logistic().fit_shard(X[Y == 1], Y[Y == 1])
    model = logistic().fit_shard(X[Y == 1], Y[Y == 1], classes=[0, 1, 2])
    assert (model.predict(X) == 1).all()
    two = logistic().fit_shard(X[Y == 1], Y[Y == 1], classes=[0, 1])
    assert two.coef_.shape == (1, X.shape[1])
    assert (two.predict(X) == 1).all()


def test_classes_that_no_shard_compares():
    """{0, 1} and {2, 3}: nothing tells how likely the pairs are; neither is preferred."""
    y = 2 * (np.arange(len(Y)) % 2) + BINARY[1]
    models = [logistic().fit_shard(BINARY[0][rows], y[rows]) for rows in (y < 2, y >= 2)]
    merged = merge(models)
    assert_array_equal(merged.classes_, [0, 1, 2, 3])
    p = merged.predict_proba(np.zeros((1, X.shape[1])))[0]
    assert np.isfinite(flat(merged)).all()
    w = merged.intercept_
    assert w[0] + w[1] == pytest.approx(w[2] + w[3], abs=1e-6)
    assert p.min() > 0.1


# Plain scikit-learn models.

PLAIN_REGRESSORS = [
    sk.LinearRegression(),
    sk.Ridge(),
    sk.Lasso(alpha=0.01),
    sk.ElasticNet(alpha=0.01),
    sk.HuberRegressor(),
    sk.SGDRegressor(random_state=0),
    sk.PoissonRegressor(),
    sk.GammaRegressor(),
    sk.TweedieRegressor(power=1.5),
]


def named(model):
    return type(model).__name__


@pytest.mark.parametrize("model", PLAIN_REGRESSORS, ids=named)
def test_plain_regressors_are_averaged(model):
    y = COUNTS + 0.5
    parts = [clone(model).fit(X[i::3], y[i::3]) for i in range(3)]
    merged = merge(parts)
    assert isinstance(merged, type(model))
    assert_allclose(flat(merged), np.mean([flat(part) for part in parts], axis=0), rtol=1e-12)
    assert merged.coef_.shape == parts[0].coef_.shape
    assert np.shape(merged.intercept_) == np.shape(parts[0].intercept_)
    assert merged.report_.strategy == "average"
    assert merged.report_.why[0].startswith("Coefficients were averaged, each the same, since not")
    assert merged.score(X, y) > 0.0
    nested = merge([merge(parts[:2]), parts[2]])
    assert_allclose(flat(nested), flat(merged), rtol=1e-12)


def test_several_targets_are_averaged():
    y = np.column_stack([COUNTS, Y])
    parts = [sk.Ridge().fit(X[i::2], y[i::2]) for i in range(2)]
    merged = merge(parts)
    assert_allclose(merged.coef_, (parts[0].coef_ + parts[1].coef_) / 2)
    assert merged.predict(X).shape == y.shape
    with pytest.raises(ValueError, match="shape of coef_ of model 0 and model 1 differ"):
        merge([parts[0], sk.Ridge().fit(X, Y)])


PLAIN_CLASSIFIERS = [
    sk.LogisticRegression(),
    sk.LogisticRegression(solver="liblinear"),
    sk.RidgeClassifier(),
    sk.SGDClassifier(random_state=0),
    sk.SGDClassifier(loss="log_loss", random_state=0),
    LinearSVC(),
]


@pytest.mark.parametrize("model", PLAIN_CLASSIFIERS, ids=named)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_plain_classifiers_are_averaged(model, n_classes):
    features, y = (X, Y) if n_classes == 3 else BINARY[:2]
    if n_classes == 3 and getattr(model, "solver", "") == "liblinear":
        pytest.skip("two classes only")
    names = np.array(["ash", "birch", "cedar"])[y]
    parts = [clone(model).fit(features[i::3], names[i::3]) for i in range(3)]
    merged = merge(parts)
    assert isinstance(merged, type(model))
    z = np.mean([part.decision_function(features) for part in parts], axis=0)
    assert_allclose(merged.decision_function(features), z, atol=1e-9)
    assert_array_equal(np.unique(merged.predict(features)), np.unique(names))
    assert merged.score(features, names) > 0.5


@pytest.mark.parametrize(
    "model", [sk.RidgeClassifier(), LinearSVC(), sk.SGDClassifier(random_state=0)], ids=named
)
def test_classes_with_the_rest_are_aligned(model):
    """A class has the mean of the models that know it."""
    three = clone(model).fit(X, Y)
    two = clone(model).fit(X[Y > 0], Y[Y > 0])
    own = np.ravel(two.coef_)
    merged = merge([three, two])
    assert_array_equal(merged.classes_, [0, 1, 2])
    assert_allclose(merged.coef_[0], three.coef_[0])
    assert_allclose(merged.coef_[1], (three.coef_[1] - own) / 2)
    assert_allclose(merged.coef_[2], (three.coef_[2] + own) / 2)
    assert set(merged.predict(X)) <= {0, 1, 2}


def test_rows_that_are_known_weigh():
    small, large = (logistic().fit(X[rows], Y[rows]) for rows in (slice(0, 300), slice(300, 1200)))
    merged = merge([small, large])
    expected = 0.25 * small.coef_ + 0.75 * large.coef_
    assert_allclose(merged.coef_, expected, atol=1e-9)
    assert merged.report_.why == (
        "Coefficients were averaged, each by the weight of its rows: approximate.",
    )


def test_sparsified_coefficients():
    model = sk.LogisticRegression().fit(X, Y)
    coef = model.coef_ - model.coef_.mean(axis=0)
    assert_allclose(merge([model.sparsify()]).coef_, coef, atol=1e-12)


# What does not fit together.


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: sk.Ridge().fit(X, Y), "model 1 a Ridge. Merge models of one kind"),
        (lambda: logistic().fit(X[:, :3], Y), "number of features of model 0 and model 1 differ"),
        (lambda: logistic(fit_intercept=False).fit(X, Y), "fit_intercept of model 0 and model 1"),
    ],
)
def test_models_that_do_not_fit_together(other, message):
    with pytest.raises(ValueError, match=message):
        merge([logistic().fit(X, Y), other()])


def test_parameters_of_the_loss_must_agree():
    models = [sk.TweedieRegressor(power=p).fit(X, COUNTS + 0.5) for p in (1.5, 2)]
    with pytest.raises(ValueError, match=r"power of model 0 and model 1 differ: 1.5 and 2"):
        merge(models)


def test_what_cannot_be_merged():
    searched = sk.LogisticRegressionCV(
        cv=2, scoring="accuracy", l1_ratios=(0,), use_legacy_attributes=False
    )
    with pytest.raises(TypeError, match="LogisticRegressionCV, which cannot be merged"):
        merge([searched.fit(X, Y)])
    with pytest.raises(ValueError, match="takes rows for forests only"):
        merge([logistic().fit(X, Y)], X, Y)


def test_curvature_that_is_too_large_is_not_kept():
    wide = np.random.default_rng(0).normal(size=(30, 4100))
    models = [logistic().fit_shard(wide[i::2], np.arange(15) % 2) for i in range(2)]
    assert models[0].report_.why[-1] == (
        "The curvature, 67,289,208 bytes, is not kept: a merge averages coefficients."
    )
    assert merge(models).report_.strategy == "average"


def test_fit_forgets_the_curvature():
    model = logistic().fit_shard(X, Y)
    assert model._expansion is not None
    assert model.fit(X, Y)._expansion is None


# The sums.


def test_pairs_are_numbered_in_order():
    for K in (2, 3, 5):
        first, second = pairs(K)
        assert_array_equal(pair_number(first, second, K), np.arange(K * (K - 1) // 2))


def random_expansion(rng, classes):
    """Of a random model of random rows."""
    n = 60
    features, y = rng.normal(size=(n, 3)), rng.choice(classes, n)
    y[: len(classes)] = classes
    return logistic(C=0.5).fit_shard(features, y)._expansion


def test_expansions_are_associative_with_any_classes():
    rng = np.random.default_rng(0)
    a, b, c = (random_expansion(rng, cls) for cls in ([0, 1], [1, 2, 3], [0, 3]))
    left, right = (a + b) + c, a + (b + c)
    for name in ("grams", "pull", "centre", "spread", "weight", "classes"):
        assert_allclose(getattr(left, name), getattr(right, name), rtol=1e-12, atol=1e-12)
    assert isinstance(left, LossExpansion)


def test_sums_of_coefficients_are_associative_with_any_classes():
    rng = np.random.default_rng(0)
    for kind in ("softmax", "margin"):
        a, b, c = (
            CoefficientSums.of(
                kind, rng.normal(size=(rows, 2)), rng.normal(size=rows), np.array(cls)
            )
            for rows, cls in ((1, [0, 1]), (3, [1, 2, 3]), (1, [0, 3]))
        )
        assert_allclose(((a + b) + c).average(), (a + (b + c)).average(), atol=1e-12)


def test_the_reference_is_far_from_a_shard():
    """So that the comparisons above mean something."""
    coef, _ = best(3, "l2")
    features, y, _ = classes_problem(3)
    shard = logistic(C=0.5).fit(features[:60], y[:60])
    assert np.abs(shard.coef_ - coef).max() > 0.05
