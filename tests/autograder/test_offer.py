"""What a test hands to a learner's code besides data, and what she can make of it."""

import copy
import functools
import inspect
import math
import threading

import pytest

from autograder import offer
from autograder.blame import LearnerSide
from autograder.offer import Offers, library_name
from autograder.test_process import run_test

MODEL = """
class Model:
    def __init__(self, replies): self.replies, self.asked = list(replies), []
    def chat(self, messages):
        self.asked.append(messages)
        return self.replies.pop(0)
    def _private(self): return "hidden"
"""


def run(there, source):
    result = run_test(there, source, "t")
    assert result["stopped"] is None, result
    return [made["passed"] for made in result["checks"]]


def test_a_scripted_model_answers_her_code_and_keeps_what_it_was_asked(names):
    learner, there = names

    def agent(model, question):
        first = model.chat([{"role": "user", "content": question}])
        return model.chat([{"role": "user", "content": first}])

    learner["f"] = agent
    exec(MODEL, there)

    assert run(
        there,
        'model = Model(["one", "two"])\ncheck("answer", f(model, "why") == "two")\n'
        'check("asked", [m[0]["content"] for m in model.asked] == ["why", "one"])',
    ) == [True, True]


def test_a_plain_function_is_called_with_her_values_and_her_objects(names):
    learner, there = names
    learner["f"] = lambda each, items: [each(item) for item in items]

    assert there["f"](lambda x: x + 1, [1, 2]) == [2, 3]
    learner["g"] = lambda each: each(lambda y: y * 2)
    assert there["g"](lambda hers: hers(21)) == 42


@pytest.mark.parametrize(
    "reach", ["replies", "asked", "_private", "__class__", "__init__", "__dict__", "chat.__self__"]
)
def test_what_an_object_holds_stays_in_the_tests_process(names, reach):
    learner, there = names
    learner["f"] = lambda model: eval(f"model.{reach}").__repr__()
    exec(MODEL, there)
    there["model"] = there["Model"](["the expected answer"])

    try:
        told = there["f"](there["model"])
    except LearnerSide:
        return
    assert "expected" not in told
    assert "hidden" not in told


def test_forged_calls_reach_nothing_that_was_not_handed_over(names):
    learner, there = names
    exec(MODEL, there)
    there["model"] = there["Model"](["x"])

    def forge(model):
        asked = model._labkit_asked
        tried = []
        for place, method in ((7, "chat"), (0, "__init__"), (0, "_private"), (0, "replies"), ("0", "chat"), (0, None)):
            try:
                tried.append(asked.call_back(place, method, (), {}))
            except Exception as error:
                tried.append(type(error).__name__)
        return tried

    learner["f"] = forge
    assert there["f"](there["model"]) == ["LookupError"] * 6


def test_what_was_handed_over_is_taken_back_with_the_test(names):
    learner, there = names
    kept = []
    learner["f"] = lambda each: kept.append(each) or 1
    learner["g"] = lambda: kept[0](1)
    there["calls"] = []
    run(there, "check('first', f(lambda x: calls.append(x)) == 1)")
    there.ask_again()

    result = run_test(there, "check('second', g() is None)", "t")

    assert result["checks"][0]["problem"]["what"] == "raised"
    assert there["calls"] == []


def test_an_error_in_the_tests_function_is_raised_in_her_code_and_may_be_caught_there(names):
    learner, there = names

    def careful(tool):
        try:
            return tool("x")
        except ValueError as error:
            return f"told: {error}"

    def refuse(_name):
        raise ValueError("no such tool")

    learner["f"] = careful
    assert there["f"](refuse) == "told: no such tool"


def test_calls_that_never_end_are_ended(names, monkeypatch):
    monkeypatch.setattr(offer, "MOST_CALLS", 20)
    learner, there = names

    def ask_for_ever(each):
        while True:
            each(1)

    learner["f"] = ask_for_ever
    with pytest.raises(LookupError):
        there["f"](lambda x: x)


def test_calls_within_calls_are_bounded(names):
    learner, there = names
    learner["f"] = lambda each: each(1)

    def deeper(_):
        return there["f"](deeper)

    with pytest.raises(LearnerSide):
        there["f"](deeper)


