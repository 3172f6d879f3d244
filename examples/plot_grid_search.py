# SPDX-License-Identifier: BSD-3-Clause
"""
Does a grid search find the same with a distributed estimator?
==============================================================

An estimator of skdist is an estimator of scikit-learn: it can be cloned, put into a pipeline and
searched over. Here only the import changes, and the two searches are compared.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skdist import DistributedSVC

X, y = load_digits(return_X_y=True)
C, gamma = [0.1, 1, 10, 100], [0.001, 0.003, 0.01, 0.03]


def searched(estimator, prefix):
    """Mean accuracies of three-fold cross-validation, a row for each C."""
    grid = {f"{prefix}__C": C, f"{prefix}__gamma": gamma}
    search = GridSearchCV(make_pipeline(StandardScaler(), estimator), grid, cv=3, n_jobs=2)
    search.fit(X, y)
    return search, search.cv_results_["mean_test_score"].reshape(len(C), len(gamma))


# %%
# ``n_jobs`` belongs to the search here: two candidates are fitted at once, each in a process of its
# own, and the fits within start no pools of their own. Without it the candidates come one after the
# other, and each uses all cores.
theirs, their_scores = searched(SVC(), "svc")
ours, our_scores = searched(DistributedSVC(), "distributedsvc")
print("scikit-learn's best:", theirs.best_params_)
print("      skdist's best:", ours.best_params_)
print("largest difference of a mean accuracy:", np.abs(our_scores - their_scores).max())

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for ax, name, scores in zip(
    axes, ["SVC", "DistributedSVC"], [their_scores, our_scores], strict=True
):
    image = ax.imshow(scores, cmap="cividis", vmin=0.6, vmax=1.0)
    for (row, column), score in np.ndenumerate(scores):
        shade = "white" if score < 0.8 else "black"
        ax.text(column, row, f"{score:.3f}", ha="center", va="center", color=shade)
    ax.set_xticks(range(len(gamma)), gamma)
    ax.set_yticks(range(len(C)), C)
    ax.set(xlabel="gamma (width of the kernel)", title=name)
axes[0].set_ylabel("C (weight of the losses)")
figure.colorbar(image, ax=axes, label="accuracy, mean of three folds")
plt.show()

# %%
# The two solve the same problem to the same tolerance, and so the two searches end alike.
