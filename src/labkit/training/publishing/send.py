"""Sends a prepared repository to Hugging Face, with its own client and token; private until somebody opens it."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import OperatorError, PlatformFault


def to_huggingface(folder: Path, repo: str, *, public: bool = False, endpoint: str | None = None) -> str:
    """The address it has then. One commit: all of it is there, or nothing."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi(endpoint=endpoint)
    try:
        made = api.create_repo(repo, private=not public, exist_ok=True)
        api.upload_folder(repo_id=made.repo_id, folder_path=folder, commit_message="An adapter trained with labkit")
    except HFValidationError as error:
        raise OperatorError(f"{repo!r} is no name of a repository.", instead="Write it as NAME/MODEL.") from error
    except LocalTokenNotFoundError as error:
        raise OperatorError("There is no token.", instead="Run `hf auth login`, or set HF_TOKEN.") from error
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise OperatorError(
                f"The hub does not let this token write to {repo}.", instead="Make a token that may write."
            ) from error
        raise PlatformFault(f"The hub did not take it: {error}", instead="Try again later.") from error
    return str(made.url)
