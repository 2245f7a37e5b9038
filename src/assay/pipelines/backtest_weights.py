"""Target weights from a file: what an account shall hold from the close of a bar on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from assay.backtest.layout import Floats
from assay.backtest.signals import TargetWeights
from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.symbol import Symbol
from assay.lake.trials import Value
from assay.pipelines.backtest_columns import ON_BARS
from assay.pipelines.backtest_market import LakeMarket
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import Made, Maker
from assay.pipelines.workspace import Workspace

_KEY = ["symbol", "close_time"]


@dataclass(frozen=True, slots=True)
class WeightsPlan:
    """Hold what a table says: ``close_time`` and ``weight``, the part of the account's worth from then on.

    Of several symbols it has a column ``symbol`` as well; weights of one symbol change nothing of another.

    Attributes
    ----------
    file : Path
        Parquet or CSV.
    """

    file: Path

    kind = "weights"

    def parameters(self) -> dict[str, Value]:
        """Return the weights as one hash."""
        frame = self._frame()
        texts = ["\n".join(frame["symbol"].to_list()).encode()] if "symbol" in frame.columns else []
        arrays = frame["close_time"].dt.epoch("us").to_numpy(), frame["weight"].to_numpy()
        content = b"".join([*(one.tobytes() for one in arrays), *texts])
        return {"weights": hashlib.sha256(content).hexdigest()[:16]}

    def not_before(self, workspace: Workspace, series: SeriesId) -> datetime | None:  # noqa: ARG002  # nobody knows
        """Return nothing: who wrote the weights knows what they have seen."""
        return None

    def check(self, series: Sequence[SeriesId]) -> None:
        """Raise BadInputError if the file does not say of which of these series a weight is, or is of others."""
        frame = self._frame()
        if "symbol" not in frame.columns:
            if len(series) > 1:
                todo = "add a column `symbol`"
                raise BadInputError("weights that do not say of which symbol", value=self.file, todo=todo)
            return
        traded = {str(one.symbol) for one in series}
        named = set(frame["symbol"].unique())
        if named != traded:
            todo = f"the column `symbol` must have {', '.join(sorted(traded))}"
            raise BadInputError("weights of other symbols", value=", ".join(sorted(named ^ traded)), todo=todo)

    def maker(self, workspace: Workspace, found: LakeMarket, plans: Sequence[WeightsPlan]) -> Maker:  # noqa: ARG002
        """Return what makes the weights at their bars.

        Raises
        ------
        BadInputError
            If the table has no weight at the close of any bar of the period, or one where no bar closes, or a stop is
            asked for.
        """

        def made(plan: WeightsPlan, sizing: Sizing, volatility: Floats | None) -> Made:  # noqa: ARG001
            if sizing != Sizing():
                raise BadInputError(
                    "target weights have no size and no exits", todo="leave them out: weights say it all"
                )
            return plan._made(found)

        return made

    def _made(self, found: LakeMarket) -> Made:
        frame = self._frame()
        if "symbol" in frame.columns:
            frame = frame.filter(pl.col("symbol") == str(found.series.symbol))
        moments, weights = frame["close_time"].dt.epoch("us").to_numpy(), frame["weight"].to_numpy()
        closes = found.close_time
        is_in = (moments >= closes[0]) & (moments <= closes[-1])
        places = np.searchsorted(closes, moments[is_in])
        is_wrong = closes[places] != moments[is_in]
        if not is_in.any() or is_wrong.any():
            value = frame["close_time"][int(np.flatnonzero(is_in)[is_wrong][0])] if is_wrong.any() else self.file
            todo = f"write the moments at which bars of {found.series.interval} close, in UTC"
            raise BadInputError("a weight at the close of no bar of the period", value=value, todo=todo)
        on_bars = np.full(closes.size, np.nan)
        on_bars[places] = weights[is_in]
        told = f"hold the weights of {self.file.name} ({int(is_in.sum()):,} of {found.series.symbol})"
        return Made(TargetWeights(found.on_rows(on_bars)), ON_BARS, (told,))

    def _frame(self) -> pl.DataFrame:
        try:
            table = pl.read_csv(self.file, try_parse_dates=True) if self.file.suffix == ".csv" else pl.read_parquet(
                self.file
            )  # fmt: skip
            moments = table["close_time"]
            zoned = moments.dt.replace_time_zone("UTC") if moments.dtype.time_zone is None else moments  # type: ignore[attr-defined]
            columns = {"close_time": zoned.dt.cast_time_unit("us"), "weight": table["weight"].cast(pl.Float64)}
            if "symbol" in table.columns:
                spelled = {text: str(Symbol.parse(text)) for text in table["symbol"].unique()}
                columns["symbol"] = table["symbol"].replace_strict(spelled, return_dtype=pl.String)
            frame = pl.DataFrame(columns)
        except (OSError, pl.exceptions.PolarsError, AttributeError, TypeError, ValueError) as error:
            todo = "give a Parquet or CSV file with the columns close_time (UTC) and weight, and symbol of several"
            raise BadInputError("a table of weights cannot be read", value=self.file, todo=todo) from error
        if not frame["weight"].is_finite().fill_null(value=False).all() or frame["close_time"].null_count():
            raise BadInputError("a weight is missing, or not finite", value=self.file, todo="leave its row out")
        key = [name for name in _KEY if name in frame.columns]
        is_sorted = len(key) > 1 or frame["close_time"].is_sorted()
        if not is_sorted or frame.select(key).is_duplicated().any():
            raise BadInputError("weights out of order", value=self.file, todo="sort them by close_time, each once")
        return frame.sort(key, maintain_order=True) if len(key) > 1 else frame
