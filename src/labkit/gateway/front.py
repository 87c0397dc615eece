"""What every learner's call goes through first: key, place, the body, the lab's policy. And what watches it run."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from labkit.allowance import Asked
from labkit.errors import KeyRefused, ModelNotAllowed, ModelPaused, RequestRefused, TextRefused
from labkit.gateway.backends import ADAPTERS, Served, adapters_of
from labkit.gateway.call import Till
from labkit.gateway.controls import Controls
from labkit.gateway.keys import Keys
from labkit.gateway.moderation import Moderator
from labkit.gateway.place import Place, Places
from labkit.gateway.policy import allowed_models, choose_model
from labkit.gateway.router import Router


@dataclass(frozen=True)
class Own:
    """A model somebody trained: its name on the wire, what it was trained from, and the hash of its files."""

    model: str
    base: str
    digest: str


class OwnModels(Protocol):
    """What learners have trained; asked by the owner's name, so nobody finds another's."""

    def find(self, username: str, model: str) -> Own | None: ...

    def of(self, username: str) -> Sequence[Own]: ...


T = TypeVar("T")
_LOOK_SECONDS = 1.0
_A_MOMENT = 0.2
# A body that has not come in this long is not coming.
_BODY_SECONDS = 30.0


@dataclass(frozen=True)
class Front:
    """What the routes of a learner share. `strict`: an unknown parameter is refused, not left out."""

    places: Places
    keys: Keys
    router: Router
    till: Till
    controls: Controls
    moderator: Moderator | None = None
    digest_key: bytes = b""
    strict: bool = False
    adapters: OwnModels | None = None
    _watching: dict[asyncio.Task[Any], tuple[asyncio.Task[None], ...]] = field(default_factory=dict)

    async def admitted(self, request: Request) -> Place:
        """The caller whose key fits this lab's address and who takes part."""
        caller = self.keys.read(credential(request, "bearer"))
        if (caller.course, caller.lab) != (request.path_params["course"], request.path_params["lab"]):
            raise KeyRefused("This key is for another lab.", instead="Call labkit.credentials() in this lab.")
        return await self.places.of(caller)

    async def model(self, place: Place, asked: str | None, path: str) -> Served:
        """The model of a call on this path: allowed, not paused. TooManyAtOnce before the call costs anybody work."""
        self.router.queue.check(place.caller.username)
        served = await self.served()
        if asked and asked.startswith(ADAPTERS):
            return await self._own(place, asked, path)
        able = {name: one for name, one in served.items() if path in one.paths}
        if asked in served and asked not in able and asked in allowed_models(place.lab, served):
            knows = ", ".join(sorted(served[asked].paths))
            fit = ", ".join(allowed_models(place.lab, able)) or "none here"
            raise RequestRefused(f"The model {asked!r} is for {knows}.", instead=f"For {path}: {fit}.", param="model")
        name = choose_model(place.lab, asked, able)
        self.check_pause(place, name)
        return able[name]

    async def served(self) -> dict[str, Served]:
        """The site's models, without the names that stand for learners' own."""
        return {name: one for name, one in (await self.router.served()).items() if not name.startswith(ADAPTERS)}

    async def own(self, place: Place) -> list[Served]:
        """What she has trained and may ask here."""
        if self.adapters is None or not _may_ask_own(place):
            return []
        served = await self.router.served()
        found = await run_in_threadpool(self.adapters.of, place.caller.username)
        able = [(one, served[name]) for one in found if (name := adapters_of(one.base)) in served]
        return [replace(by, id=one.model, adapter=one.digest) for one, by in able]

    async def _own(self, place: Place, asked: str, path: str) -> Served:
        """Her own model of that name: another's does not exist for her."""
        hers = None
        if self.adapters is not None and _may_ask_own(place):
            hers = await run_in_threadpool(self.adapters.find, place.caller.username, asked)
        able = (await self.router.served()).get(adapters_of(hers.base)) if hers else None
        if hers is None or able is None:
            raise ModelNotAllowed(f"You have no model {asked[:100]!r}.", instead="labkit.models() lists yours.")
        if path not in able.paths:
            raise RequestRefused(f"Your model does not answer {path}.", instead="Chat with it.", param="model")
        self.check_pause(place, hers.base)
        return replace(able, id=hers.model, adapter=hers.digest)

    def check_pause(self, place: Place, model: str) -> None:
        """Raises ModelPaused for a learner whose class may not use the model now."""
        if place.role == "learner":
            self.controls.check_pause(place.caller.course, place.cohort, place.lab.id, model)

    def is_strict(self, request: Request) -> bool:
        return self.strict or request.headers.get("x-labkit-strict") == "1"

    def asked(self, kind: str, model: str, what: bytes) -> Asked:
        """For the audit; the digest is keyed, so that nobody who reads the database can try out short prompts."""
        return Asked(kind, model, hashlib.blake2b(what, key=self.digest_key[:64], digest_size=32).hexdigest())

    async def moderate(self, *texts: str) -> None:
        """Raises TextRefused for what the site does not let pass."""
        reason = await self.moderator.refusal("\n".join(texts)) if self.moderator else None
        if reason:
            raise TextRefused(f"This text is not let through: {reason}.", instead="Say it another way.")

    async def watched(self, request: Request, place: Place, model: str, work: Coroutine[Any, Any, T]) -> T:
        """The work's result, unless its caller goes (ClientDisconnect) or its model is paused: it is then ended."""
        me, why = asyncio.current_task(), list[Exception]()
        assert me is not None
        watch = asyncio.get_running_loop().call_later(_A_MOMENT, self._watch, request, place, model, me, why)
        try:
            return await work
        except asyncio.CancelledError:
            if why:
                me.uncancel()
                raise why[0] from None
            raise
        finally:
            watch.cancel()
            for one in self._watching.pop(me, ()):
                one.cancel()

    def _watch(self, request: Request, place: Place, model: str, work: asyncio.Task[Any], why: list[Exception]) -> None:
        """Begins to watch a call that was not over in a moment, as most are."""

        async def gone() -> None:
            await request.receive()
            why.append(ClientDisconnect())
            work.cancel()

        async def paused() -> None:
            try:
                while True:
                    self.check_pause(place, model)
                    await asyncio.sleep(_LOOK_SECONDS)
            except ModelPaused as error:
                why.append(error)
                work.cancel()

        self._watching[work] = (asyncio.create_task(gone()), asyncio.create_task(paused()))


