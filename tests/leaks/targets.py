"""Labels: found again among the features, reaching farther than they say, learned from before they were known."""

from __future__ import annotations

import numpy as np

from assay.evidence.causality import Leak
from tests.leaks import bars
from tests.leaks.bars import Frame
from tests.leaks.cases import CASES, fits, labels, splits

HOUR_US = 3_600_000_000
AHEAD = 24


def features_of(hours: Frame) -> Frame:
    """Return three honest features."""
    import pandas as pd

    change = np.log(hours["close"]).diff()
    return pd.DataFrame({"return_1": change, "return_24": change.rolling(24).sum(), "spread": change.rolling(24).std()})


def ahead(hours: Frame) -> Frame:
    return np.log(hours["close"].shift(-AHEAD) / hours["close"])


def rows_of(hours: Frame) -> Frame:
    """Return x, y, the moment of each forecast and the moment its answer is known, without rows that lack anything."""
    x, y = features_of(hours), ahead(hours)
    kept = x.notna().all(axis=1) & y.notna()
    known_at = hours.index.as_unit("us").asi8[kept.to_numpy()] + HOUR_US
    return x[kept], (y[kept] > 0).astype(int), known_at, known_at + AHEAD * HOUR_US


@CASES.leak(Leak.TARGET_COPY, "momentum", target="label")
def target_under_another_name(hours: Frame) -> Frame:
    """The label left among the features under another name."""
    return features_of(hours).assign(momentum=ahead(hours), label=ahead(hours))


@CASES.leak(Leak.TARGET_NEAR_COPY, "return_24", target="label")
def label_is_the_sign_of_a_feature(hours: Frame) -> Frame:
    """The label shifted the wrong way: it is the sign of a feature, and a model is right nearly always."""
    features = features_of(hours)
    return features.assign(label=(hours["close"] > hours["close"].shift(AHEAD)).astype(float))


@CASES.leak(Leak.TARGET_NEAR_COPY, "score", target="label", also=(Leak.FUTURE_VALUE,), is_seldom=True)
def target_scaled_and_shaken(hours: Frame) -> Frame:
    """The label on another scale with a little noise."""
    noise = np.random.default_rng(3).normal(0, 1e-5, len(hours))
    return features_of(hours).assign(score=50 + 10 * np.tanh(30 * ahead(hours)) + noise, label=ahead(hours))


@CASES.twin(target="label")
def label_beside_honest_features(hours: Frame) -> Frame:
    """Features of the past, and the return of the day after."""
    return features_of(hours).assign(label=ahead(hours))


@CASES.twin(target="is_up", is_seldom=True)
def direction_beside_honest_features(hours: Frame) -> Frame:
    """Features of the past, and the direction of the day after."""
    later = ahead(hours)
    return features_of(hours).assign(is_up=(later > 0).astype(float).where(later.notna()))


@CASES.leak(Leak.TARGET_ENCODING, "hour_rate", target="is_up", frame=bars.hours_with_target)
def target_encoding_of_all_rows(hours: Frame) -> Frame:
    """How often the price rose at this hour of the day, over the whole table."""
    rate = hours["is_up"].groupby(hours.index.hour).transform("mean")
    return hours[["is_up"]].assign(hour_rate=rate)


@CASES.twin(target="is_up", frame=bars.hours_with_target)
def target_encoding_of_rows_that_are_known(hours: Frame) -> Frame:
    """How often the price rose at this hour of the days before."""
    by_hour = hours["is_up"].groupby(hours.index.hour)
    rate = by_hour.transform(lambda known: known.shift(1).expanding().mean())
    return hours[["is_up"]].assign(hour_rate=rate)


@CASES.leak(Leak.LABEL_SPAN, "value", lag=25, run=labels)
def label_one_bar_too_far(hours: Frame) -> Frame:
    """A label of 24 hours that reads the close of the 25th."""
    import pandas as pd

    closes = hours.index + pd.Timedelta(hours=1)
    value = hours["close"].shift(-25) / hours["close"] - 1
    return pd.DataFrame({"value": value, "start": closes, "end": closes + pd.Timedelta(hours=24)})


@CASES.leak(Leak.LABEL_SPAN, "value", run=labels, is_seldom=True)
def label_scaled_by_all(hours: Frame) -> Frame:
    """A label divided by the deviation of all labels: each one knows the whole table."""
    import pandas as pd

    closes = hours.index + pd.Timedelta(hours=1)
    value = hours["close"].shift(-24) / hours["close"] - 1
    return pd.DataFrame({"value": value / value.std(), "start": closes, "end": closes + pd.Timedelta(hours=24)})


@CASES.twin(run=labels)
def label_as_declared(hours: Frame) -> Frame:
    """A label of 24 hours that says so."""
    import pandas as pd

    closes = hours.index + pd.Timedelta(hours=1)
    value = hours["close"].shift(-24) / hours["close"] - 1
    return pd.DataFrame({"value": value, "start": closes, "end": closes + pd.Timedelta(hours=24)})


