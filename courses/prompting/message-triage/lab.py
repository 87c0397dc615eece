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
# Twelve practice messages for sorting and ten for routing, which you may read, and nine more without labels that the
# scoring needs (step 2). All of them were written for this course; no citizen wrote them.

# %%
import csv

import labkit

KINDS = ["praise", "complaint", "question"]
with open("data/practice.csv", encoding="utf-8") as file:
    PRACTICE = list(csv.DictReader(file))
OFFICES = ["certificates", "taxes", "health", "roads", "garbage"]
with open("data/offices.csv", encoding="utf-8") as file:
    ROUTED = list(csv.DictReader(file))
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
    if any(message["text"].lower() in template.lower() for message in [*PRACTICE, *ROUTED]):
        return "it copies a practice message; make up your own examples"
    return ""


def choose(template, words, texts, fair=True):
    """Which word the model puts after each text; with `fair`, once its bias for a word is taken out."""
    prompts = [template.replace("{message}", text) for text in [*CALIBRATION, *texts]]
    rows = []
    for at in range(0, len(prompts), 32):  # a few at a time, so that others get their turn
        rows += labkit.score(prompts[at : at + 32], [" " + word for word in words])
    bias = [sum(column) / len(CALIBRATION) if fair else 0 for column in zip(*rows[: len(CALIBRATION)])]
    left = [[value - usual for value, usual in zip(row, bias)] for row in rows[len(CALIBRATION) :]]
    return [words[row.index(max(row))] for row in left]


def sort_messages(template, texts):
    """What the model takes each text for: praise, complaint or question."""
    return choose(template, KINDS, texts)


def route_messages(template, texts):
    """Which office the model would send each text to."""
    return choose(template, OFFICES, texts)


def count_right(answers, messages, column="kind"):
    return sum(answer == message[column] for answer, message in zip(answers, messages))

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
if what_is_wrong(TEMPLATE):
    print("This earns nothing yet:", what_is_wrong(TEMPLATE))
answers = sort_messages(TEMPLATE, [message["text"] for message in PRACTICE])
for answer, message in zip(answers, PRACTICE):
    print("right" if answer == message["kind"] else "WRONG", f"{answer:10} {message['text']}")

# %% [markdown]
# How strong is the bias? The picture counts how often the model chooses each word for the twelve practice messages, of
# which four are of each kind: once as it is, once with its bias taken out.

# %% demo
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 2.4))
texts = [message["text"] for message in PRACTICE]
told = []
for place, (fair, hatch, name) in enumerate(((False, "", "as it is"), (True, "//", "bias taken out"))):
    chosen = choose(TEMPLATE, KINDS, texts, fair=fair)
    places = [spot + 0.4 * place for spot in range(len(KINDS))]
    counts = [chosen.count(kind) for kind in KINDS]
    axes.bar(places, counts, 0.38, label=name, hatch=hatch, edgecolor="black")
    told.append(f"{name}: " + ", ".join(f"{kind} {count}" for kind, count in zip(KINDS, counts)))
axes.axhline(4, linestyle="--", color="black")
axes.set_xticks([spot + 0.2 for spot in range(len(KINDS))], KINDS)
axes.set_ylabel("messages of 12")
axes.legend()
labkit.show(figure, "Messages of 12 by the kind chosen. " + "; ".join(told) + ". Four of each would be right.")

# %% [markdown]
# ## 4. The harder half: to which office?
#
# Now the message must go to one of five desks: `certificates` (birth, marriage, death), `taxes` (also permits and fees),
# `health`, `roads` (also lights and bridges) or `garbage` (also trees and rivers). Five words instead of three, and closer
# to each other. Use what you have learned, but measure again: what helped above may hurt here. Two things worth trying:
# an ending such as `It is about`, and examples for *each* office, in English and Taglish.
#
# Filipino is missing here on purpose. With this model, routing Filipino messages is no better than throwing a die (one in
# five, measured on 60 messages), whatever the template. It has read too little Filipino. An office that used it
# anyway would serve some of its citizens by chance. English and Taglish it can learn.

# %% solution="routing"
ROUTING = """
### BEGIN SOLUTION
Message: I lost my birth certificate and need a copy.
This message is about certificates.

Message: Saan magbabayad ng real property tax?
This message is about taxes.

Message: My baby needs a vaccine and the nurse was not there.
This message is about health.

Message: Sira po ang street light at lubak ang kalsada namin.
This message is about roads.

Message: Nobody has collected our trash for a week.
This message is about garbage.

Message: {message}
This message is about
### END SOLUTION
### BEGIN STARTER
# Hello! You are a very helpful assistant who works for a city hall. A citizen has sent us this message: {message}
# Please tell me which office should get it: certificates, taxes, health, roads or garbage. One word only. Thank you!
### END STARTER
""".strip()

# %% demo
if what_is_wrong(ROUTING):
    print("This earns nothing yet:", what_is_wrong(ROUTING))
answers = route_messages(ROUTING, [message["text"] for message in ROUTED])
for answer, message in zip(answers, ROUTED):
    print("right" if answer == message["office"] else "WRONG", f"{answer:12} {message['text']}")

# %% demo
labkit.allowance()

# %% [markdown]
# ## 5. Checks you can run
#
# These are 20 of the lab's 100 points. After you submit, your first template is tried on 72 messages you have never seen
# (30 points) and your second on 50 (20 points), and it is looked at whether they work cleanly (10 points): the first gives
# the same kind when only a name or a place changes, both are short, and they contain nobody's telephone number or e-mail
# address. What you write at the end is read by your instructor (20 points).

