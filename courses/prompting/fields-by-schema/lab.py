# %% [markdown]
# # 1.3 Fields out of a letter
#
# A citizen writes a letter; a form wants a name, an amount, a day. Somebody in the office reads and types, all day long. A
# language model can fill the form for her, but only if what comes out *is* a form: the same fields each time, numbers where
# numbers belong, and nothing that the letter does not say. In this lab you make a very small model do that, and you write
# the three lines that catch it when it makes something up.
#
# You will be able to
#
# - give a model a **schema**, a form that its answer cannot leave;
# - show it **examples** as a conversation, and see why that works better than explaining;
# - check an answer against the letter **without any model**, so that what was invented goes to a person.
#
# **How to use this page.** Click a grey box and press **Shift + Enter** to run it. Run the boxes from top to bottom.

# %% [markdown]
# ## 1. The letters
#
# Twelve practice letters about money: in English, in Filipino, in Taglish. From each one the office needs four things: the
# **name** of the writer, the **amount** in whole pesos, and **month** and **day**. All letters and names were made up for
# this course.

# %%
import json
import re

import labkit

MONTHS = ["January", "February", "March", "April", "May", "June", "July",
          "August", "September", "October", "November", "December"]
NAMES = ["name", "amount", "month", "day"]
with open("data/practice.json", encoding="utf-8") as file:
    PRACTICE = json.load(file)

# %% demo
for item in PRACTICE:
    print(item["text"])
    print("   ", {name: item[name] for name in NAMES})

# %% [markdown]
# ## 2. Ask politely, get prose
#
# First without any form. Read the answer: it may be friendly, it may even be right. But a computer program would have to
# understand it again, and tomorrow it will look different.

# %% demo
labkit.ask("Please give me the name, the amount and the date: " + PRACTICE[0]["text"], max_tokens=60)

# %% [markdown]
# ## 3. A form it cannot leave
#
# A **JSON schema** describes a form: which fields there are, and what may stand in each. The server then lets the model
# choose only among words that keep to the form. Some of what a field can say:
#
# | you write | it means |
# |---|---|
# | `{"type": "string", "maxLength": 40}` | text of at most 40 characters |
# | `{"type": "integer", "minimum": 1, "maximum": 31}` | a whole number from 1 to 31 |
# | `{"enum": ["yes", "no"]}` | one of these and nothing else |
#
# The fields are filled **in the order in which you write them**, each one with all that came before it in view.
#
# The box below puts your choices together: each of your examples becomes a question and its answer, as if the model had
# answered so before; then comes the real letter. There is nothing in it to change.

# %%
def what_is_wrong(request, fields, examples):
    """Why the choices cannot be used, or an empty text."""
    if not isinstance(request, str) or request.count("{message}") != 1:
        return "write {message} exactly once in REQUEST, where the letter should stand"
    if not isinstance(fields, dict) or sorted(fields) != sorted(NAMES):
        return f"FIELDS has exactly these four: {', '.join(NAMES)}"
    known = {"type", "enum", "minimum", "maximum", "minLength", "maxLength"}
    if not all(isinstance(field, dict) and field and not set(field) - known for field in fields.values()):
        return f"a field is described by {', '.join(sorted(known))}"
    if not isinstance(examples, list) or not all(is_example(one) for one in examples):
        return 'an example is a pair: ("the letter", {"name": ..., "amount": ..., "month": ..., "day": ...})'
    if len(request) + sum(len(text) for text, _ in examples) > 2500:
        return "request and examples together are longer than 2,500 characters; every letter pays for them"
    if any(item["text"].lower()[:60] in text.lower() for item in PRACTICE for text, _ in examples):
        return "an example copies a practice letter; make up your own"
    return ""


def is_example(one):
    return (
        isinstance(one, (tuple, list)) and len(one) == 2 and isinstance(one[0], str)
        and isinstance(one[1], dict) and sorted(one[1]) == sorted(NAMES)
    )


def fill_in(request, fields, examples, text):
    """The form the model fills in for one letter; an empty one where it was cut off."""
    talk = []
    for letter, record in examples:
        talk.append({"role": "user", "content": request.replace("{message}", letter)})
        ordered = {name: record[name] for name in fields}
        talk.append({"role": "assistant", "content": json.dumps(ordered, ensure_ascii=False)})
    talk.append({"role": "user", "content": request.replace("{message}", text)})
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    form = {"type": "json_schema", "json_schema": {"name": "letter", "schema": schema}}
    try:
        return json.loads(labkit.chat(talk, stream=False, max_tokens=64, temperature=0, response_format=form))
    except ValueError:
        return {}