def test_threads_of_hers_may_call_at_once(names):
    learner, there = names

    def crowd(each):
        threads = [threading.Thread(target=each, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    learner["f"] = crowd
    seen = []
    there["f"](lambda n: seen.append(n))

    assert sorted(seen) == list(range(8))


def test_a_librarys_function_is_named_and_runs_on_her_side(names):
    learner, there = names
    learner["f"] = lambda each, x: each(x)

    assert library_name(math.sqrt) == ("math", "sqrt")
    assert library_name(int) == ("builtins", "int")
    assert there["f"](math.sqrt, 9) == 3
    assert there["f"](int, "3") == 3


@pytest.mark.parametrize("value", [run, Offers, [].append, "text".upper])
def test_the_graders_own_and_bound_methods_have_no_name_to_import(value):
    named = library_name(value)

    assert named is None or not named[0].startswith(("autograder", "labkit"))


def test_a_forged_call_between_the_messages_puts_only_herself_out_of_step(names):
    learner, there = names

    def nonsense(each):
        each._labkit_asked._line.sendall(b"\0\0\0\x0e" + b'{"offer": [0]}')
        return 1

    learner["f"] = nonsense
    assert there["f"](lambda x: x) == 1
    with pytest.raises(LearnerSide):
        there["g"]


def test_a_stand_in_tells_what_the_function_would_tell(names):
    learner, there = names

    def scale(x, /, by=2, *rest, to=None, each=print, **words):
        """Scales x."""

    def told(one):
        parameters = inspect.signature(one).parameters.values()
        shown = [(p.name, p.kind.name, None if p.default is p.empty else [p.default]) for p in parameters]
        return one.__name__, one.__qualname__, one.__doc__, [(n, k, str(d)) for n, k, d in shown]

    learner["f"] = told
    here = told(scale)
    name, qualname, text, parameters = there["f"](scale)

    assert (name, qualname, text) == here[:3]
    assert parameters == [(n, k, "[Ellipsis]" if n == "each" else d) for n, k, d in here[3]]
    learner["g"] = lambda one: functools.wraps(one)(lambda: 1).__name__
    assert there["g"](scale) == "scale"
    assert there["g"](lambda: 1) == "<lambda>"


def test_what_has_no_signature_has_none_there(names):
    learner, there = names
    exec(MODEL, there)
    learner["f"] = lambda one: [one.__name__, list(inspect.signature(one).parameters)]

    assert there["f"](there["Model"]([]).chat) == ["chat", ["messages"]]
    learner["g"] = lambda one: hasattr(one, "__signature__")
    assert there["g"]({}.update) is False


def test_a_long_text_or_default_is_cut_or_not_told(names):
    learner, there = names

    def long(default="x" * 1000, big=1 << 80, items=()):
        pass

    long.__doc__ = "y" * 100_000
    learner["f"] = lambda one: [len(one.__doc__), str(inspect.signature(one))]

    assert there["f"](long) == [offer._LONGEST_TEXT, "(default=Ellipsis, big=Ellipsis, items=Ellipsis)"]


def test_a_function_is_the_same_one_however_often_it_is_handed_over(names):
    learner, there = names
    kept = []

    def subscribe(one, many):
        kept.append(one)
        return [one is many[0], one in many, {one: 1}[many[0]], many.index(one), one == many[1]]

    learner.update(f=subscribe, g=lambda one: (kept.remove(one), len(kept))[1])
    each, other = (lambda: 1), (lambda: 2)

    assert there["f"](each, [each, other]) == [True, True, 1, 0, False]
    assert there["g"](each) == 0
    exec(MODEL, there)
    model = there["Model"]([])
    assert there["f"](model.chat, [model.chat, model])[:2] == [True, True]
    assert there["g"](model.chat) == 0


def test_a_copy_of_a_function_is_the_function(names):
    learner, there = names
    learner["f"] = lambda held: [copy.deepcopy(held)["a"][0] is held["a"][0], copy.copy(held["a"][0]) is held["a"][0]]

    assert there["f"]({"a": [lambda: 1]}) == [True, True]
    learner["g"] = lambda held: copy.deepcopy(held)[0](2)
    assert there["g"]([lambda x: x + 1]) == 3


def test_what_she_kept_of_one_test_reaches_nothing_of_the_next(names):
    learner, there = names
    kept = []
    learner["f"] = lambda each: kept.append(each) or 1
    learner["g"] = lambda each: kept[0](1)
    there["calls"] = []
    run(there, "check('first', f(lambda x: x) == 1)")
    there.ask_again()

    result = run_test(there, "check('second', g(lambda x: calls.append(x)) is None)", "t")

    assert result["checks"][0]["problem"]["kind"] == "LookupError"
    assert there["calls"] == []
