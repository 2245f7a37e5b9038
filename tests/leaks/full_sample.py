"""Numbers taken over the whole table and used in its first row."""

from __future__ import annotations

import numpy as np
import polars as pl

from assay.evidence.causality import Leak
from tests.leaks import bars
from tests.leaks.bars import Frame
from tests.leaks.cases import CASES


def returns(hours: Frame) -> Frame:
    import pandas as pd

    lags = {f"return_{lag}": np.log(hours["close"]).diff(lag) for lag in (1, 4, 12)}
    return pd.DataFrame(lags).fillna(0.0)


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "volume")
def global_z_score(hours: Frame) -> Frame:
    """A z-score with mean and deviation of the whole table."""
    volume = hours[["volume"]]
    return (volume - volume.mean()) / volume.std()


@CASES.twin()
def expanding_z_score(hours: Frame) -> Frame:
    """A z-score with mean and deviation so far."""
    volume = hours[["volume"]]
    return (volume - volume.expanding().mean()) / volume.expanding().std()


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "place", frame=bars.panel)
def min_max_on_all(panel: pl.DataFrame) -> pl.DataFrame:
    """The close between the lowest and the highest of its coin's whole history."""
    low, high = pl.col("low").min().over("symbol"), pl.col("high").max().over("symbol")
    return panel.select("symbol", "open_time", place=(pl.col("close") - low) / (high - low))


@CASES.twin(frame=bars.panel)
def min_max_so_far(panel: pl.DataFrame) -> pl.DataFrame:
    """The close between the lowest and the highest so far."""
    low, high = pl.col("low").cum_min().over("symbol"), pl.col("high").cum_max().over("symbol")
    return panel.select("symbol", "open_time", place=(pl.col("close") - low) / (high - low))


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "rank")
def rank_over_all(hours: Frame) -> Frame:
    """The rank of a volume among those of the whole table."""
    return hours["volume"].rank(pct=True).rename("rank")


@CASES.twin(is_seldom=True)
def rank_in_a_window(hours: Frame) -> Frame:
    """The rank of a volume among the last hundred."""
    return hours["volume"].rolling(100).rank(pct=True).rename("rank")


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "bucket")
def quantile_buckets_on_all(hours: Frame) -> Frame:
    """Five buckets with edges from the whole table."""
    import pandas as pd

    return pd.qcut(hours["volume"], 5, labels=False).rename("bucket")


@CASES.twin(is_seldom=True)
def buckets_with_given_edges(hours: Frame) -> Frame:
    """Buckets with edges somebody chose beforehand."""
    return hours[[]].assign(bucket=np.digitize(hours["volume"], [10.0, 20.0, 40.0]))


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "return_1")
def clipped_by_quantiles_of_all(hours: Frame) -> Frame:
    """Outliers clipped at quantiles of the whole table: few rows change, and all of them leak."""
    change = returns(hours)[["return_1"]]
    return change.clip(change.quantile(0.01), change.quantile(0.99), axis=1)


@CASES.twin(is_seldom=True)
def clipped_by_quantiles_so_far(hours: Frame) -> Frame:
    """Outliers clipped at quantiles of the bars before."""
    change = returns(hours)["return_1"]
    before = change.shift(1).rolling(200)
    return change.clip(before.quantile(0.01), before.quantile(0.99)).to_frame()


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "first")
def principal_component_of_all(hours: Frame) -> Frame:
    """A principal component fitted on the whole table."""
    from sklearn.decomposition import PCA

    return hours[[]].assign(first=PCA(1, svd_solver="full").fit_transform(returns(hours))[:, 0])


@CASES.twin(is_seldom=True)
def principal_component_of_the_first_weeks(hours: Frame) -> Frame:
    """A principal component fitted on the first ten days, and no value for them."""
    from sklearn.decomposition import PCA

    features, days = returns(hours), 240
    first = np.full(len(hours), np.nan)
    if len(hours) > days:
        first[days:] = PCA(1, svd_solver="full").fit(features[:days]).transform(features[days:])[:, 0]
    return hours[[]].assign(first=first)


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "detrended")
def detrended_on_all(hours: Frame) -> Frame:
    """A straight line through the whole table taken off."""
    row = np.arange(len(hours))
    line = np.polyval(np.polyfit(row, hours["close"], 1), row) if len(hours) > 1 else hours["close"]
    return hours[[]].assign(detrended=hours["close"] - line)


@CASES.twin()
def detrended_by_a_window(hours: Frame) -> Frame:
    """The mean of the last two days taken off."""
    return (hours["close"] - hours["close"].rolling(48).mean()).rename("detrended")


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "return_4")
def scaler_on_all(hours: Frame) -> Frame:
    """`StandardScaler().fit_transform` on the whole table, before any split."""
    import pandas as pd
    from sklearn.preprocessing import StandardScaler

    features = returns(hours)
    return pd.DataFrame(StandardScaler().fit_transform(features), hours.index, features.columns)


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "smooth", is_seldom=True)
def low_frequencies_kept(hours: Frame) -> Frame:
    """A Fourier transform of the whole table, high frequencies dropped, and back."""
    spectrum = np.fft.rfft(hours["close"])
    spectrum[20:] = 0
    return hours[[]].assign(smooth=np.fft.irfft(spectrum, len(hours)))


@CASES.twin(is_seldom=True)
def exponential_average(hours: Frame) -> Frame:
    """An exponential moving average."""
    return hours["close"].ewm(span=20, adjust=False).mean().rename("smooth")


@CASES.leak(Leak.FULL_SAMPLE_STATISTIC, "beta", frame=bars.panel, is_seldom=True)
def beta_of_the_whole_history(panel: pl.DataFrame) -> pl.DataFrame:
    """A beta from the whole history, written into every row of it."""
    change = panel.with_columns(change=pl.col("close").log().diff().over("symbol"))
    market = change.group_by("open_time").agg(market=pl.col("change").mean())
    both = change.join(market, on="open_time", maintain_order="left")
    beta = (pl.cov("change", "market") / pl.col("market").var()).over("symbol")
    return both.select("symbol", "open_time", beta=beta)


@CASES.twin(frame=bars.hours, is_seldom=True)
def autocorrelation_in_a_window(hours: Frame) -> Frame:
    """How returns of the last hundred bars follow one another."""
    change = np.log(hours["close"]).diff()
    return change.rolling(100).corr(change.shift(1)).rename("follows")
