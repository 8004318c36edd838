"""Django settings of the two peers with a database. Environment: PEER, PEER_DATABASE, PEER_PORT."""

import os

PEER = os.environ["PEER"]
SECRET_KEY = "the peers have no sessions"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "urls"
# No sessions and no CSRF protection, which SCIM does not need: the shortest path that the packages support.
MIDDLEWARE = ["authentication.TokenMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PEER_DATABASE"],
        "HOST": "127.0.0.1",
        "PORT": os.environ["PEER_PORT"],
        "USER": "postgres",
        # Connections stay open.
        "CONN_MAX_AGE": None,
    }
}

if PEER == "django-scim2":
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_scim", "accounts"]
    AUTH_USER_MODEL = "accounts.User"
    MIGRATION_MODULES = {"accounts": "generated.accounts"}
    SCIM_SERVICE_PROVIDER = {
        "NETLOC": "127.0.0.1",
        "SCHEME": "http",
        "GROUP_MODEL": "accounts.models.Group",
        "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "Bearer token"}],
    }
else:
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_scim2_server"]
    SCIM2_SERVER_AUTH_CHECK = "authentication.has_token"