# %% test="practice" points=14 outcome="templates"
trouble = what_is_wrong(TEMPLATE)
tried = [] if trouble else sort_messages(TEMPLATE, [message["text"] for message in PRACTICE])
right = count_right(tried, PRACTICE)
advice = trouble or f"it sorts {right} of 12 rightly; look at the WRONG lines above"
check("sorts at least 9 of the 12 practice messages", right >= 9, points=5, hint=advice)
check("sorts at least 10 of the 12 practice messages", right >= 10, points=5, hint=advice)
check("sorts at least 11 of the 12 practice messages", right >= 11, points=4, hint=advice)

# %% test="practice-routing" points=6 outcome="templates"
unfit = what_is_wrong(ROUTING)
sent = [] if unfit else route_messages(ROUTING, [message["text"] for message in ROUTED])
arrived = count_right(sent, ROUTED, "office")
tip = unfit or f"it routes {arrived} of 10 rightly; look at the WRONG lines above"
check("routes at least 6 of the 10 practice messages", arrived >= 6, points=3, hint=tip)
check("routes at least 7 of the 10 practice messages", arrived >= 7, points=3, hint=tip)

# %% test="unseen-messages" points=30 hidden outcome="templates"
from labkit.calibration import gain
from labkit.draw import draw

with open("hidden/messages.csv", encoding="utf-8") as file:
    POOL = list(csv.DictReader(file))
UNSEEN = draw(POOL, each=8, by=("kind", "language"))
answers = [] if what_is_wrong(TEMPLATE) else sort_messages(TEMPLATE, [item["text"] for item in UNSEEN])
way = gain("accuracy", UNSEEN, [answer == item["kind"] for answer, item in zip(answers, UNSEEN)])
shape = "end the template where the label must come, and give everything the same shape"
examples = "show finished examples of your own, one of each kind"
languages = "add examples in the languages that go wrong, keep the kinds balanced, and try another order"
check("sorts unseen messages better than a friendly request does", way >= 0.3, points=6, hint=shape)
check("goes half of the way from that request to a careful template", way >= 0.5, points=6, hint=examples)
check("goes most of the way", way >= 0.7, points=6, hint=examples)
check("would save an office work: few messages go to the wrong pile", way >= 0.8, points=6, hint=languages)
check("is as good as a careful template", way >= 0.88, points=6, hint=languages)

# %% test="unseen-routing" points=20 hidden outcome="templates"
ABOUT = draw([item for item in POOL if item["office"] and item["language"] != "fil"], each=5, by=("office", "language"))
offices = [] if what_is_wrong(ROUTING) else route_messages(ROUTING, [item["text"] for item in ABOUT])
gone = gain("routing", ABOUT, [office == item["office"] for office, item in zip(offices, ABOUT)])
ending = "end the template where the office must come, for instance with: This message is about"
desks = "show one example of each office, in English and Taglish, and try fewer or more of them"
check("routes unseen messages better than a friendly request does", gone >= 0.3, points=5, hint=ending)
check("goes half of the way to a careful template", gone >= 0.5, points=5, hint=ending)
check("goes most of the way", gone >= 0.7, points=5, hint=desks)
check("is nearly as good as a careful template", gone >= 0.85, points=5, hint=desks)

# %% test="works-cleanly" points=10 hidden outcome="templates"
import json
import re

with open("hidden/twins.json", encoding="utf-8") as file:
    FAMILIES = json.load(file)
works = way >= 0.5
alike = sort_messages(TEMPLATE, [twin["text"] for family in FAMILIES for twin in family]) if works else []
steady = sum(len(set(alike[at : at + 3])) == 1 for at in range(0, len(alike), 3))
private = works and not re.search(r"[\w.+-]+@[\w-]+\.\w|(?:\+?63|0)[ -]?9\d\d[ -]?\d{3}[ -]?\d{4}|\b\d{3,4}[ -]\d{4}\b|\b\d{7,}\b", TEMPLATE + ROUTING)
short = works and max(len(TEMPLATE), len(ROUTING)) < 1500
first = "this counts once the template sorts unseen messages well"
check("gives the same kind when only a name or a place changes", steady >= 5, points=4, hint="examples should differ in more than a name or a place" if works else first)
check("contains nobody's telephone number or e-mail address", private, points=3, hint="take the number or address out" if works else first)
check("is short: each template under 1,500 characters", short, points=3, hint="take examples out" if works else first)

# %% [markdown]
# ## 6. Think it over
#
# Answer in English or Filipino, in five to ten sentences.
# Double-click the question below, write your answer under it, and press **Shift + Enter**.

# %% [markdown] answer="reflect" points=20 outcome="judgement"
# Your office wants to use this template from Monday on. (a) Which kinds of message did your template sort wrongly,
# and in which language? (b) What could go wrong for a citizen whose complaint is sorted as praise, and who in your
# office would notice? (c) This model cannot route Filipino messages. What would you tell the office that wants to use it
# for all of them? What would you let the model do alone, and what must a person still decide?

# %% [markdown]
# How your answer is read, five points for each of four: it names messages that *your* template sorted wrongly; it says what
# happens to a citizen then, and who would notice; it says what to do about the language that the model does not know; it
# draws a line between what the model does alone and what a person decides. Each counts 0 (not there), 2 (named), 4
# (explained) or 5 (explained with an example).
#
# **Sources.** Why a model's bias for a word should be taken out: Zhao and others, "Calibrate Before Use", 2021,
# arxiv.org/abs/2102.09690. The figures of this lab were measured for this course; they stand beside it.

# %% [markdown]
# ## 7. Hand in
#
# Save the notebook (**Ctrl + S**), then run the box below. It answers with a receipt: your proof that your work arrived.
# Your score, with reasons, appears on this lab's page a little later. You may hand in again; the newest counts.

# %% demo
import labkit

labkit.submit()
