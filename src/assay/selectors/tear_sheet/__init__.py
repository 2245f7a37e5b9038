"""The tear sheet of a backtest: one page of HTML with everything in it, for whoever was not there.

``shown.py`` reckons what the report does not say, ``charts.py`` draws, ``sections.py`` writes, ``page.py`` puts it
together with ``page.css`` and ``page.js``.
"""

from assay.selectors.tear_sheet.page import tear_sheet

__all__ = ["tear_sheet"]
