"""Honest answers of many kinds, graded whole: two sandboxed processes, and nothing is lost between them."""

import pytest

LAB = """\
# %%
import dataclasses
import pandas as pd
@dataclasses.dataclass
class Hero:
    hp: int
    items: list
# %% solution="crossing"
### BEGIN SOLUTION
class Node:
    def __init__(self, value):
        self.value = value
def sort_them(nodes):
    nodes.sort(key=lambda node: node.value)
def hurt(team):
    for hero in team:
        hero.hp -= 1
        hero.items.append("scar")
def rest(quest):
    quest.days += 1
def first_of(functions):
    return functions.pop(0)(2)
def told(function):
    return function.__name__, function.__doc__
def keys_of(table):
    return table.keys()
def different(column):
    return column.unique()
def totals(table):
    return table.groupby("g").sum()
def local(moments):
    return moments.dt.tz_localize("UTC").dt.tz_convert("Asia/Manila")
def latest(moments):
    return moments.max()
### END SOLUTION
# %% test="her-objects" points=1 hidden
nodes = [Node(3), Node(1)]
big, small = nodes
sort_them(nodes)
check("sorted", [node.value for node in nodes] == [1, 3] and nodes[0] is small and nodes[1] is big)
# %% test="instances" points=2 hidden
@dataclasses.dataclass
class Quest:
    days: int
team, quest = [Hero(3, []), Hero(4, ["x"])], Quest(6)
one = team[0]
hurt(team)
check("hurt", team == [Hero(2, ["scar"]), Hero(3, ["x", "scar"])] and team[0] is one)
rest(quest)
check("rest", quest == Quest(7))
# %% test="functions" points=2 hidden
def double(x):
    "Doubles."
    return x * 2
functions = [double, len]
check("first", first_of(functions) == 4 and functions == [len])
check("told", told(double) == ("double", "Doubles."))
# %% test="values" points=5 hidden
table = pd.DataFrame({"g": ["x", "y", "x"], "v": [1, 2, 3]})
check("keys", keys_of({"a": 1, "b": 2}) == {"a", "b"} and len(keys_of({"a": 1})) == 1)
check("different", list(different(table["g"])) == ["x", "y"])
check("totals", list(totals(table).reset_index()["g"]) == ["x", "y"])
moments = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-02"]))
check("local", list(local(moments).dt.hour) == [8, 8])
check("latest", latest(moments) == pd.Timestamp("2026-01-02") and latest(moments).day == 2)
"""
RIGHT = LAB.split("### BEGIN SOLUTION\n")[1].split("### END SOLUTION")[0]


@pytest.mark.sandbox
def test_honest_answers_of_many_kinds_lose_nothing(submit):
    graded = submit({"crossing": RIGHT}, LAB)

    assert (graded.score, graded.fault) == (10, None), graded.text


@pytest.mark.sandbox
def test_an_answer_that_changes_nothing_gets_nothing_for_a_change(submit):
    still = RIGHT.replace("nodes.sort(", "sorted(nodes, ").replace("hero.hp -= 1", "hero = None; break")
    graded = submit({"crossing": still}, LAB)

    assert (graded.points["her-objects"], graded.points["instances"]) == (0, 1), graded.text
