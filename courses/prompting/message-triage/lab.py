# %% [markdown]
# # 1.2 Sorting citizens' messages
#
# A city hall receives hundreds of messages a day: in English, in Filipino, in Taglish. Before anybody can answer,
# somebody must see what each one is: **praise**, a **complaint** or a **question**. In this lab you teach a small
# language model to do that first sorting. You write no program. You write one text, the *template*, and the model
# reads it once for every message.
#
# You will learn
#
# - why a model *continues* a text rather than obeys it, and what that changes in how you ask;
# - what a few good examples do that a polite instruction does not;
# - how to try a prompt on many messages instead of one, so that luck does not fool you.
#
# **How to use this page.** Click a grey box and press **Shift + Enter** to run it. Run the boxes from top to bottom.
# Where you are asked to write, change only what is between the quotes.

# %% [markdown]
# ## 1. The messages
#
# Twelve practice messages, which you may read, and nine more without labels that the scoring needs (step 3). All of
# them were written for this course; no citizen wrote them.

# %%
import csv

import labkit

KINDS = ["praise", "complaint", "question"]
with open("data/practice.csv", encoding="utf-8") as file:
    PRACTICE = list(csv.DictReader(file))
with open("data/calibration.txt", encoding="utf-8") as file:
    CALIBRATION = file.read().splitlines()

# %% demo
for message in PRACTICE:
    print(f"{message['kind']:10} {message['text']}")

# %% [markdown]
# ## 2. What the model sees
#
# A language model does one thing: it says which words are likely to come *next*. So we do not ask it for an answer
# and hope. We put a message into your template and measure how likely each of the three words `praise`, `complaint`
# and `question` would be right after it. Try it. The numbers are log-probabilities: nearer to zero is likelier.

# %% demo
labkit.score("Message: The park is so clean now, thank you!\nType:", [" praise", " complaint", " question"])

# %% [markdown]
# Often one word wins whatever the message says, because the model simply likes that word there. This is *bias*. We
# take it out before comparing: from each word's number we subtract its average over the nine calibration messages,
# whose own labels are never used. The box below does that; there is nothing in it to change.

# %%
def what_is_wrong(template):
    """Why a template cannot be used, or an empty text."""
    if not isinstance(template, str) or template.count("{message}") != 1:
        return "write {message} exactly once, where each citizen's message should stand"
    if len(template) > 2000:
        return f"it has {len(template)} characters; keep it under 2,000, every message pays for it"
    if any(message["text"].lower() in template.lower() for message in PRACTICE):
        return "it copies a practice message; make up your own examples"
    return ""


def sort_messages(template, texts):
    """What the model takes each text for, once its bias for a word is taken out."""
    prompts = [template.replace("{message}", text) for text in [*CALIBRATION, *texts]]
    rows = []
    for at in range(0, len(prompts), 32):  # a few at a time, so that others get their turn
        rows += labkit.score(prompts[at : at + 32], [" " + kind for kind in KINDS])
    bias = [sum(column) / len(CALIBRATION) for column in zip(*rows[: len(CALIBRATION)])]
    fair = [[value - usual for value, usual in zip(row, bias)] for row in rows[len(CALIBRATION) :]]
    return [KINDS[row.index(max(row))] for row in fair]


def count_right(answers, messages):
    return sum(answer == message["kind"] for answer, message in zip(answers, messages))

# %% [markdown]
# ## 3. Your template
#
# The template below is how most people begin: a friendly request, as to a colleague. It works badly. Improve it.
# `{message}` marks the place where each citizen's message will stand; it must be there exactly once.
#
# Things worth trying, one at a time:
#
# 1. The model continues your text. Let the text **end just where the label must come**, for instance with `Type:`.
# 2. Give the same shape to everything: `Message: ...` on one line and `Type: ...` on the next.
# 3. Show two or three **finished examples** in that shape before the real message, one of each kind.
# 4. Use the languages your citizens use. Write your own examples; do not copy the practice messages (a template with
#    a copied message earns nothing, because it would only show that it has seen the answers).
# 5. More is not always better, and the order matters. Measure.

