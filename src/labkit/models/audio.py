"""Decodes audio nobody trusts, with FFmpeg's libraries (PyAV), in quarantine: to 16,000 samples a second, one channel.

The container is chosen by the first bytes and FFmpeg is told so: of its demuxers only those named here are ever
reached, none of which reads another file or address. Length is counted in what was decoded, never believed from a
header; a recording that was cut off is as long as what is there of it. Single damaged packets are left out, as
players do; a file with more damaged packets than sound ones is refused.
"""

from __future__ import annotations

import io
import wave
from typing import Any

from labkit.errors import RequestRefused
from labkit.models.quarantine import Bounds, Refused, answer, open_in_quarantine

RATE = 16_000
MOST_SECONDS = 600
MOST_BYTES = 25_000_000
_SAMPLE = 2  # bytes
_KNOWN = "WAV, MP3, FLAC, Ogg, M4A and WebM"
_NOT_AUDIO = f"The file is not audio that can be read. Send {_KNOWN}, whole and not renamed."
_SENTENCES = {
    "not-audio": _NOT_AUDIO,
    "silent": "The file holds no audio. Send a recording.",
    "too-long": f"The recording is longer than {MOST_SECONDS // 60} minutes. Cut it into shorter ones.",
}


def decode(data: bytes) -> bytes:
    """Signed 16-bit little-endian samples of one channel, RATE a second: at least one, at most MOST_SECONDS.

    Raises RequestRefused for what is not audio, too large or too long; ModelUnavailable where nothing is opened.
    """
    if len(data) > MOST_BYTES:
        raise RequestRefused(
            f"The file has {len(data) / 1e6:.1f} MB.", instead=f"Send at most {MOST_BYTES // 1_000_000} MB."
        )
    kind = container(data)
    if kind is None:
        raise RequestRefused(_NOT_AUDIO)
    opened = open_in_quarantine(__name__, data, {"kind": kind}, _SENTENCES, Bounds(MOST_SECONDS * RATE * _SAMPLE))
    content = opened.content
    if not content or len(content) % _SAMPLE or len(content) > MOST_SECONDS * RATE * _SAMPLE:
        raise RequestRefused(_NOT_AUDIO)
    return content


def seconds(samples: bytes) -> float:
    """How long decoded samples are."""
    return len(samples) / (RATE * _SAMPLE)


def container(data: bytes) -> str | None:
    """FFmpeg's name of the container, by its first bytes; None for what is not known."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[4:8] == b"ftyp":
        return "mp4"
    starts = {
        b"fLaC": "flac",
        b"OggS": "ogg",
        b"\x1a\x45\xdf\xa3": "matroska",
        b"ID3": "mp3",
        **dict.fromkeys((b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3"), "mp3"),
    }
    return next((kind for start, kind in starts.items() if data.startswith(start)), None)


def warm() -> None:
    """Decodes a little silence of ours: what that imports, nothing needs to import inside."""
    import av

    silence = io.BytesIO()
    with wave.open(silence, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE)
        file.setframerate(RATE)
        file.writeframes(bytes(_SAMPLE * 160))
    silence.seek(0)
    with av.open(silence, format="wav", metadata_errors="ignore") as container:
        _decoded(container)


def open_untrusted(source: int, sink: int, arguments: dict[str, Any]) -> None:
    """In quarantine: writes the samples, or refuses."""
    import av

    try:
        with open(source, "rb") as file, av.open(file, format=arguments["kind"], metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise Refused("silent")
            samples = _decoded(container)
    except (av.FFmpegError, ValueError) as error:
        raise Refused("not-audio") from error
    answer(sink, {}, samples)


def _decoded(container: Any) -> bytes:
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    samples, sound, damaged = bytearray(), 0, 0
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            damaged += 1
            continue
        for frame in frames:
            sound += 1
            frame.pts = None  # what a file says of its times is not needed
            for resampled in resampler.resample(frame):
                samples += bytes(resampled.planes[0])[: resampled.samples * _SAMPLE]
        if len(samples) > MOST_SECONDS * RATE * _SAMPLE:
            raise Refused("too-long")
    if damaged > sound:
        raise Refused("not-audio")
    if sound:
        for resampled in resampler.resample(None):
            samples += bytes(resampled.planes[0])[: resampled.samples * _SAMPLE]
    if not samples:
        raise Refused("silent")
    if len(samples) > MOST_SECONDS * RATE * _SAMPLE:
        raise Refused("too-long")
    return bytes(samples)