def right_fields(record, item):
    """The share of the four fields that are exactly right, from 0 to 1."""
    return sum(record.get(name) == item[name] for name in NAMES) / len(NAMES)

# %% [markdown]
# ## 4. Your request, fields and examples
#
# Below is how most people begin: a friendly request, loose fields, no examples. About one field in three comes out right.
# Things worth trying, one at a time, measuring after each:
#
# 1. Tighten the fields: a month is one of twelve (`{"enum": MONTHS}`), a day is from 1 to 31, nobody writes a letter about
#    less than 20 pesos.
# 2. Give **examples**: two, then four, then eight. Write your own letters, in the languages your citizens use, with amounts
#    and dates written in different ways. Examples that look alike are copied instead of understood.
# 3. With examples, the request can become short: perhaps the letter alone, `"{message}"`.
# 4. Change the order of the fields. What is easiest to find may come first.

# %% solution="request"
### BEGIN SOLUTION
REQUEST = "{message}"
### END SOLUTION
### BEGIN STARTER
# REQUEST = "Hello! Please read this message from a citizen and give me the important information as JSON: {message}"
### END STARTER

# %% solution="fields"
### BEGIN SOLUTION
FIELDS = {
    "month": {"enum": MONTHS},
    "day": {"type": "integer", "minimum": 1, "maximum": 31},
    "amount": {"type": "integer", "minimum": 20, "maximum": 99999},
    "name": {"type": "string", "maxLength": 40},
}
### END SOLUTION
### BEGIN STARTER
# FIELDS = {
#     "name": {"type": "string"},
#     "amount": {"type": "integer"},
#     "month": {"type": "string"},
#     "day": {"type": "integer"},
# }
### END STARTER

# %% solution="examples"
### BEGIN SOLUTION
EXAMPLES = [
    ("Bayad na po ang P27500 last 3 August, 2026 pero wala pa ring permit. Ako si Gina Lopez.",
     {"name": "Gina Lopez", "amount": 27500, "month": "August", "day": 3}),
    ("Hello, my name is Tess Anne Alvarez. I paid 1,200 pesos on May 14 and got no receipt.",
     {"name": "Tess Anne Alvarez", "amount": 1200, "month": "May", "day": 14}),
    ("Noong ika-9 ng Abril ay siningil ako ng ₱350. Si Mario San Juan po ito.",
     {"name": "Mario San Juan", "amount": 350, "month": "April", "day": 9}),
    ("Please correct my bill of PHP 8,450 of December 21, 2026. Yours, Ben Uy.",
     {"name": "Ben Uy", "amount": 8450, "month": "December", "day": 21}),
    ("Si Lorna Peralta po ito, nagbayad ng 15,000 piso noong Enero 17.",
     {"name": "Lorna Peralta", "amount": 15000, "month": "January", "day": 17}),
    ("On 6 July your driver hit my cart. The damage is ₱2,150. I am Oscar de la Rosa.",
     {"name": "Oscar de la Rosa", "amount": 2150, "month": "July", "day": 6}),
    ("Hanggang ngayon wala ang resibo ng P480 noong ika-30 ng Hunyo. Salamat, Nilda Roque Sison.",
     {"name": "Nilda Roque Sison", "amount": 480, "month": "June", "day": 30}),
    ("Na-charge ako ng 9,300 pesos last February 11. Name ko po ay Cris Yap.",
     {"name": "Cris Yap", "amount": 9300, "month": "February", "day": 11}),
]
### END SOLUTION
### BEGIN STARTER
# EXAMPLES = [
#     # ("Your own letter.", {"name": "...", "amount": 0, "month": "...", "day": 0}),
# ]
### END STARTER

# %% demo
filled = [fill_in(REQUEST, FIELDS, EXAMPLES, item["text"]) for item in PRACTICE]
for record, item in zip(filled, PRACTICE):
    wrong = [name for name in NAMES if record.get(name) != item[name]]
    print("right" if not wrong else "WRONG: " + ", ".join(wrong), "|", item["text"])
    print("     ", record)

# %% demo
import matplotlib.pyplot as plt

