"""`labkit.finetune` sends what it was given, looked at before, and holds rows back unless told otherwise."""

from __future__ import annotations

from typing import Any

import pytest

import labkit
from labkit.errors import ModelNotAllowed, RequestRefused

DATA = [(f"question {number}", f"answer {number}") for number in range(20)]


def questions(rows: list[dict[str, Any]]) -> list[str]:
    return [row["messages"][0]["content"] for row in rows]


def test_the_labs_first_model_is_trained_on_what_was_sent(platform):
    job = labkit.finetune(DATA)

    (began,) = platform.began
    assert job.id == "ftjob-1"
    assert began == {
        "model": "smollm2-135m-instruct",
        "training_file": "file-1",
        "seed": 0,
        "labkit": {"rank": 8, "validation": 0.1},
    }
    sent = [(fields, name) for path, (fields, name, _) in filter(lambda one: one[0] == "/v1/files", platform.sent)]
    assert sent == [({"purpose": "fine-tune"}, "rows.jsonl")]


def test_a_model_she_names_is_trained_and_no_list_is_asked_for(platform):
    labkit.finetune(DATA, base="qwen3-0.6b")

    assert platform.began[0]["model"] == "qwen3-0.6b"
    assert not [path for path, _ in platform.sent if path.endswith("/bases")]


def test_a_share_is_drawn_by_the_platform_from_all_rows_in_their_order(platform):
    """So a row that the platform refuses has the number it has here."""
    labkit.finetune(DATA, validation=0.25, seed=3)

    assert [questions(rows) for rows in platform.files] == [[asked for asked, _ in DATA]]
    assert (platform.began[0]["labkit"]["validation"], platform.began[0]["seed"]) == (0.25, 3)


@pytest.mark.parametrize("name", ["may frame", "é", "x" * 65, "a/b"])
def test_a_name_the_platform_cannot_keep_is_refused_by_that_word(platform, name):
    with pytest.raises(RequestRefused, match="name is"):
        labkit.finetune(DATA, name=name)

    assert platform.sent == []


def test_rows_of_her_own_are_held_back_as_they_are(platform):
    labkit.finetune(DATA, validation=[{"prompt": "mine", "completion": "yes"}])

    assert [len(rows) for rows in platform.files] == [20, 1]
    assert questions(platform.files[1]) == ["mine"]
    assert platform.began[0]["validation_file"] == "file-2"


def test_nothing_is_held_back_where_she_says_so(platform):
    labkit.finetune(DATA, validation=None)

    assert [len(rows) for rows in platform.files] == [len(DATA)]
    assert "validation_file" not in platform.began[0]
    assert "validation" not in platform.began[0]["labkit"]


@pytest.mark.parametrize(
    ("data", "validation", "said"),
    [
        ([("a", "")], 0.1, "row 1, completion: it is empty"),
        ([], 0.1, "no rows to learn from"),
        (DATA, 0, "validation is 0"),
        (DATA, 1.0, "validation is 1"),
        (DATA, -0.5, "validation is -0.5"),
        (DATA, True, "takes rows"),
        (DATA, [("a", "")], "row 1, completion: it is empty"),
        (DATA, [], "no rows to learn from"),
    ],
    ids=["empty", "none", "no share", "all", "less than none", "yes", "own rows empty", "own rows none"],
)
def test_what_cannot_be_learned_from_is_told_before_anything_is_sent(platform, data, validation, said):
    with pytest.raises(RequestRefused, match=said):
        labkit.finetune(data, validation=validation)
    assert platform.sent == []


def test_settings_go_to_the_platform_which_knows_them(platform):
    labkit.finetune(DATA, steps=30, rank=4, name="mine", learning_rate=1e-2, targets=["q_proj"], lerning_rate=3)

    (began,) = platform.began
    assert began["suffix"] == "mine"
    assert began["labkit"] == {
        "rank": 4,
        "validation": 0.1,
        "steps": 30,
        "learning_rate": 1e-2,
        "targets": ["q_proj"],
        "lerning_rate": 3,  # refused there, by its name
    }


def test_steps_and_name_are_the_platforms_unless_she_says_them(platform):
    labkit.finetune(DATA)

    assert "steps" not in platform.began[0]["labkit"]
    assert "suffix" not in platform.began[0]


def test_a_lab_in_which_nothing_is_trained_says_so_before_anything_is_sent(platform):
    platform.bases = []
    with pytest.raises(ModelNotAllowed, match=r"Nothing is trained in this lab\. Open the lab whose exercise it is"):
        labkit.finetune(DATA)
    assert platform.files == platform.began == []


def test_what_the_platform_refuses_is_raised_as_it_is(platform, monkeypatch):
    def refuse(path, body):
        raise labkit.LabkitError("Your steps are used up.")

    monkeypatch.setattr(platform, "post", refuse)
    with pytest.raises(labkit.LabkitError, match="used up"):
        labkit.finetune(DATA)


def test_trainings_of_this_lab_can_be_watched_again_when_the_notebook_was_closed(platform):
    platform.job("ftjob-2")
    platform.job("ftjob-1")
    platform.put("ftjob-1", status="running")
    newest, older = labkit.trainings()

    assert (newest.id, newest.state) == ("ftjob-2", "queued")
    assert (older.id, older.state) == ("ftjob-1", "running")
    platform.succeeds()
    assert older.wait().model == "ft:smollm2-135m-instruct:labkit::1"


def test_who_has_trained_nothing_has_no_trainings(platform):
    assert labkit.trainings() == ()
    assert "labkit.finetune(rows) begins" in repr(labkit.trainings())
