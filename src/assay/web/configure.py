"""Django's settings, made from Assay's own: there is no settings module to edit, and no second place to look.

One process serves one home. Configuring again moves the process to another home, which is how tests use many.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.lake.lock import file_lock
from assay.pipelines.workspace import Workspace

HERE = Path(__file__).parent
_served: list[Workspace] = []


def workspace() -> Workspace:
    """Return the workspace that the pages show.

    Raises
    ------
    RuntimeError
        Before :func:`configure`.
    """
    if not _served:
        raise RuntimeError("assay.web.configure.configure was not called")
    return _served[0]


def configure(served: Workspace) -> None:
    """Set Django up to show `served`; calling it again moves the whole process to another workspace."""
    import django  # noqa: PLC0415  # Django reads its settings when it is imported further
    from django.conf import settings  # noqa: PLC0415

    values = django_settings(served)
    if settings.configured:
        _move(values)
    else:
        settings.configure(**values)
        django.setup()
    _served[:] = [served]


def _move(values: dict[str, Any]) -> None:
    """Replace the settings of a Django that is set up, and what it keeps that was made from the old ones."""
    from asgiref.local import Local  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.core.cache import caches  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    connections.close_all()
    for name, value in values.items():
        setattr(settings, name, value)
    for handler in (connections, caches):
        handler._settings = handler.settings = handler.configure_settings(None)
        handler._connections = Local(handler.thread_critical)


def migrate() -> None:
    """Make the database of accounts and sessions, or bring it up to date; of several at once, one does it."""
    from django.core.management import call_command  # noqa: PLC0415  # only a configured Django has commands

    served = workspace()
    lock, timeout_s = served.home.cache / "accounts.lock", served.settings.lake.lock_timeout_s
    with file_lock(lock, timeout_s=timeout_s, on_wait=served.say):
        call_command("migrate", verbosity=0, interactive=False)


def django_settings(served: Workspace) -> dict[str, Any]:
    """Return every setting of Django that is not its default."""
    serve = served.settings.serve
    return {
        "DEBUG": False,
        "SECRET_KEY": secret_key(served),
        "ALLOWED_HOSTS": [*serve.accepted_hosts, serve.host],
        "ROOT_URLCONF": "assay.web.urls",
        "INSTALLED_APPS": _apps(),
        "MIDDLEWARE": _middleware(needs_login=serve.needs_login),
        "TEMPLATES": [_templates()],
        "DATABASES": {"default": _database(served.home.root / "app.sqlite3")},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}"}
            for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
        ],
        "LOGIN_URL": "login",
        "LOGIN_REDIRECT_URL": "dashboard",
        "LOGOUT_REDIRECT_URL": "login",
        "STATIC_URL": "/static/",
        "CSRF_FAILURE_VIEW": "assay.web.views.errors.csrf_failure",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": False,
        "LOGGING_CONFIG": None,
        **_security(serve.public_url if serve.is_secure else None),
    }


def secret_key(served: Workspace) -> str:
    """Return the key that signs sessions: the setting, else one made once and kept in the home for its owner only."""
    from assay.appdb.secret import home_secret  # noqa: PLC0415

    given = served.settings.serve.secret_key
    return given.get_secret_value() if given else home_secret(served.home)


def _apps() -> list[str]:
    django = ("admin", "auth", "contenttypes", "sessions", "messages")
    return [*(f"django.contrib.{name}" for name in django), "django_htmx", "assay.appdb", "assay.web"]


def _middleware(*, needs_login: bool) -> list[str]:
    return [
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        *(["django.contrib.auth.middleware.LoginRequiredMiddleware"] if needs_login else []),
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "assay.web.middleware.ReadAsOf",
        "assay.web.middleware.ExplainErrors",
    ]


def _templates() -> dict[str, Any]:
    processors = (
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
        "assay.web.context.site",
    )
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": list(processors),
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "builtins": ["assay.web.templatetags.assay"],
        },
    }


def _database(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # Another process (`assay users`, `assay keys`) may be writing: wait, and take the lock when it is needed.
        "OPTIONS": {"timeout": 10, "transaction_mode": "IMMEDIATE", "init_command": "pragma journal_mode=wal"},
    }


def _security(https_url: str | None) -> dict[str, Any]:
    """Return what a browser is told; the Content-Security-Policy is added outside Django, to every answer."""
    always = {
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_REFERRER_POLICY": "same-origin",
        # Whether a whole domain is https-only, for ever, is for its owner to say and not for one program on it.
        "SILENCED_SYSTEM_CHECKS": ["security.W005", "security.W021"],
    }
    if https_url is None:
        return always | {
            "CSRF_TRUSTED_ORIGINS": [],
            "SESSION_COOKIE_SECURE": False,
            "CSRF_COOKIE_SECURE": False,
            "SECURE_HSTS_SECONDS": 0,
            "SECURE_SSL_REDIRECT": False,
            "SECURE_PROXY_SSL_HEADER": None,
        }
    return always | {
        "CSRF_TRUSTED_ORIGINS": [https_url],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_SSL_REDIRECT": True,
        # TLS ends at the proxy in front, which must set this header itself.
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    }
