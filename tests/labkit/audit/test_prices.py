from __future__ import annotations

from pathlib import Path

import pytest

from labkit.audit.prices import Price, Prices, read_prices
from labkit.errors import OperatorError

GOOD = """currency = "PHP"

[models."smollm2-135m-instruct"]
per_million_prompt_tokens = 2.5
per_million_answer_tokens = 10
per_hour = 36

[models.large]
per_hour = 100.0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text)
    return path


def test_a_call_costs_its_tokens_and_its_time(tmp_path: Path):
    prices = read_prices(written(tmp_path, GOOD))
    assert prices.currency == "PHP"
    assert prices.of("smollm2-135m-instruct", 1_000_000, 500_000, 100) == pytest.approx(2.5 + 5 + 1)
    assert prices.of("large", 1_000_000, 500_000, 36) == pytest.approx(1.0)


def test_a_model_without_a_price_costs_nothing_known_instead_of_nothing(tmp_path: Path):
    assert read_prices(written(tmp_path, GOOD)).of("other", 10, 10, 10) is None
    assert read_prices(None) == Prices()
    assert read_prices(None).of("large", 10, 10, 10) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ('currency = "PHP"', 'curency = "PHP"', 1, "unknown key 'curency'"),
        ('currency = "PHP"', 'currency = "pesos"', 1, "ISO 4217"),
        ('currency = "PHP"', "", 1, "currency is None"),
        ("per_million_answer_tokens", "per_million_output_tokens", 5, "unknown key 'per_million_output_tokens'"),
        ("per_hour = 100.0", "per_minute = 3", 9, "unknown key 'per_minute'"),
        ("per_hour = 36", "per_hour = -1", 6, "per_hour is -1"),
        ("per_hour = 36", "per_hour = true", 6, "per_hour is True"),
        ("per_hour = 36", 'per_hour = "36"', 6, "per_hour is '36'"),
        ("per_hour = 36", "per_hour = inf", 6, "per_hour is inf"),
        ("per_hour = 100.0", "", 8, "'large' has no price"),
        ("per_hour = 36", "per_hour = ", 6, "not TOML"),
    ],
)
def test_what_is_not_known_is_refused_by_file_and_line(tmp_path: Path, old: str, new: str, line: int, told: str):
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(OperatorError) as refused:
        read_prices(path)
    assert str(refused.value).startswith(f"{path}:{line}: ")
    assert told in str(refused.value) and refused.value.instead


def test_a_file_that_is_not_there_and_one_without_models_are_refused(tmp_path: Path):
    with pytest.raises(OperatorError, match="cannot be read"):
        read_prices(tmp_path / "none.toml")
    with pytest.raises(OperatorError, match="no model in it"):
        read_prices(written(tmp_path, 'currency = "EUR"\n'))


def test_a_price_of_nothing_is_a_price():
    assert Prices("PHP", {"own": Price()}).of("own", 10, 10, 1.0) == 0.0
