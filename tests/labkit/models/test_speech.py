"""Speech to text by the real model, and what is handed to it for audio."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest

from labkit.errors import RequestRefused
from labkit.models import audio
from labkit.models.speech import MOST_PROMPT_TOKENS, Transcriber

pytestmark = pytest.mark.model

SPOKEN = "The library opens in the morning, and the books are free for everyone."


def test_a_sentence_is_written_down_as_it_was_spoken(transcriber: Transcriber, speech: bytes) -> None:
    found = transcriber.transcribe(speech)
    assert found.text == SPOKEN and found.language == "en"
    assert found.duration == pytest.approx(4.8, abs=0.1) == transcriber.seconds(speech)
    assert " ".join(segment.text for segment in found.segments) == SPOKEN
    assert all(0 <= segment.start < segment.end <= found.duration + 0.5 for segment in found.segments)
    assert transcriber.transcribe(speech) == found


def test_words_have_times_where_they_are_asked_for(transcriber: Transcriber, speech: bytes) -> None:
    segments = transcriber.transcribe(speech, timestamps="word").segments
    words = [word for segment in segments for word in segment.words]
    assert [word.text for word in words] == SPOKEN.split()
    starts = [word.start for word in words]
    assert starts == sorted(starts) and words[-1].end <= 4.9


def test_a_warm_draw_and_a_prompt_are_accepted(transcriber: Transcriber, speech: bytes) -> None:
    assert "library" in transcriber.transcribe(speech, prompt="About a library.", temperature=0.2).text


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"language": "fil"}, r"'fil'.*whisper-tiny\.en knows English only"),
        ({"language": ""}, "knows English only"),
        ({"temperature": 1.1}, "from 0 to 1"),
        ({"temperature": -0.1}, "from 0 to 1"),
        ({"temperature": float("nan")}, "from 0 to 1"),
        ({"timestamps": "letter"}, "segment, word"),
        ({"prompt": "tree " * (MOST_PROMPT_TOKENS + 1)}, f"{MOST_PROMPT_TOKENS + 1} tokens"),
    ],
)
def test_options_the_model_does_not_know_are_refused(
    options: dict[str, object], complaint: str, transcriber: Transcriber, speech: bytes
) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        transcriber.transcribe(speech, **options)  # type: ignore[arg-type]


def encoded(samples: int, container: str, codec: str) -> bytes:
    """Silence, 16,000 samples a second, as a file."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=48_000 if codec == "libopus" else 16_000, layout="mono")
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=stream.rate)
        frame = av.AudioFrame(format="s16", layout="mono", samples=16_000)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate = 16_000
        for _ in range(samples // 16_000):
            frame.pts = None
            for one in resampler.resample(frame):
                file.mux(stream.encode(one))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "kind"),
    [
        ("flac", "flac", "flac"),
        ("mp3", "libmp3lame", "mp3"),
        ("ogg", "libopus", "ogg"),
        ("webm", "libopus", "matroska"),
        ("mp4", "aac", "mp4"),
    ],
)
def test_what_browsers_and_telephones_record_is_decoded(container: str, codec: str, kind: str) -> None:
    data = encoded(32_000, container, codec)
    assert audio.container(data) == kind
    assert audio.seconds(audio.decode(data)) == pytest.approx(2, abs=0.15)


def test_channels_are_mixed_and_rates_are_changed(wav: Callable[..., bytes]) -> None:
    assert len(audio.decode(wav(0.5, rate=44_100, channels=2))) == 0.5 * audio.RATE * 2


def test_a_recording_that_was_cut_off_is_as_long_as_what_is_there(wav: Callable[..., bytes]) -> None:
    assert audio.seconds(audio.decode(wav(4)[: 44 + 16_000])) == pytest.approx(1, abs=0.01)


HOURS = 10 * 3600 * 16_000
# A FLAC file that says it holds ten hours, and holds nothing.
FLAC_HEADER = b"fLaC\x80\x00\x00\x22" + struct.pack(">HH6x", 4096, 4096)
FLAC_HEADER += ((16_000 << 44) | (15 << 36) | HOURS).to_bytes(8, "big") + bytes(16)
NOISE = bytes((7 * place * place + place // 3) % 251 for place in range(20_000))
WAV_START = b"RIFF\xff\xff\xff\xffWAVE"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not audio"),
        (b"My answer is in this text.", "not audio"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "not audio"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not audio"),
        (NOISE, "not audio"),
        *((start + NOISE, "not audio") for start in (b"\xff\xfb", b"fLaC", b"\0\0\0\x20ftypM4A ")),
        (WAV_START + b"fmt \x10\0\0\0", "not audio"),
        (FLAC_HEADER, "no audio"),
        (b"fLaC" + bytes(audio.MOST_BYTES), "at most 25 MB"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_what_is_no_recording_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        audio.decode(data)


def test_length_is_counted_and_not_believed(wav: Callable[..., bytes]) -> None:
    # One sample a second: 2 kB are a quarter of an hour.
    with pytest.raises(RequestRefused, match="longer than 10 minutes"):
        audio.decode(wav(1000, rate=1))
    assert audio.seconds(audio.decode(wav(audio.MOST_SECONDS - 1, rate=100))) == pytest.approx(599, abs=0.1)


def test_it_says_which_weights_and_engines_answer(transcriber: Transcriber) -> None:
    told = transcriber.about()
    assert "model.bin" in told["files"] and told["languages"] == ["en"]
    assert told["build"].keys() == {"faster-whisper", "ctranslate2", "av"}
