"""Hugging Face's hub, or a mirror that speaks its protocol.

GET /api/models/REPO/revision/REVISION?blobs=true  the commit, and every file with its size and SHA-256 (or git's hash)
GET /REPO/resolve/COMMIT/PATH                       the file, also in pieces (Range)

The account is the one of `hf auth login` or HF_TOKEN; a mirror given by its address is never told of it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import quote

from labkit.errors import OperatorError
from labkit.models.record import Model, Origin
from labkit.models.sources import Access, Entry, Listing, Moved
from labkit.models.sources.ranged import client, download, unreachable


class HuggingFace:
    def __init__(self, origin: Origin, endpoint: str) -> None:
        from huggingface_hub import HfApi, constants, get_token

        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries are ours to tell
        self._origin = origin
        self._endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        token = None if endpoint else get_token()
        self._api = HfApi(endpoint=self._endpoint, token=token or False)
        self._http = client({"Authorization": f"Bearer {token}"} if token else None)
        self._commit = origin.revision
        self._page = f"{self._endpoint}/{origin.repo}"
        self._sign_in = f"Ask for access at {self._page}, then sign in with `hf auth login` or set HF_TOKEN."

    def listing(self) -> Listing:
        from huggingface_hub import errors

        repo, revision = self._origin.repo, self._origin.revision or "main"
        try:
            info = self._api.model_info(repo, revision=revision, files_metadata=True, timeout=30)
        except errors.GatedRepoError:
            raise OperatorError(f"{repo} is gated: its publisher lets in who asks.", instead=self._sign_in) from None
        except errors.RevisionNotFoundError:
            raise OperatorError(f"{repo} has no revision {revision!r}.", instead="Correct the record's.") from None
        except errors.RepositoryNotFoundError:
            raise OperatorError(
                f"{self._page} does not exist or is private.", instead=f"Check the record's repo. {self._sign_in}"
            ) from None
        except errors.OfflineModeIsEnabled:
            raise OperatorError(
                "HF_HUB_OFFLINE is set.", instead="Unset it, or name a folder: --from FOLDER."
            ) from None
        except errors.HfHubHTTPError as error:
            raise OperatorError(
                f"{self._page} answered {error.response.status_code}.", instead="Try it later."
            ) from None
        except Exception as error:  # its HTTP library, and so the class of its network errors, changes with its version
            raise unreachable(self._endpoint, error) from error
        self._commit = info.sha or revision
        entries = (
            Entry(one.rfilename, -1 if one.size is None else one.size, one.lfs.sha256, "")
            if one.lfs
            else Entry(one.rfilename, -1 if one.size is None else one.size, "", one.blob_id or "")
            for one in info.siblings or []
        )
        return Listing(self._commit, tuple(entries))

    def copy(self, entry: Entry, target: Path, moved: Moved) -> None:
        url = f"{self._endpoint}/{self._origin.repo}/resolve/{quote(self._commit, safe='')}/{quote(entry.path)}"
        # A gated repository's listing is open, its files are not.
        download(self._http, url, entry, target, moved, self._sign_in)

    def close(self) -> None:
        self._http.close()


def open_source(model: Model, origin: Origin, access: Access) -> HuggingFace:
    del model
    return HuggingFace(origin, access.endpoint)
