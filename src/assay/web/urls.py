"""The addresses of the pages; error pages are named here too, since that is where Django looks for them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path, re_path
from django.views.generic import RedirectView

from assay.web.login import log_in, log_out
from assay.web.views.assets import asset, choose
from assay.web.views.backtests import all_of_them, one_of_them, side_by_side, tearsheet
from assay.web.views.dashboard import dashboard
from assay.web.views.data import batch, data
from assay.web.views.market import market
from assay.web.views.models import card, model
from assay.web.views.predictions import predictions
from assay.web.views.tickers import tickers
from assay.web.views.unasked import icon, robots

handler400 = "assay.web.views.errors.bad_request"
handler403 = "assay.web.views.errors.forbidden"
handler404 = "assay.web.views.errors.not_found"
handler500 = "assay.web.views.errors.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="dashboard", query_string=True), name="home"),
    path("dashboard/", dashboard, name="dashboard"),
    path("market/", market, name="market"),
    re_path(r"^(?P<venue>binance|wazirx)/$", tickers, name="venue"),
    path("assets/", choose, name="pair"),
    path("assets/<str:series>/", asset, name="asset"),
    path("predictions/", predictions, name="predictions"),
    path("models/<str:version>/", model, name="model"),
    re_path(r"^models/(?P<version>[^/]+)/card\.(?P<form>html|md)$", card, name="card"),
    path("backtests/", all_of_them, name="backtests"),
    path("backtests/compare/", side_by_side, name="compare"),
    path("backtests/<str:run>/", one_of_them, name="backtest"),
    path("backtests/<str:run>/tearsheet.html", tearsheet, name="tearsheet"),
    path("data/", data, name="data"),
    path("data/quarantine/<str:batch_id>/", batch, name="batch"),
    path("accounts/login/", log_in, name="login"),
    path("accounts/logout/", log_out, name="logout"),
    path("favicon.ico", icon),
    path("robots.txt", robots),
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),
    path("admin/", admin.site.urls),
]
