import pytest

from autograder.lane import ModelLane
from autograder.lane_service import LaneService
from labkit.errors import ModelUnavailable

TEXT = """\
# %%
import labkit
# %% solution="ask"
def ask(message):
    ### BEGIN SOLUTION
    return labkit.score(message, [" yes", " no"])
    ### END SOLUTION
# %% test="asks" points=2
import labkit
check("asks the model itself", ask("is it?") == [6.0, 6.0])
check("the test asks too", labkit.score(["a", "bb"], [" yes"]) == [[1.0], [2.0]])
"""


class Counting:
    """A lane whose score is the prompt's length; keeps what it was asked."""

    def __init__(self, failing: bool = False) -> None:
        self.asked, self.failing = [], failing

    def score(self, prompts, choices, model):
        self.asked.append((prompts, choices, model))
        if self.failing:
            raise ModelUnavailable("The model process is gone.")
        return [[float(len(prompt)) for _ in choices] for prompt in prompts]

    def chat(self, messages, **options):
        self.asked.append((messages, options))
        return f"heard {messages[-1]['content']}"


RIGHT = 'import labkit\ndef ask(message):\n    return labkit.score(message, [" yes", " no"])\n'


@pytest.mark.sandbox
def test_sandboxed_code_reaches_the_model_through_the_lane_alone(submit):
    lane = Counting()
    graded = submit({"ask": RIGHT}, TEXT, lane=lane)

    assert (graded.score, graded.fault) == (2, None), graded.text
    assert lane.asked[0][:2] == (["is it?"], [" yes", " no"])
    assert lane.asked[1][:2] == (["a", "bb"], [" yes"])


@pytest.mark.sandbox
def test_a_chat_comes_back_as_text(submit):
    lane = Counting()
    text = TEXT.replace("== [6.0, 6.0]", '== "heard is it?"')
    graded = submit({"ask": "import labkit\ndef ask(message): return labkit.ask(message)"}, text, lane=lane)

    assert graded.score == 2, graded.text


@pytest.mark.sandbox
def test_a_failing_model_is_the_platforms_fault_and_no_score(submit):
    graded = submit({"ask": RIGHT}, TEXT, lane=Counting(failing=True))

    assert graded.fault
    assert graded.report.items == ()
    assert "is gone" not in graded.text


@pytest.mark.sandbox
def test_even_a_learner_who_catches_the_failure_is_not_given_a_wrong_score(submit):
    answer = (
        "import labkit\ndef ask(message):\n    try: return labkit.score(message, [' a'])\n"
        "    except Exception: return []"
    )

    assert submit({"ask": answer}, TEXT, lane=Counting(failing=True)).fault


@pytest.mark.sandbox
def test_a_learner_who_asks_for_ever_is_told_so_and_faults_nobody(submit):
    answer = "import labkit\ndef ask(message):\n    while True: labkit.score(message, [' a'])"
    graded = submit({"ask": answer}, TEXT, lane=(lane := Counting()))

    assert graded.fault is None
    assert "more than 50 times" in graded.text
    assert graded.score == 1
    assert sum(choices == [" a"] for _, choices, _ in lane.asked) == 50  # beside what the lab's own answer asks


@pytest.mark.sandbox
def test_time_in_the_lane_is_not_counted_against_the_learner(submit):
    import time

    class Slow(Counting):
        def score(self, prompts, choices, model):
            time.sleep(2.5)
            return super().score(prompts, choices, model)

    graded = submit({"ask": RIGHT}, TEXT, lane=Slow(), table="limits = {seconds = 2, memory_mb = 512}")

    assert graded.score == 2, graded.text


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"path": "/v1/files", "body": {}}, "RequestRefused"),
        ({"path": "/v1/score", "body": None}, "RequestRefused"),
        ({"path": "/v1/score", "body": {"prompts": [], "choices": ["a"]}}, "RequestRefused"),
        ({"path": "/v1/score", "body": {"prompts": "abc", "choices": ["a"]}}, "RequestRefused"),
        ({"path": "/v1/score", "body": {"prompts": ["a"], "choices": [1]}}, "RequestRefused"),
        ({"path": "/v1/score", "body": {"prompts": ["a"] * 1001, "choices": ["a"]}}, "RequestRefused"),
        ({"path": "/v1/score", "body": {"prompts": ["a" * 20_001], "choices": ["a"]}}, "RequestRefused"),
        ({"path": "/v1/score", "body": {"prompts": ["a"], "choices": ["a"], "model": "big"}}, "ModelNotAllowed"),
        ({"path": "/v1/chat/completions", "body": {"messages": "hello"}}, "RequestRefused"),
        (
            {"path": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "a" * 20_001}]}},
            "RequestRefused",
        ),
        ({"path": "/v1/chat/completions", "body": {"messages": [{"role": "user"}]}}, "RequestRefused"),
        (
            {
                "path": "/v1/chat/completions",
                "body": {"messages": [{"role": "u", "content": "a"}], "max_tokens": "many"},
            },
            "RequestRefused",
        ),
        ({"path": ["/v1/score"], "body": {}}, "RequestRefused"),
        ({}, "RequestRefused"),
    ],
)
def test_what_a_process_may_not_ask_is_refused_and_not_our_fault(message, code):
    service = LaneService(lane := Counting(), ("small",), most=5, characters=10**9)

    assert service.answer(message)["error"]["code"] == code
    assert (service.fault, lane.asked) == ("", [])


def test_without_a_lane_the_learner_is_told_what_to_do():
    answer = LaneService(None, (), most=5, characters=10**9).answer(
        {"path": "/v1/score", "body": {"prompts": ["a"], "choices": ["b"]}}
    )

    assert "without a model" in answer["error"]["message"]


def test_a_process_has_a_budget_of_text():
    service = LaneService(Counting(), ("small",), most=100, characters=1_000)
    body = {"prompts": ["a" * 300, "b" * 300], "choices": [" yes"]}

    assert "lane" in service.answer({"path": "/v1/score", "body": body})
    assert "more than 1000 characters" in service.answer({"path": "/v1/score", "body": body})["error"]["message"]


def test_a_process_has_a_budget_of_calls():
    service = LaneService(Counting(), ("small",), most=1, characters=10**9)
    chat = {"path": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "hello"}]}}

    assert service.answer(chat)["lane"]["choices"][0]["message"]["content"] == "heard hello"
    assert "more than 1 times" in service.answer(chat)["error"]["message"]


@pytest.mark.model
def test_the_authors_own_lane_chats_and_scores_and_knows_what_a_submission_costs(prepared_models):
    lane = ModelLane(prepared_models, lambda _: None)
    messages = [{"role": "user", "content": "Say good morning."}]
    said, spent = lane.chat(messages, max_tokens=8, temperature=2), lane.spent

    assert said and spent > 0
    assert lane.chat(messages, max_tokens=8, temperature=1) == said
    assert lane.spent == pytest.approx(2 * spent)  # as much as if it had been computed again
    assert lane.score(["Good"], [" morning"], None) == lane.score(["Good"], [" morning"], None)
