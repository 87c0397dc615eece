"""Composition root of the pages' process: `python -m hub_config.pages`."""

from __future__ import annotations

import logging
import threading
import time
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from jupyterhub.services.auth import HubOAuth

from hub_config.follower import Follower
from hub_config.health import PlatformHealth
from hub_config.holdings import holdings
from hub_config.servers import HubServers
from hub_config.services import PAGES_PREFIX
from hub_config.serving import read_serving
from hub_config.settings import Settings, read
from hub_config.sign_in.oauth import HubSignIn
from hub_config.state import DRAWS, State
from labkit.allowance import Ledger
from labkit.audit.prices import read_prices
from labkit.courses import load_course
from labkit.courses.taught import Taught
from labkit.database import connect
from labkit.pages.app import Pages
from labkit.pages.site import Site
from labkit.pages.uploads import Uploads
from labkit.programme.enrolment import Enrolment
from labkit.programme.privacy.erase import resume
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store
from labkit.workshop import Workshop

log = logging.getLogger("labkit.pages")
_LOOK_SECONDS = 60.0


def follower(settings: Settings, site: Site) -> Follower:
    state = State(settings.home)
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{state.ports()['hub']}/hub/api",
        headers={"Authorization": f"token {state.secret('service-labkit')}"},
        timeout=httpx.Timeout(20),
    )
    return Follower(site.engine, client, settings.taught, site.sign_in.end_everywhere, state.folder("nbgrader"))


def site(settings: Settings) -> Site:
    state = State(settings.home)
    api_url = f"http://127.0.0.1:{state.ports()['hub']}/hub/api"
    token = state.secret("service-labkit")
    engine = connect(settings.database_url)
    hub = HubOAuth(
        api_url=api_url,
        api_token=token,
        oauth_client_id="service-labkit",
        oauth_redirect_uri=f"{PAGES_PREFIX}oauth_callback",
        hub_host="",
        base_url=PAGES_PREFIX,
        cache_max_age=30,
    )
    return Site(
        prefix=PAGES_PREFIX,
        origin=settings.hosts.main,
        sign_in=HubSignIn(hub, PAGES_PREFIX, state.secret("pages"), settings.hosts.main),
        servers=HubServers(api_url, token, settings.hosts),
        engine=engine,
        enrolment=Enrolment(engine),
        courses=Taught(state.build, [load_course(settings.courses, name) for name in settings.taught]),
        store=Store(engine, Blobs(state.folder("blobs", mode=0o700)), Signer(state.home / "secrets" / "receipts.pem")),
        scores=Scores(engine),
        ledger=Ledger(engine, settings.timezone),
        timezone=ZoneInfo(settings.timezone),
        workshop=Workshop(engine, state.workshop),
        uploads=Uploads(state.folder("uploads", mode=0o700)),
        health=PlatformHealth(settings, state),
        holdings=holdings(settings, engine),
        contact=settings.privacy_contact,
        periods=settings.periods,
        prices=read_prices(settings.prices),
        person=read_serving(settings.serving).share,
        draws=state.secret(DRAWS).encode(),
    )


def finish_erasures(made: Site) -> None:
    """For ever: what an erasure could not clear, be it for a crash or for a part that was away, is tried again; and
    rosters that nobody applied within the hour go."""
    while True:
        try:
            made.uploads.sweep()
            for one in resume(made.engine, made.holdings):
                log.warning("The erasure %s %s", one.pseudonym, one.fault or "is finished")
        except Exception:
            log.exception("Unfinished erasures could not be looked at; it is tried again")
        time.sleep(_LOOK_SECONDS)


def main() -> None:
    settings = read()
    port = State(settings.home).ports()["pages"]
    ours = site(settings)
    threading.Thread(target=finish_erasures, args=(ours,), name="erasures", daemon=True).start()
    application = Pages(ours).application(beside=follower(settings, ours).run)
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
