"""`labkit publish FILE.zip`: a model that was taken home becomes a repository others may use."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from labkit.errors import OperatorError
from labkit.training.publishing.package import DATA, Consent, prepare
from labkit.training.publishing.send import to_huggingface


def publish(argv: Sequence[str]) -> int:
    """Prepares what job.download() wrote for Hugging Face or ModelScope, and sends it where you say."""
    parser = argparse.ArgumentParser(prog="labkit publish", description=publish.__doc__)
    parser.add_argument("file", type=Path, metavar="FILE.zip", help='from job.download(), "peft" or "safetensors"')
    parser.add_argument("--data-licence", required=True, metavar="SPDX", help=f"one of {', '.join(DATA)}")
    parser.add_argument("--people", required=True, choices=("agreed", "none"), help="the people in the data")
    parser.add_argument("--by", required=True, metavar="NAME", help="who publishes it and answers for it")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="only write the repository's files here")
    parser.add_argument("--to", metavar="NAME/MODEL", help="send it to this repository at Hugging Face")
    parser.add_argument("--public", action="store_true", help="everybody may see it at once; else only you")
    parser.add_argument("--endpoint", metavar="URL", help="another hub that speaks Hugging Face's protocol")
    given = parser.parse_args(argv)
    if (given.out is None) == (given.to is None):
        raise OperatorError("Nothing says where it goes.", instead="Write either --out FOLDER or --to NAME/MODEL.")
    consent = Consent(given.data_licence, given.people, given.by)
    if given.out is not None:
        if given.out.exists():
            raise OperatorError(f"{given.out} is there already.", instead="Name a folder that is not.")
        prepare(given.file, consent, given.out)
        print(f"{given.out} is ready. For ModelScope: modelscope upload NAME/MODEL {given.out}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "repository"
        prepare(given.file, consent, target)
        address = to_huggingface(target, given.to, public=given.public, endpoint=given.endpoint)
    print(f"It is at {address}, {'for everybody' if given.public else 'for you alone until you open it there'}.")
    return 0
