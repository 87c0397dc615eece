"""Composition root of the hub: one small function for each concern, on a plain traitlets Config."""

from __future__ import annotations

import sys
from pathlib import Path

from tornado.httpserver import HTTPServer
from traitlets.config import Config

import labkit.pages
from hub_config import learner_server, roles, services
from hub_config.hosts import subdomain
from hub_config.settings import Settings
from hub_config.state import State

# The hub's forms and calls are small; a body is kept whole in memory before anybody is asked who sent it.
_MOST_BODY = 2**20
# Everything that listens on loopback besides the public address.
PORTS = ("hub", "proxy_api", "gateway", "submissions", "pages", "model", "scoring", "grader", "training", "adapters")


def configure(c: Config, settings: Settings) -> None:
    state = State(settings.home)
    ports = state.ports()
    _addresses(c, settings, state, ports)
    _bodies()
    _origins(c, settings)
    _sign_in(c, settings, state)
    _servers(c, settings, state)
    c.JupyterHub.services = services.external(settings, state, ports)
    c.JupyterHub.load_groups = roles.groups(settings.taught)
    c.JupyterHub.load_roles = roles.roles(settings.taught)


def _addresses(c: Config, settings: Settings, state: State, ports: dict[str, int]) -> None:
    c.JupyterHub.bind_url = f"http://{settings.address}:{settings.port}"
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports['hub']}"
    c.JupyterHub.db_url = f"sqlite:///{state.private_file('hub.sqlite')}"
    c.JupyterHub.cookie_secret_file = str(state.secret_file("cookie"))
    c.JupyterHub.default_url = services.PAGES_PREFIX
    # The supervisor runs the proxy, so a restarted hub cuts no connection.
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports['proxy_api']}"
    c.ConfigurableHTTPProxy.auth_token = state.secret("proxy")
    c.JupyterHub.template_paths = [str(Path(__file__).parent / "templates")]
    c.JupyterHub.logo_file = str(Path(labkit.pages.__file__).parent / "static" / "labkit.svg")
    c.JupyterHub.log_level = "WARN"
    c.JupyterHub.concurrent_spawn_limit = 20
    # A proxy that was started again has forgotten every route; so soon the hub tells it.
    c.JupyterHub.last_activity_interval = 1


def _bodies() -> None:
    """JupyterHub has no setting for it and Tornado's own bound is 100 MB for each request of a stranger's."""
    HTTPServer.configure(None, max_body_size=_MOST_BODY, max_buffer_size=_MOST_BODY)


def _origins(c: Config, settings: Settings) -> None:
    """Nothing a learner writes shares an origin with hub, pages, formgraders or another learner (design D15)."""
    c.JupyterHub.subdomain_host = settings.hosts.main
    c.JupyterHub.subdomain_hook = subdomain
    # A learner's host could otherwise set cookies for the name above it.
    c.JupyterHub.cookie_host_prefix_enabled = settings.secure
    c.JupyterHub.oauth_require_pkce = True
    c.JupyterHub.trusted_downstream_ips = list(settings.proxies)
    # What else the hub's answers carry, the authenticator adds (`sign_in/appearance.py`).
    c.JupyterHub.tornado_settings = {
        "headers": {"Cross-Origin-Resource-Policy": "same-origin"},
        "cookie_options": {"samesite": "Lax"},
    }


def _sign_in(c: Config, settings: Settings, state: State) -> None:
    c.JupyterHub.authenticator_class = "labkit-roster"
    c.RosterAuthenticator.database_url = settings.database_url
    c.RosterAuthenticator.origin = settings.hosts.main
    c.RosterAuthenticator.trusted_proxies = list(settings.proxies)
    # Whoever may sign in is decided by the roster: a link exists only for somebody in it.
    c.Authenticator.allow_all = True
    if settings.oidc_issuer:
        _provider(c, settings, state)


def _provider(c: Config, settings: Settings, state: State) -> None:
    """Sign-in at an identity provider, beside the roster's own."""
    assert settings.oidc_secret_file is not None  # the settings refuse an issuer without
    c.JupyterHub.authenticator_class = "labkit-oidc"
    c.OidcAuthenticator.issuer = settings.oidc_issuer
    c.OidcAuthenticator.client_id = settings.oidc_client_id
    c.OidcAuthenticator.client_secret = settings.oidc_secret_file.read_text().strip()
    c.OidcAuthenticator.provider_name = settings.oidc_called
    c.OidcAuthenticator.scope = settings.oidc_scopes.split()
    c.OidcAuthenticator.groups_claim = settings.oidc_groups_claim
    c.OidcAuthenticator.trust_addresses = settings.oidc_trust_addresses
    c.OidcAuthenticator.takes_passwords = not settings.oidc_only
    c.OidcAuthenticator.oauth_callback_url = f"{settings.hosts.main}/hub/oauth_callback"
    c.OidcAuthenticator.validate_server_cert = True
    c.OidcAuthenticator.enable_pkce = True
    c.OidcAuthenticator.auth_refresh_age = max(1, round(60 * settings.oidc_refresh_minutes))
    # Also calls with a token of hers, as the pages make them, are refused once she is gone.
    c.OidcAuthenticator.auth_refresh_strict = True
    c.OidcAuthenticator.enable_auth_state = True
    c.CryptKeeper.keys = [state.secret("auth-state")]


def _servers(c: Config, settings: Settings, state: State) -> None:
    c.JupyterHub.spawner_class = "labkit-bubblewrap"
    # A link into a stopped server starts it.
    c.JupyterHub.implicit_spawn_seconds = 0.5
    # The holder has them: they outlive the hub, and end with the platform.
    c.JupyterHub.cleanup_servers = False
    c.Spawner.start_timeout = 60
    c.Spawner.http_timeout = 60
    c.Spawner.default_url = "/lab"
    c.Spawner.cmd = [str(Path(sys.executable).parent / "jupyterhub-singleuser")]
    c.Spawner.environment = {
        # Times a notebook shows are the site's, as on the pages.
        "TZ": settings.timezone,
    }
    c.BubblewrapSpawner.homes = str(state.folder("homes", mode=0o711))
    c.BubblewrapSpawner.build = str(state.build)
    c.BubblewrapSpawner.database_url = settings.database_url
    c.BubblewrapSpawner.memory_mb = settings.memory_mb
    c.BubblewrapSpawner.home_mb = settings.home_mb
    c.BubblewrapSpawner.holder = str(state.holder_socket)
    c.BubblewrapSpawner.unsandboxed = settings.servers == "unsandboxed"
    c.BubblewrapSpawner.outside_url = f"http://127.0.0.1:{settings.port}"
    c.BubblewrapSpawner.log_folder = str(state.log)
    c.BubblewrapSpawner.config_folder = str(learner_server.write(state.folder("run", "learner")))