@CASES.leak(Leak.LABEL_FEATURE_OVERLAP, "value", run=labels)
def label_that_begins_too_early(hours: Frame) -> Frame:
    """A label counted from the bar's open: part of the answer has happened when the forecast is made."""
    import pandas as pd

    opens = hours.index.to_series()
    value = hours["close"].shift(-24) / hours["open"] - 1
    return pd.DataFrame({"value": value, "start": opens, "end": opens + pd.Timedelta(hours=25)})


def _pipeline() -> Frame:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression())


def _halves(count: int) -> tuple[Frame, Frame]:
    """Return the rows of the first half less those whose labels reach into the second, and the second."""
    return np.arange(count // 2 - AHEAD), np.arange(count // 2, count)


@CASES.leak(Leak.FITTED_ON_THE_FUTURE, "scaler", run=fits)
def scaler_fitted_before_the_split(hours: Frame) -> Frame:
    """A scaler fitted on all rows, and a model on the rows to train on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    x, y, _, _ = rows_of(hours)
    train, test = _halves(len(x))
    scaler = StandardScaler().fit(x)
    model = LogisticRegression().fit(scaler.transform(x)[train], y.iloc[train])
    return Pipeline([("scaler", scaler), ("model", model)]), x, y, train, test


@CASES.leak(Leak.FITTED_ON_THE_FUTURE, "chosen", run=fits)
def features_selected_before_the_split(hours: Frame) -> Frame:
    """The best of thirty features chosen by all labels, those to be tested included."""
    import pandas as pd
    from sklearn.feature_selection import SelectKBest, f_classif
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    _, y, _, _ = rows_of(hours)
    noise = np.random.default_rng(8).normal(size=(len(y), 30))
    x = pd.DataFrame(noise, y.index, [f"noise_{at}" for at in range(30)])
    train, test = _halves(len(x))
    chosen = SelectKBest(f_classif, k=3).fit(x, y)
    model = LogisticRegression().fit(chosen.transform(x)[train], y.iloc[train])
    return Pipeline([("chosen", chosen), ("model", model)]), x, y, train, test


@CASES.leak(Leak.TARGET_ENCODING, "encoder", run=fits)
def encoder_fitted_before_the_split(hours: Frame) -> Frame:
    """A target encoder fitted on all labels."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import TargetEncoder

    _, y, _, _ = rows_of(hours)
    x = pd.DataFrame({"hour": [f"{at:02d}h" for at in y.index.hour]}, y.index)
    train, test = _halves(len(x))
    encoder = TargetEncoder(random_state=0).fit(x, y)
    model = LogisticRegression().fit(encoder.transform(x)[train], y.iloc[train])
    return Pipeline([("encoder", encoder), ("model", model)]), x, y, train, test


@CASES.leak(Leak.FITTED_ON_THE_FUTURE, "logisticregression", run=fits, is_seldom=True)
def model_fitted_on_all(hours: Frame) -> Frame:
    """The whole pipeline fitted on all rows, and then "tested"."""
    x, y, _, _ = rows_of(hours)
    train, test = _halves(len(x))
    return _pipeline().fit(x, y), x, y, train, test


@CASES.twin(run=fits)
def pipeline_fitted_on_its_rows(hours: Frame) -> Frame:
    """Scaler and model fitted on the rows to train on."""
    x, y, _, _ = rows_of(hours)
    train, test = _halves(len(x))
    return _pipeline().fit(x.iloc[train], y.iloc[train]), x, y, train, test


@CASES.leak(Leak.SHUFFLED_SPLIT, run=splits)
def shuffled_split(hours: Frame) -> Frame:
    """`train_test_split` as it comes, which shuffles."""
    from sklearn.model_selection import train_test_split

    _, _, known_at, until = rows_of(hours)
    train, test = train_test_split(np.arange(known_at.size), test_size=0.25, random_state=0)
    return known_at, until, train, test


@CASES.leak(Leak.LABEL_FEATURE_OVERLAP, run=splits)
def split_without_purging(hours: Frame) -> Frame:
    """A split in time, in which the last labels to learn from end among the rows to be tested."""
    _, _, known_at, until = rows_of(hours)
    half = known_at.size // 2
    return known_at, until, np.arange(half), np.arange(half, known_at.size)


@CASES.twin(run=splits)
def split_with_purging(hours: Frame) -> Frame:
    """The same, without the labels that end in the block to be tested."""
    _, _, known_at, until = rows_of(hours)
    train, test = _halves(known_at.size)
    return known_at, until, train, test


@CASES.twin(run=splits)
def walk_forward_split(hours: Frame) -> Frame:
    """The last fold of Assay's own walk-forward split."""
    from assay.models.splits import walk_forward

    _, _, known_at, until = rows_of(hours)
    fold = walk_forward(known_at, until, folds=3)[-1]
    return known_at, until, fold.train, fold.test
