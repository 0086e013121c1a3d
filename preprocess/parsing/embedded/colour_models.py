"""Colour models: a few Gaussians in Lab per class, fitted on seeds, compared by log-likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Lab

NOISE = (4.0, 2.5, 2.5)
"""Smallest standard deviation of a component in L, a, b: grain and JPEG blocks carry no information."""
OUTLIERS = 0.05 / (100 * 200 * 200)
"""Density of colours that fit no component; it limits the influence of one pixel."""
MAX_SEEDS = 3000
SEED = 7


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians.

    Args:
        shares: (k,) float32, sum 1.
        means: (k, 3) float32 Lab.
        covariances: (k, 3, 3) float32.
    """

    shares: NDArray[np.float32]
    means: NDArray[np.float32]
    covariances: NDArray[np.float32]

    def log_likelihood(self, lab: Lab) -> NDArray[np.float32]:
        """(..., 3) Lab → (...) float32, never below the level of outliers."""
        channels = np.ascontiguousarray(lab.reshape(-1, 3).T)
        density = np.full(channels.shape[1], OUTLIERS, np.float32)
        for share, mean, covariance in zip(self.shares, self.means, self.covariances, strict=True):
            precision = np.linalg.inv(covariance.astype(np.float64))
            factor = np.linalg.cholesky(precision).astype(np.float32)
            apart = factor.T @ (channels - mean[:, None])
            apart *= apart
            norm = share * math.sqrt(float(np.linalg.det(precision))) / (2 * math.pi) ** 1.5
            density += np.float32(0.95 * norm) * np.exp(-0.5 * (apart[0] + apart[1] + apart[2]))
        result: NDArray[np.float32] = np.log(density).reshape(lab.shape[:-1])
        return result


def fit(seeds: Lab, parts: int, noise: tuple[float, float, float] = NOISE) -> Mixture:
    """Fit a mixture: k-means, then one Gaussian per cluster. Deterministic.

    Args:
        seeds: (n, 3) float32 Lab; n ≥ 1.
        parts: components at most.
        noise: smallest standard deviation in L, a, b.
    """
    seeds = np.ascontiguousarray(thinned(seeds))
    parts = max(1, min(parts, len(seeds) // 20))
    labels = np.zeros(len(seeds), np.int32)
    if parts > 1:
        cv2.setRNGSeed(SEED)
        stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
        _, found, _ = cv2.kmeans(seeds, parts, None, stop, 1, cv2.KMEANS_PP_CENTERS)
        labels = found.ravel()
    floor = np.diag(np.square(noise)).astype(np.float32)
    groups = [seeds[labels == part] for part in range(parts) if np.count_nonzero(labels == part)]
    shares = np.array([len(group) for group in groups], np.float32) / float(len(seeds))
    means = np.stack([group.mean(0) for group in groups])
    covariances = np.stack([_covariance(group) + floor for group in groups])
    return Mixture(shares, means.astype(np.float32), covariances.astype(np.float32))


def thinned(seeds: Lab, most: int = MAX_SEEDS) -> Lab:
    """Every n-th seed, so that at most `most` remain."""
    return seeds[:: max(1, math.ceil(len(seeds) / most))]


def trimmed_gaussian(seeds: Lab, noise: tuple[float, float, float]) -> Mixture:
    """One Gaussian of the central 70 % of the seeds: eyes, lips and highlights are left out of skin."""
    middle = np.median(seeds, 0)
    spread = np.median(np.abs(seeds - middle), 0) * 1.5 + 1.0
    apart = np.square((seeds - middle) / spread).sum(1)
    core = seeds[apart <= np.quantile(apart, 0.7)]
    return fit(core, 1, noise)


def _covariance(group: Lab) -> NDArray[np.float32]:
    if len(group) < 4:
        return np.zeros((3, 3), np.float32)
    return np.cov(group, rowvar=False).astype(np.float32)