found = [sum(record.get(name) == item[name] for record, item in zip(filled, PRACTICE)) for name in NAMES]
figure, axes = plt.subplots(figsize=(6, 2.2))
axes.barh(NAMES, found, hatch="//", edgecolor="black")
axes.set_xlim(0, len(PRACTICE))
axes.set_xlabel("letters of 12 in which the field is exactly right")
axes.invert_yaxis()
labkit.show(figure, "Letters of 12 in which a field is right: " + ", ".join(f"{name} {count}" for name, count in zip(NAMES, found)))

# %% [markdown]
# ## 5. What the letter does not say
#
# Did you see it? Some of these records look perfect and are invented: the model copied a name out of your examples, or
# made up a day. A form with a wrong name is worse than an empty one. Yet to notice needs no model at all: **what is not in
# the letter was not read there.**
#
# Write `doubtful(record, text)`. It gives back the list of those fields among `name`, `amount` and `day` whose value does
# not stand in the letter; an empty list when all three do. (Leave `month` out: *Hunyo* stands for June.)
# `numbers_in(text)` below gives you the letter's numbers, with their commas taken out. `record["name"] in text` is true
# when the name stands in the letter. A condition ends with a colon, and what it decides stands below it, four spaces
# further in:
#
# ```
# if 5 not in numbers_in(text):
#     doubts.append("day")
# ```

# %%
def numbers_in(text):
    """All whole numbers of a text: numbers_in("₱1,250 on May 5") is [1250, 5]."""
    return [int(number) for number in re.findall(r"\d+", text.replace(",", ""))]

# %% solution="doubts"
def doubtful(record, text):
    """The fields among name, amount and day that do not stand in the letter."""
    doubts = []
    ### BEGIN SOLUTION
    if record["name"] not in text:
        doubts += ["name"]
    doubts += [field for field in ("amount", "day") if record[field] not in numbers_in(text)]
    ### END SOLUTION
    ### BEGIN STARTER
    # ...
    ### END STARTER
    return doubts

# %% demo
for record, item in zip(filled, PRACTICE):
    if record and (doubts := doubtful(record, item["text"])):
        print("to a person, because of", ", ".join(doubts), "|", record, "|", item["text"])

# %% demo
labkit.allowance()

# %% [markdown]
# ## 6. Checks you can run
#
# These are 20 of the lab's 100 points. After you submit, your form is tried on 60 letters you have never seen (40 points),
# your check on records that were spoilt on purpose (10 points), and it is looked at whether all works cleanly (10 points):
# when only the amount of a letter changes, only the amount of the form may change; and it should be short and hold nobody's
# telephone number or e-mail address. What you write at the end is read by your instructor (20 points).

# %% test="catches" points=8 outcome="grounding"
letter = "I am Tess Reyes. On May 14 I paid 1,200 pesos for a permit."
good = {"name": "Tess Reyes", "amount": 1200, "month": "May", "day": 14}
fair = doubtful(good, letter) == []
check("finds nothing in a right record, and something in a wrong one", fair and doubtful({**good, "name": "Ben"}, letter) != [], points=2, hint="give back an empty list only where all three stand in the letter")
check("finds a name that is not in the letter", fair and doubtful({**good, "name": "Ben Uy"}, letter) == ["name"], points=2, hint='look at record["name"] in text')
check("finds an amount that is not in the letter", fair and doubtful({**good, "amount": 200}, letter) == ["amount"], points=2, hint="look among numbers_in(text)")
check("finds a day that is not in the letter", fair and doubtful({**good, "day": 30}, letter) == ["day"], points=2, hint="look among numbers_in(text)")

# %% test="practice" points=12 outcome="schema"
trouble = what_is_wrong(REQUEST, FIELDS, EXAMPLES)
tried = [] if trouble else [fill_in(REQUEST, FIELDS, EXAMPLES, item["text"]) for item in PRACTICE]
share = sum(right_fields(record, item) for record, item in zip(tried, PRACTICE)) / len(PRACTICE)
advice = trouble or f"{round(48 * share)} of the 48 fields are right; look at the WRONG lines above"
check("fills in at least 29 of the 48 practice fields rightly", share >= 29 / 48, points=4, hint=advice)
check("fills in at least 34 of the 48 practice fields rightly", share >= 34 / 48, points=4, hint=advice)
check("fills in at least 36 of the 48 practice fields rightly", share >= 36 / 48, points=4, hint=advice)

# %% test="unseen-letters" points=40 hidden outcome="schema"
from labkit.calibration import gain
from labkit.draw import draw

with open("hidden/letters.json", encoding="utf-8") as file:
    UNSEEN = draw(json.load(file), each=20, by=("language",))
