"""A training is watched, waited for, cancelled and taken home, and what went wrong is told to whom it belongs."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

import labkit
from labkit.errors import KeyRefused, ModelUnavailable, PlatformFault, RequestRefused, TrainingFailed
from labkit.finetune import training
from labkit.finetune.training import Training

MODEL = "ft:smollm2-135m-instruct:labkit::1"


def steps(platform: Any, *taken: int) -> None:
    """So many steps are taken, each with the loss it always has."""
    for step in taken:
        platform.measures(step, 4.0 - step / 2)


def test_who_waits_sees_it_wait_train_and_be_done(platform, job, screen):
    platform.put(place=2, seconds_left=30.0)
    platform.later = [
        lambda: platform.put(place=1, seconds_left=12.0),
        lambda: (steps(platform, 1, 2), platform.put(place=0, seconds_left=5.0)),
        lambda: (steps(platform, 3, 4), platform.succeeds()),
    ]

    assert job.wait() is job
    assert screen.lines == [
        "Waiting: you are number 2 in the queue; your model answers in about 30 s.",
        "Waiting: you are number 1 in the queue; your model answers in about 12 s.",
        "Training: step 2 of 4, loss 3.00; about 5 s left.",
        f"Done after 4 steps. Your model is {MODEL}.",
    ]
    assert (job.state, job.model) == ("succeeded", MODEL)


def test_what_is_over_is_not_waited_for(platform, job, screen):
    platform.succeeds()
    job.wait()
    job.wait()

    assert len(screen.seen) == 2


LEARNERS = ("LearnerError", "The loss was no number at step 3. Lower learning_rate and try again.")
OURS = ("PlatformFault", "The training broke off through our fault.")


@pytest.mark.parametrize(
    ("fault", "kind"), [(LEARNERS, TrainingFailed), (OURS, PlatformFault)], ids=["her mistake", "our fault"]
)
@pytest.mark.parametrize("ask", [Training.wait, lambda job: job.model], ids=["wait", "model"])
def test_a_failure_is_told_to_whom_it_belongs(platform, job, screen, fault, kind, ask):
    platform.fails(*fault)

    with pytest.raises(kind) as told:
        ask(job)
    assert type(told.value) is kind
    assert told.value.message == fault[1]
    assert told.value.instead
    assert job.state == "failed"


def test_who_waited_has_seen_the_failure_before_it_is_raised(platform, job, screen):
    platform.later = [lambda: (steps(platform, 1), platform.fails(*LEARNERS))]

    with pytest.raises(TrainingFailed):
        job.wait()
    assert screen.lines[-1] == f"It failed. {LEARNERS[1]}"


def test_one_that_failed_without_a_word_is_told_all_the_same(platform, job):
    platform.put(status="failed")
    with pytest.raises(TrainingFailed, match=r"^The training failed\. "):
        job.wait()


def test_one_that_is_cancelled_ends_without_a_model(platform, job, screen):
    platform.later = [lambda: steps(platform, 1), job.cancel]

    with pytest.raises(TrainingFailed, match=r"was cancelled\. Start it again with labkit\.finetune"):
        job.wait()
    assert screen.lines[-1] == "Cancelled after 1 of 4 steps."
    assert platform.cancelled == ["/v1/fine_tuning/jobs/ftjob-1/cancel"]
    with pytest.raises(TrainingFailed, match="was cancelled"):
        assert job.model


def test_who_interrupts_her_wait_leaves_the_training_going_and_may_wait_again(platform, job, screen):
    def interrupt() -> None:
        raise KeyboardInterrupt

    platform.later = [lambda: steps(platform, 1), interrupt, lambda: (steps(platform, 2, 3, 4), platform.succeeds())]

    with pytest.raises(KeyboardInterrupt):
        job.wait()
    assert platform.cancelled == []
    assert job.state == "running"
    assert job.wait().model == MODEL
    assert list(job.losses.index) == [1, 2, 3, 4]


@pytest.mark.parametrize("away", [ModelUnavailable("No answer."), PlatformFault("No reason."), KeyRefused("Expired.")])
def test_who_waits_is_told_of_a_platform_that_is_away_for_a_moment_and_waits_on(platform, job, screen, away):
    lost, back = lambda: platform.breaks.append(away), lambda: platform.succeeds()
    platform.later = [lambda: steps(platform, 1, 2), lost, back]

    assert job.wait().model == MODEL
    assert screen.lines[2:] == [
        "The platform is away; your training goes on without this notebook. Last heard: step 2.",
        f"Done after 4 steps. Your model is {MODEL}.",
    ]


def test_a_platform_that_stays_away_is_told_to_who_waits_and_she_may_wait_again(platform, job):
    def passes() -> None:
        platform.breaks.append(ModelUnavailable("The platform did not answer."))
        platform.clock += 60

    platform.later = [passes] * 20
    with pytest.raises(ModelUnavailable):
        job.wait()
    assert 300 < platform.clock < 400
    platform.succeeds()

    assert job.wait().model == MODEL


def test_what_the_platform_refuses_is_not_waited_out(platform, job):
    platform.breaks.append(RequestRefused("You have no training."))
    with pytest.raises(RequestRefused):
        job.wait()


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_model_that_is_not_ready_says_what_to_do(platform, job, state):
    platform.put(status=state)
    with pytest.raises(RequestRefused, match=r"not ready yet\. Run job\.wait\(\) first"):
        assert job.model


def test_losses_are_a_table_with_a_row_for_each_step(platform, job):
    platform.measures(1, 3.0, tokens=40)
    platform.measures(2, 2.0, tokens=80, valid_loss=2.5)
    table = job.losses

    assert table.index.name == "step"
    assert list(table.columns) == ["train_loss", "valid_loss"]
    assert list(table["train_loss"]) == [3.0, 2.0]
    assert list(table["valid_loss"].dropna().items()) == [(2, 2.5)]


def test_losses_of_preferences_have_the_share_that_is_told_apart(platform, job):
    platform.measures(1, 0.69, train_accuracy=0.5)

    assert job.losses["train_accuracy"].to_dict() == {1: 0.5}


def test_losses_before_the_first_step_are_an_empty_table(job):
    assert job.losses.empty


def test_each_event_is_asked_for_once(platform, job):
    steps(platform, 1, 2)
    assert len(job.losses) == 2
    steps(platform, 3)
    assert len(job.losses) == 3
    assert [path.partition("?")[2] for path, _ in platform.sent] == ["after=0", "after=2"]


def test_steps_that_are_taken_again_after_a_crash_are_not_counted_twice(platform, job, screen):
    """The platform goes on from step 1, and tells steps 2 and 3 once more under new numbers."""
    platform.later = [
        lambda: steps(platform, 1, 2, 3),
        lambda: (platform.says("The training goes on from step 1."), platform.put(step=1)),
        lambda: steps(platform, 2, 3),
        lambda: (steps(platform, 4), platform.succeeds()),
    ]
    job.wait()

    assert job.losses["train_loss"].to_dict() == {1: 3.5, 2: 3.0, 3: 2.5, 4: 2.0}
    assert screen.seen[-1].train == ((1, 3.5), (2, 3.0), (3, 2.5), (4, 2.0))
    assert ("Last word", "The training goes on from step 1.") in screen.seen[2].facts


def test_it_says_in_one_line_how_it_stands(platform, job):
    steps(platform, 1)
    platform.put(seconds_left=3.0)

    assert repr(job) == "Training: step 1 of 4, loss 3.50; about 3 s left."


def test_a_cell_that_shows_it_ends_at_once_and_its_output_goes_on(platform, job, screen, monkeypatch):
    def pause(seconds: float) -> None:
        held.wait(60)
        platform.passes(seconds)

    held, done = threading.Event(), lambda: (steps(platform, 1, 2, 3, 4), platform.succeeds())
    away = [ModelUnavailable("The platform did not answer."), KeyRefused("Expired.")]
    platform.later = [lambda: platform.breaks.append(away[0]), lambda: platform.breaks.append(away[1]), done]
    monkeypatch.setattr(training, "time", SimpleNamespace(sleep=pause, monotonic=lambda: platform.clock))

    job._ipython_display_()  # is back although nothing has happened yet
    (follower,) = [one for one in threading.enumerate() if one.name == job.id]
    assert screen.lines == [job._look().line]
    held.set()
    follower.join(60)

    assert not follower.is_alive()
    assert follower.daemon, "it does not keep a notebook from ending"
    assert screen.lines[-1] == f"Done after 4 steps. Your model is {MODEL}."
    assert not platform.breaks, "a platform that was away for a moment does not end it"


def test_one_that_is_over_is_shown_once_and_not_followed(platform, job, screen):
    platform.succeeds()
    job._ipython_display_()

    assert len(screen.seen) == 1
    assert job.id not in [one.name for one in threading.enumerate()]


def test_its_model_is_taken_home_as_a_file_that_says_whose_it_is(platform, job, tmp_path):
    platform.zip = b"PK the adapter"
    file = job.download(tmp_path / "taken" / "home")
    whole = job.download(str(tmp_path), format="ollama")

    assert (file, file.read_bytes()) == (tmp_path / "taken" / "home" / "ftjob-1-peft.zip", b"PK the adapter")
    assert whole == tmp_path / "ftjob-1-ollama.zip"
    assert [path for path, _ in platform.sent] == [
        "/v1/fine_tuning/jobs/ftjob-1/adapter?format=peft",
        "/v1/fine_tuning/jobs/ftjob-1/adapter?format=ollama",
    ]


def test_what_the_platform_refuses_to_hand_out_leaves_no_file(platform, job, tmp_path):
    platform.zip = RequestRefused("This training has no model yet.", instead="Wait until it has succeeded.")
    with pytest.raises(RequestRefused, match="no model yet"):
        job.download(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def pictures(monkeypatch):
    """What a plot shows, as display has it."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    shown: list[dict[str, str]] = []
    monkeypatch.setattr("labkit.client.pictures._in_a_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    return shown


def test_a_plot_of_its_losses_has_words(platform, job, pictures):
    steps(platform, 1, 2)
    platform.measures(3, 1.0, valid_loss=2.75)
    job.plot()

    (picture,) = pictures
    assert picture["text/plain"] == (
        "The training loss went from 3.50 at step 1 to 1.00 at step 3; on rows held back it is 2.75."
    )
    assert "data:image/png;base64," in picture["text/html"]


def test_losses_of_a_long_training_have_every_step(platform, job):
    platform.put(steps=1500)
    for step in range(1, 1501):
        platform.measures(step, 2.0)
    platform.succeeds()

    assert len(job.losses) == 1500


def test_a_plot_before_the_first_step_is_empty_and_says_so(job, pictures):
    job.plot()

    assert pictures[0]["text/plain"] == "No step has been taken yet."


def test_every_cell_that_shows_it_goes_on_until_it_is_over(platform, monkeypatch):
    """Shown in a second cell, or waited for there, it is not the first cell's output alone that changes."""
    from tests.labkit.finetune.conftest import Watched

    screens: list[Watched] = []

    def another() -> Watched:
        screens.append(Watched())
        return screens[-1]

    job = training.Training(platform.job(), another)
    monkeypatch.setattr(training.threading.Thread, "start", lambda self: None)
    job._ipython_display_()
    job._ipython_display_()
    platform.later = [lambda: steps(platform, 1, 2), lambda: (steps(platform, 3, 4), platform.succeeds())]
    job.wait()

    assert len(screens) == 3
    assert {one.lines[-1] for one in screens} == {f"Done after 4 steps. Your model is {MODEL}."}


def test_one_that_is_being_cancelled_says_so_until_it_has_ended(platform, job):
    platform.put(status="running", step=2, cancelling=True)

    assert repr(job) == "Being cancelled: it ends before its next step; 2 of 4 were taken."


def test_a_file_that_is_taken_home_has_the_name_she_gave(platform, tmp_path):
    platform.job()["user_provided_suffix"] = "office"

    assert labkit.trainings()[0].download(tmp_path).name == "office-peft.zip"


def test_a_model_that_is_given_up_is_gone_and_says_so(platform, job):
    platform.succeeds()
    job.delete()

    assert ("/v1/models/" + MODEL, None) in platform.sent
    assert repr(job) == "Done after 4 steps. Its model was given up."
    with pytest.raises(RequestRefused, match="was given up"):
        assert job.model