# %% solution="template"
TEMPLATE = """
### BEGIN SOLUTION
Message: The staff were polite and finished my papers in ten minutes.
Type: praise

Message: My street has been dark for a month and nobody comes.
Type: complaint

Message: What time does the office open?
Type: question

Message: Salamat po, napakaayos ng serbisyo ninyo.
Type: praise

Message: Ang bagal ng proseso, sayang ang oras namin.
Type: complaint

Message: Saan po kukuha ng form?
Type: question

Message: Mabait at matulungin po ang inyong mga kawani.
Type: praise

Message: Hindi po dumating ang trak at mabaho na ang basura.
Type: complaint

Message: Magkano po ang bayad at ano ang kailangang dalhin?
Type: question

Message: Good job po, ang bilis at ang linis na ng lugar!
Type: praise

Message: Walang update hanggang ngayon, sobrang tagal at nakakainis.
Type: complaint

Message: Pwede po ba online or kailangan pumunta?
Type: question

Message: {message}
Type:
### END SOLUTION
### BEGIN STARTER
# Hello! You are a very helpful assistant who works for a city hall. A citizen has sent us this message: {message}
# Please tell me if it is a praise, a complaint or a question. Answer with one word only. Thank you!
### END STARTER
""".strip()

# %% demo
answers = sort_messages(TEMPLATE, [message["text"] for message in PRACTICE])
for answer, message in zip(answers, PRACTICE):
    print("right" if answer == message["kind"] else "WRONG", f"{answer:10} {message['text']}")

# %% demo
labkit.allowance()

# %% [markdown]
# ## 4. Checks you can run
#
# These are 20 of the lab's 100 points. After you submit, your template is tried on 72 messages you have never seen
# (50 points), and it is looked at whether it works cleanly (10 points): it gives the same kind when only a name or a
# place changes, it is short, and it contains nobody's telephone number or e-mail address. What you write at the end
# is read by your instructor (20 points).

# %% test="practice" points=20
trouble = what_is_wrong(TEMPLATE)
tried = [] if trouble else sort_messages(TEMPLATE, [message["text"] for message in PRACTICE])
right = count_right(tried, PRACTICE)
advice = trouble or f"it sorts {right} of 12 rightly; look at the WRONG lines above"
check("sorts at least 9 of the 12 practice messages", right >= 9, points=8, hint=advice)
check("sorts at least 10 of the 12 practice messages", right >= 10, points=6, hint=advice)
check("sorts at least 11 of the 12 practice messages", right >= 11, points=6, hint=advice)

# %% test="unseen-messages" points=50 hidden
from labkit.calibration import gain
from labkit.draw import draw

with open("hidden/messages.csv", encoding="utf-8") as file:
    UNSEEN = draw(list(csv.DictReader(file)), each=8, by=("kind", "language"))
answers = [] if what_is_wrong(TEMPLATE) else sort_messages(TEMPLATE, [item["text"] for item in UNSEEN])
way = gain("accuracy", UNSEEN, [answer == item["kind"] for answer, item in zip(answers, UNSEEN)])
shape = "end the template where the label must come, and give everything the same shape"
examples = "show finished examples of your own, one of each kind"
languages = "add examples in the languages that go wrong, keep the kinds balanced, and try another order"
check("sorts unseen messages better than a friendly request does", way >= 0.3, points=10, hint=shape)
check("goes half of the way from that request to a careful template", way >= 0.5, points=10, hint=examples)
check("goes most of the way", way >= 0.7, points=10, hint=examples)
check("would save an office work: few messages go to the wrong pile", way >= 0.8, points=10, hint=languages)
check("is nearly as good as a careful template", way >= 0.85, points=5, hint=languages)
check("is as good as a careful template", way >= 0.91, points=5, hint=languages)

# %% test="works-cleanly" points=10 hidden
import json
import re

with open("hidden/twins.json", encoding="utf-8") as file:
    FAMILIES = json.load(file)
works = way >= 0.5
alike = sort_messages(TEMPLATE, [twin["text"] for family in FAMILIES for twin in family]) if works else []
steady = sum(len(set(alike[at : at + 3])) == 1 for at in range(0, len(alike), 3))
private = works and not re.search(r"[\w.+-]+@[\w-]+\.\w|\d[\d -]{5,}\d", TEMPLATE)
first = "this counts once the template sorts unseen messages well"
check("gives the same kind when only a name or a place changes", steady >= 5, points=4, hint=first)
check("contains nobody's telephone number or e-mail address", private, points=3, hint=first)
check("is short: under 1,500 characters", works and len(TEMPLATE) < 1500, points=3, hint=first)

# %% [markdown]
# ## 5. Think it over
#
# Answer in English or Filipino, in five to ten sentences.

# %% [markdown] answer="reflect" points=20
# Your office wants to use this template from Monday on. (a) Which kinds of message did your template sort wrongly,
# and in which language? (b) What could go wrong for a citizen whose complaint is sorted as praise, and who in your
# office would notice? (c) What would you let the model do alone, and what must a person still decide?

# %% [markdown]
# ## 6. Hand in
#
# Save the notebook (**Ctrl + S**), then run the box below. It answers with a receipt: your proof that your work arrived.
# Your score, with reasons, appears on this lab's page a little later. You may hand in again; the newest counts.

# %% demo
import labkit

labkit.submit()