usable = not what_is_wrong(REQUEST, FIELDS, EXAMPLES)
records = [fill_in(REQUEST, FIELDS, EXAMPLES, item["text"]) for item in UNSEEN] if usable else []
way = gain("fields", UNSEEN, [right_fields(record, item) for record, item in zip(records, UNSEEN)])
tight = "tighten the fields and show a few examples of your own as finished records"
varied = "write examples that differ: languages, ways to write a date and an amount, short and long names"
order = "try another order of the fields, and other examples where a language goes wrong"
check("fills in more fields of unseen letters than a friendly request does", way >= 0.3, points=8, hint=tight)
check("goes half of the way to a careful form", way >= 0.5, points=8, hint=tight)
check("goes most of the way", way >= 0.7, points=8, hint=varied)
check("would save an office typing: few fields must be mended", way >= 0.8, points=8, hint=varied)
check("is nearly as good as a careful form", way >= 0.88, points=8, hint=order)

# %% test="catches-unseen" points=10 hidden outcome="grounding"
def spoilt(item, field, value):
    return {**{name: item[name] for name in NAMES}, field: value}


def clean():
    return all(doubtful(spoilt(item, "month", item["month"]), item["text"]) == [] for item in UNSEEN[:20])


def found_all(field, values):
    return clean() and all(doubtful(spoilt(item, field, value), item["text"]) == [field] for item in UNSEEN[:20] for value in values)


check("finds every name that was put in another's place", found_all("name", ["Zenaida Ybarra", "Q. Xu"]), points=4, hint="the whole name must stand in the letter")
check("finds every amount that was changed", found_all("amount", [7, 123456]), points=3, hint="compare whole numbers, not pieces of text")
check("finds every day that was changed", found_all("day", [99, 0]), points=3, hint="compare whole numbers, not pieces of text")

# %% test="works-cleanly" points=10 hidden outcome="schema"
with open("hidden/twins.json", encoding="utf-8") as file:
    TWINS = json.load(file)
works = way >= 0.5
pairs = [[fill_in(REQUEST, FIELDS, EXAMPLES, text) for text in pair] for pair in TWINS] if works else []
steady = sum(all(one.get(name) == other.get(name) for name in ("name", "month", "day")) for one, other in pairs)
everything = REQUEST + json.dumps(EXAMPLES, ensure_ascii=False) if works else "@@"
private = works and not re.search(r"[\w.+-]+@[\w-]+\.\w|(?:\+?63|0)[ -]?9\d\d[ -]?\d{3}[ -]?\d{4}|\b\d{3,4}[ -]\d{4}\b|\b\d{7,}\b", everything)
first = "this counts once the form works on unseen letters"
check("changes only the amount when only the amount changes", works and steady >= 4, points=4, hint="show amounts that are written differently" if works else first)
check("contains nobody's telephone number or e-mail address", private, points=3, hint="take the number or address out" if works else first)
check("is short: request and examples under 2,000 characters", works and len(everything) < 2000, points=3, hint="take examples out" if works else first)

# %% [markdown]
# ## 7. Think it over
#
# Answer in English or Filipino, in five to ten sentences.
# Double-click the question below, write your answer under it, and press **Shift + Enter**.

# %% [markdown] answer="reflect" points=20 outcome="judgement"
# (a) Which field went wrong most often, in which language, and why do you think so? (b) Your check finds what is not in
# the letter. Which mistakes does it not find? Describe one. (c) A form with a citizen's name and payment is personal data.
# What would you keep of the letters, for how long, and who may see the records that went to a person?

# %% [markdown]
# How your answer is read, five points for each of four: it names what *you* saw in your own results; it explains why, with
# what this lab showed; it names a mistake that would get past the check, and whom it would hurt; it decides what to keep
# and who sees it, and says why. Each counts 0 (not there), 2 (named), 4 (explained) or 5 (explained with an example).
#
# **Sources.** JSON Schema, json-schema.org. The Philippines' Data Privacy Act, RA 10173, and the National Privacy
# Commission's Advisory 2024-04 on artificial intelligence, privacy.gov.ph.

# %% [markdown]
# ## 8. Hand in
#
# Save the notebook (**Ctrl + S**), then run the box below. It answers with a receipt: your proof that your work arrived.
# Your score, with reasons, appears on this lab's page a little later. You may hand in again; the newest counts.

# %% demo
import labkit

labkit.submit()
