"""Strengths from comparisons, by the model of Bradley and Terry (1952): the log-odds that one is preferred to another.

Ties count half a win for each side.

Intervals say what other judges and other pictures of the same kind may give. Answers of one judge hang together, and
so do those about one picture. So the variance of a strength is that of the model, which takes all answers for
independent, plus what judges add, plus what pictures add: for each, the variance of strengths when judges (or pictures)
are drawn anew with replacement, less the model's, but no less than 0. That is the variance for clusters in two
directions of Cameron, Gelbach and Miller (2011), by the bootstrap. Whole clusters are drawn, not answers within them,
which would count the noise of single answers twice (Davison and Hinkley 1997, section 3.8). Variances are used, not
percentiles, because a few clusters have no sensible ones. For few clusters the variance is multiplied by G / (G - 1),
and the interval takes Student's t with G - 1 degrees of freedom, G being the smaller of the numbers of judges and
pictures (Cameron and Miller 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import choix
import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import expit
from scipy.stats import t as student

#: How sure an interval is.
LEVEL = 0.95
#: Samples drawn for a variance; 200 are plenty (Efron and Tibshirani 1993, section 6.4).
RESAMPLES = 200
#: Judges, and pictures, without which nothing can be said about others.
FEWEST = 2


@dataclass(frozen=True)
class Comparison:
    """A judge's answer about a picture. score: 1 if `first` was preferred, 0 if `second`, 0.5 for a tie."""

    judge: str
    picture: str
    first: str
    second: str
    score: float


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its interval, which are None where there are too few answers to tell."""

    value: float
    low: float | None
    high: float | None


def strengths(comparisons: Sequence[Comparison], items: Sequence[str], seed: int = 0) -> list[Estimate] | None:
    """The strength of each item, with mean 0: in log-odds, so that 1 above another is preferred in 73 % of answers.

    None if there are answers of fewer than two judges or about fewer than two pictures, or if no chain of comparisons
    leads from one item to another.
    """
    rng = np.random.default_rng(seed)
    clusters = [_wins(comparisons, items, by) for by in ("judge", "picture")]
    total = clusters[0].sum(axis=0)
    smallest = min(map(len, clusters))
    if smallest < FEWEST or connected_components(total + total.T)[0] > 1:
        return None
    fitted = _fit(total)
    model = variance = _model_variance(total, fitted)
    for wins in clusters:
        variance = variance + np.maximum(0, _cluster_variance(wins, fitted, rng) - model)
    reach = student.ppf(0.5 + LEVEL / 2, smallest - 1) * np.sqrt(variance)
    return [
        Estimate(float(value), float(value - each), float(value + each))
        for value, each in zip(fitted, reach, strict=True)
    ]


def share(comparisons: Sequence[Comparison], winner: str, loser: str, seed: int = 0) -> Estimate:
    """How often one of two items was preferred, from 0 to 1, all comparisons being between them; at least one.

    The interval is that of the two strengths, and reaches to the share itself where that is 0 or 1.
    """
    value = float(np.mean([each.score if each.first == winner else 1 - each.score for each in comparisons]))
    fitted = strengths(comparisons, (winner, loser), seed)
    if fitted is None or fitted[0].low is None or fitted[0].high is None:
        return Estimate(value, None, None)
    low, high = (float(expit(2 * end)) for end in (fitted[0].low, fitted[0].high))  # the loser's is the negative
    return Estimate(value, min(low, value), max(high, value))


def _wins(comparisons: Sequence[Comparison], items: Sequence[str], by: str) -> np.ndarray:
    """Of each judge, or picture: how often each item (row) won against each other. Shape (clusters, items, items)."""
    index = {item: i for i, item in enumerate(items)}
    names = {name: i for i, name in enumerate(dict.fromkeys(getattr(each, by) for each in comparisons))}
    wins = np.zeros((len(names), len(items), len(items)))
    for each in comparisons:
        cluster, first, second = names[getattr(each, by)], index[each.first], index[each.second]
        wins[cluster, first, second] += each.score
        wins[cluster, second, first] += 1 - each.score
    return wins


def _prior(count: int) -> np.ndarray:
    """Wins that are added, so that an item that always wins stays finite: 1 / items for each side of each pair.

    In sum as much as Firth's penalty (1993) adds to a logistic regression; for two items the customary half.
    """
    return (1 - np.eye(count)) / count


def _fit(wins: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """Strengths with mean 0, shape (items,), from wins (items, items). start: strengths to begin with, for speed."""
    wins = wins + _prior(len(wins))
    if len(wins) == 2:  # has a closed form, which saves the many shares much time
        half = np.log(wins[0, 1] / wins[1, 0]) / 2
        return np.array([half, -half])
    fitted = choix.ilsr_pairwise_dense(wins, initial_params=start, max_iter=1000, tol=1e-4)
    return fitted - fitted.mean()


def _model_variance(wins: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Variance of each strength if all answers were independent: from Fisher's information. Shape (items,)."""
    count = wins + wins.T + 2 * _prior(len(wins))
    chance = expit(fitted[:, None] - fitted)
    weight = count * chance * (1 - chance)
    information = np.diag(weight.sum(axis=1)) - weight
    mean = np.full_like(weight, 1 / len(weight))  # the direction of which comparisons tell nothing
    return np.diag(np.linalg.inv(information + mean) - mean)


def _cluster_variance(wins: np.ndarray, fitted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Variance of each strength over draws of clusters with replacement. wins: (clusters, items, items)."""
    count = len(wins)
    draws = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    drawn = [_fit(each, fitted) for each in np.tensordot(draws, wins, axes=1)]
    return np.var(drawn, axis=0) * count / (count - 1)
