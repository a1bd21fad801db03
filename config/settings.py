"""All settings, by sections. PORTAL_MODE demo | production | test picks the differences."""

import os
import sys
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import env

# --- Where things are -------------------------------------------------------------------
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("PORTAL_VAR", str(BASE_DIR / "var"))).resolve()
PORTAL_MODE = env.choice("PORTAL_MODE", ("demo", "production", "test"), "demo")
PRODUCTION = PORTAL_MODE == "production"
DEBUG = False

# --- Secrets ----------------------------------------------------------------------------
if PRODUCTION:
    SECRET_KEY = env.text("SECRET_KEY")
    DATA_KEYS = env.text("DATA_KEYS")
    INDEX_KEY = env.text("INDEX_KEY")
    SEAL_KEY = env.text("SEAL_KEY")
    _short = [
        n for n in ("SECRET_KEY", "DATA_KEYS", "INDEX_KEY", "SEAL_KEY") if len(globals()[n]) < 40
    ]
    if _short:
        _message = (
            f"Production needs {', '.join(_short)} of at least 40 characters (NAME or NAME_FILE)."
        )
        raise ImproperlyConfigured(_message)
else:
    SECRET_KEY = env.kept_secret(VAR_DIR / "keys", "secret_key")
    # "id:secret,id:secret": the first one encrypts, all of them decrypt.
    DATA_KEYS = env.text("DATA_KEYS") or "k1:" + env.kept_secret(VAR_DIR / "keys", "data_key")
    INDEX_KEY = env.kept_secret(VAR_DIR / "keys", "index_key")
    SEAL_KEY = env.kept_secret(VAR_DIR / "keys", "seal_key")
# Public halves (hex) of earlier seal keys, so that old seals can still be checked.
SEAL_PUBLIC_KEYS = env.listing("SEAL_PUBLIC_KEYS")

# --- Web --------------------------------------------------------------------------------
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", "" if PRODUCTION else "*")
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    _message = "Production needs ALLOWED_HOSTS: the host names people type, without *."
    raise ImproperlyConfigured(_message)
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 6000
MAX_REQUEST_BYTES = env.integer("MAX_REQUEST_BYTES", 60_000_000)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "config.portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "import_export",
    "axes",
    "csp",
    "config.kernel.apps.KernelConfig",
    "staff",
    "customers",
    "surveys",
    "complaints",
    "config.portal.apps.PortalConfig",
]

MIDDLEWARE = [
    "config.portal.middleware.RequestLimits",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "staff.http.StaffMiddleware",
    "staff.http.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.portal.middleware.HtmxAnswers",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["config.portal.templatetags.portal"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.portal.context.shell",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = ("portal", "bootstrap5")
CRISPY_TEMPLATE_PACK = "bootstrap5"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# --- Database ---------------------------------------------------------------------------
# The test database is a file, so that WAL and a second writer are real; one name per process.
_database: dict[str, Any] = environ.Env.db_url_config(
    env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'huiyin.sqlite3'}")
)
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "PRAGMA cache_size=-65536;",
    }
    _database["TEST"] = {"NAME": str(VAR_DIR / "test" / f"{os.getpid()}.sqlite3")}
else:
    _database["CONN_HEALTH_CHECKS"] = True
    _database["TEST"] = {"NAME": f"test_huiyin_{os.getpid()}"}
    # Compiling a query takes longer (300 ms) than any query of a page may; so does trying every
    # order of the 24 tables of the case page, which are best joined as they are written.
    _database["OPTIONS"] = {"options": "-c jit=off -c join_collapse_limit=4"}
    if "runserver" not in sys.argv and PORTAL_MODE != "test":
        _database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 10, "timeout": 10}
DATABASES = {"default": _database}
VAR_DIR.mkdir(parents=True, exist_ok=True)
for _name in ("test", "static"):
    (VAR_DIR / _name).mkdir(exist_ok=True)

# --- Cache, sessions --------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kernel_cache"}
}
SESSION_ENGINE = "staff.sessions"
SESSION_COOKIE_AGE = env.integer("SESSION_HOURS", 12) * 3600
SESSION_IDLE_MINUTES = env.integer("SESSION_IDLE_MINUTES", 60)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "huiyin_session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "huiyin_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.portal.errors.csrf_failure"

