"""Every Step there is, by name.

>>> sorted(STEPS)[:4]
['adx', 'atr', 'beta', 'bollinger']
>>> find_step("ema")(26)
Ema(n=26)
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from assay.domain.errors import BadInputError
from assay.features.adx import Adx
from assay.features.atr import Atr
from assay.features.beta import Beta
from assay.features.bollinger import Bollinger
from assay.features.calendar import Calendar
from assay.features.close_to_ema import CloseToEma
from assay.features.cmf import Cmf
from assay.features.cumulative_return import CumulativeReturn
from assay.features.drawdown import Drawdown
from assay.features.ema import Ema
from assay.features.garman_klass import GarmanKlass
from assay.features.keltner import Keltner
from assay.features.lag import Lag
from assay.features.levels import Levels
from assay.features.log_return import LogReturn
from assay.features.macd import Macd
from assay.features.mfi import Mfi
from assay.features.momentum import Momentum
from assay.features.obv import Obv
from assay.features.parkinson import Parkinson
from assay.features.price_momentum import PriceMomentum
from assay.features.realised_volatility import RealisedVolatility
from assay.features.reference import Reference
from assay.features.relative_strength import RelativeStrength
from assay.features.roc import Roc
from assay.features.rolling_max import RollingMax
from assay.features.rolling_mean import RollingMean
from assay.features.rolling_min import RollingMin
from assay.features.rolling_std import RollingStd
from assay.features.rsi import Rsi
from assay.features.sar import Sar
from assay.features.session import Session
from assay.features.session_vwap import SessionVwap
from assay.features.sma import Sma
from assay.features.step import Step
from assay.features.stochastic import Stochastic
from assay.features.taker_pressure import TakerPressure
from assay.features.volume_ratio import VolumeRatio
from assay.features.vwap import Vwap
from assay.features.williams_r import WilliamsR
from assay.features.yang_zhang import YangZhang
from assay.features.zscore import Zscore

STEPS: dict[str, Callable[..., Step]] = {
    step.name: step
    for step in (
        Adx,
        Atr,
        Beta,
        Bollinger,
        Calendar,
        CloseToEma,
        Cmf,
        CumulativeReturn,
        Drawdown,
        Ema,
        GarmanKlass,
        Keltner,
        Lag,
        Levels,
        LogReturn,
        Macd,
        Mfi,
        Momentum,
        Obv,
        Parkinson,
        PriceMomentum,
        RealisedVolatility,
        Reference,
        RelativeStrength,
        Roc,
        RollingMax,
        RollingMean,
        RollingMin,
        RollingStd,
        Rsi,
        Sar,
        Session,
        SessionVwap,
        Sma,
        Stochastic,
        TakerPressure,
        VolumeRatio,
        Vwap,
        WilliamsR,
        YangZhang,
        Zscore,
    )
}
"""Name to class; a class called without arguments gives the Step with its usual parameters."""


def find_step(name: str) -> Callable[..., Step]:
    """Return the class of the Step called `name`.

    Raises
    ------
    BadInputError
        If there is none.
    """
    if name not in STEPS:
        near = difflib.get_close_matches(name, STEPS, n=1)
        todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(STEPS))}"
        raise BadInputError("unknown indicator", value=name, todo=todo)
    return STEPS[name]
