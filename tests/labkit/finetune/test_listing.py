"""Trainings as a table: a learner sees which is which without asking for each."""

from __future__ import annotations

import labkit


def test_each_stands_in_a_row_with_its_name_its_time_and_how_it_stands(platform):
    platform.job("ftjob-1")["user_provided_suffix"] = "office"
    platform.job("ftjob-2")
    platform.put("ftjob-2", status="cancelled", step=2)
    table = repr(labkit.trainings()).splitlines()

    assert table[0].split("  ")[0] == ""
    assert "office" in table[1]
    assert "Waiting" in table[1]
    assert "ftjob-2" in table[2]
    assert "Cancelled after 2 of 4 steps" in table[2]
    assert all("smollm2-135m-instruct" in line and " on " in line for line in table[1:])


def test_in_a_notebook_it_is_a_table_with_headings_and_nothing_in_it_is_markup(platform):
    platform.job()["user_provided_suffix"] = "<b>"
    page = labkit.trainings()._repr_html_()

    assert page.count('<th scope="col"') == 5
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_an_empty_one_says_how_to_begin(platform):
    assert "labkit.finetune(rows) begins" in labkit.trainings()._repr_html_()