# --- Sign-in ----------------------------------------------------------------------------
AUTH_USER_MODEL = "staff.Account"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "staff.accounts.AccountBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "login", "/", "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_password = "django.contrib.auth.password_validation."  # noqa: S105 - a module path
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": _password + "UserAttributeSimilarityValidator"},
    {"NAME": _password + "MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": _password + "CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "staff.accounts.locked_out"
AXES_CLIENT_IP_CALLABLE = "staff.accounts.client_address"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
SIGN_IN_ADDRESS_LIMIT = env.integer("SIGN_IN_ADDRESS_LIMIT", 50)  # within AXES_COOLOFF_TIME
# X-Forwarded-For and X-Forwarded-Proto are believed only behind a proxy of ours.
BEHIND_PROXY = env.flag("BEHIND_PROXY", default=False)
SILENCED_SYSTEM_CHECKS = ["axes.W006"]

# --- Security headers -------------------------------------------------------------------
_self = ["'self'"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": _self,
        "style-src": _self,
        "img-src": ["'self'", "data:"],
        "font-src": _self,
        "connect-src": _self,
        "form-action": _self,
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000)
    if BEHIND_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Languages and time -----------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
LANGUAGE_COOKIE_NAME = "huiyin_language"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# --- Files ------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / ("test/media" if PORTAL_MODE == "test" else "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if PORTAL_MODE == "test"
        else "config.shared.static_files.ModuleStaticFilesStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o600
ATTACHMENT_MAX_BYTES = env.integer("ATTACHMENT_MAX_BYTES", 20_000_000)
IMPORT_MAX_BYTES = env.integer("IMPORT_MAX_BYTES", 50_000_000)
EXPORT_FORMATS: list[str] = []

# --- Mail and messages ------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_USER"), env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "huiyin@localhost")
# How the portal is reached from outside, without a slash at the end; stands before links in mails.
PORTAL_URL = env.text("PORTAL_URL").rstrip("/")
# Without a mail server messages are "sent" to the outbox page and the log.
OUTBOX_MAIL = "smtp" if EMAIL_HOST else "console"
# For so many seconds a message to a customer waits in the house and can be recalled.
MESSAGE_RECALL_SECONDS = env.integer("MESSAGE_RECALL_SECONDS", 60)
# After so many hours, 7x24, those above hear of a request that nobody has decided.
APPROVAL_WAIT_HOURS = env.integer("APPROVAL_WAIT_HOURS", 24)
# SMS leave by a signed HTTPS call; without an address they are "sent" to the outbox page.
SMS_GATEWAY_URL = env.text("SMS_GATEWAY_URL").strip()
SMS_GATEWAY_SECRET = env.text("SMS_GATEWAY_SECRET").strip()
SMS_SIGN = env.text("SMS_SIGN")
# Yes: an SMS counts as told when the gateway reports its arrival, not when it takes it.
SMS_REPORTS = env.flag("SMS_REPORTS", default=False)
# Hosts of the recording system to which links of call records may lead.
RECORDING_HOSTS = [host.lower() for host in env.listing("RECORDING_HOSTS")]
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] = [  # "listen" is recorded, then leads there
    "'self'",
    *(f"https://{host}" for host in RECORDING_HOSTS),
]
if SMS_GATEWAY_URL and PRODUCTION:
    if not SMS_GATEWAY_URL.startswith("https://"):
        _message = "Production needs an SMS_GATEWAY_URL that begins with https://."
        raise ImproperlyConfigured(_message)
    if len(SMS_GATEWAY_SECRET) < 32:
        _message = "Production needs an SMS_GATEWAY_SECRET of at least 32 characters."
        raise ImproperlyConfigured(_message)
# Robots of group chats: only these hosts are called (host, or host:port), always by https.
ROBOT_HOSTS = env.listing(
    "ROBOT_HOSTS", "qyapi.weixin.qq.com,oapi.dingtalk.com,open.feishu.cn,open.larksuite.com"
)
# Certificates to trust for them instead of the system's (a bank's own proxy or a private cloud).
ROBOT_CA_FILE = env.text("ROBOT_CA_FILE")

# --- Live board -------------------------------------------------------------------------
# Open cases one person should have at most, and cases that can be accepted in one hour; the
# settings `handler_limit` and `hourly_intake` of the time limits in force win.
BOARD_HANDLER_LIMIT = env.integer("BOARD_HANDLER_LIMIT", 12)
BOARD_HOURLY_INTAKE = env.integer("BOARD_HOURLY_INTAKE", 4)

# --- Celery -----------------------------------------------------------------------------
_broker_folder = VAR_DIR / "broker"
CELERY_BROKER_URL = env.text("BROKER_URL") or REDIS_URL or "filesystem://"
if CELERY_BROKER_URL.startswith("filesystem"):
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(_broker_folder / "queue"),
        "data_folder_out": str(_broker_folder / "queue"),
        "processed_folder": str(_broker_folder / "done"),
        "control_folder": str(_broker_folder / "control"),
        "store_processed": False,
        "polling_interval": 0.1,
    }
    for _name in ("queue", "done", "control"):
        (_broker_folder / _name).mkdir(parents=True, exist_ok=True)
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 900,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 3,
        "socket_connect_timeout": 1,
        "socket_timeout": 1,  # a page must not wait; config/celery.py gives workers more
        "max_retries": 0,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat" / "schedule")
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
(VAR_DIR / "beat").mkdir(exist_ok=True)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT, CELERY_TASK_SOFT_TIME_LIMIT = 300, 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"

# --- Logging ----------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"scrub": {"()": "config.shared.logs.ScrubFilter"}},
    "formatters": {"line": {"()": "config.shared.logs.line_formatter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["scrub"], "formatter": "line"}
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.db.backends": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "kombu.connection": {"level": "ERROR"},
    },
}