def credential(request: Request, scheme: str) -> str:
    """What the Authorization header holds; KeyRefused if it is of another scheme or holds nothing."""
    given, _, secret = request.headers.get("authorization", "").partition(" ")
    if given.lower() != scheme or not secret.strip():
        raise KeyRefused("This needs a key.", instead="In a notebook, labkit.credentials() gives one.")
    return secret.strip()


async def body_of(request: Request, most: int) -> bytes:
    """The body, read no further than a body may be large, and waited for no longer than a body may take."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise too_large(most)
    raw = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                raw += part
                if len(raw) > most:
                    raise too_large(most)
    except TimeoutError:
        raise RequestRefused("The request did not arrive in time.", instead="Send it again.") from None
    return bytes(raw)


def too_large(most: int) -> RequestRefused:
    error = RequestRefused("This request is too large.", instead=f"Keep it under {most} bytes.")
    error.status = 413
    return error


def warnings(unknown: tuple[str, ...]) -> dict[str, str]:
    """The header that names what was left out."""
    named = ", ".join(name.encode("ascii", "replace").decode()[:50] for name in unknown[:10])
    return {"X-Labkit-Ignored": "".join(char if char.isprintable() else "?" for char in named)} if unknown else {}


def _may_ask_own(place: Place) -> bool:
    """Where models are trained, and where any model may be asked; other labs are about the models they name."""
    lab = place.lab
    return lab.ai_policy == "open" or (lab.ai_policy != "closed" and lab.training is not None)
