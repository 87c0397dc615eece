"""Files are looked at before they are sent, and what is wrong with one is said in words that help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.client import uploads
from labkit.errors import RequestRefused


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("speech.wav", "sign.png", "notes.txt", "noname", "clip.webm"):
        (tmp_path / name).write_bytes(b"content of " + name.encode())
    (tmp_path / "empty.wav").touch()
    (tmp_path / "recordings").mkdir()
    return tmp_path


def test_a_recording_is_sent_and_its_words_come_back(platform) -> None:
    platform.answers["/v1/audio/transcriptions"] = {"text": "Magandang umaga."}
    assert labkit.transcribe("speech.wav") == "Magandang umaga."
    assert labkit.transcribe(Path("clip.webm"), "en", model="whisper") == "Magandang umaga."
    assert [sent for _, sent in platform.sent] == [
        ({}, b"content of speech.wav"),
        ({"language": "en", "model": "whisper"}, b"content of clip.webm"),
    ]


def test_an_image_is_sent_and_its_text_comes_back(platform) -> None:
    platform.answers["/v1/ocr"] = {"text": "Bawal tumawid"}
    text = labkit.read("sign.png")
    assert (text, type(text)) == ("Bawal tumawid", str)
    assert labkit.read("noname", "eng") == "Bawal tumawid"  # what a name does not say, the gateway finds out
    assert [fields["languages"] for _, (fields, _) in platform.sent] == ["eng+fil", "eng"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("speach.wav", r"no file 'speach.wav' here. Did you mean speech.wav\?"),
        ("nowhere/at-all.wav", "Look at its name in the file list"),
        ("recordings", "is a folder. Name a file in it"),
        ("empty.wav", "is empty. Upload it again"),
        ("sign.png", "is not a recording. Give it WAV"),
        (b"bytes", r'Write labkit.transcribe\("the-file"\)'),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused_with_what_to_do(path: Any, says: str, platform) -> None:
    with pytest.raises(RequestRefused, match=says):
        labkit.transcribe(path)
    assert platform.sent == []


@pytest.mark.parametrize("name", ["speech.wav", "notes.txt"])
def test_what_is_no_image_is_not_read(name: str, platform) -> None:
    with pytest.raises(RequestRefused, match=f"{name} is not an image. Give it PNG"):
        labkit.read(name)
    assert platform.sent == []


def test_a_file_larger_than_the_gateway_takes_is_not_sent(platform, folder: Path) -> None:
    with (folder / "long.wav").open("wb") as file:
        file.truncate(uploads.LARGEST_FILE + 1)
    with pytest.raises(RequestRefused, match="is larger than 25 MB"):
        labkit.transcribe("long.wav")
    assert platform.sent == []
