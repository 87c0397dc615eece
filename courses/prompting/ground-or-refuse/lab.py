# %% [markdown]
# # 1.4 Answer from the text, or refuse
#
# A town puts a helper on its website that answers citizens from the town's own notices. The worst it can do is not to say
# "I do not know". It is to invent a rule, a fee, a deadline: somebody will act on it. So before any answer comes the
# decision of this lab: **does this notice answer this question at all?** If not, the helper says *wala sa dokumento*, and
# a person answers.
#
# You will be able to
#
# - show that a small model which is simply *asked* whether it knows cannot tell;
# - turn the question around, so that the same model can;
# - set a threshold on questions you can see, and say what it costs to set it wrong.
#
# **How to use this page.** Click a grey box and press **Shift + Enter** to run it. Run the boxes from top to bottom.

# %% [markdown]
# ## 1. The notices
#
# Six notices in English, Filipino and Taglish, with six questions each: three that the notice answers, and three that it
# does not, although they are about the same thing. All of them were written for this course; no town has these rules.

# %%
import json
import re

import labkit

with open("data/practice.json", encoding="utf-8") as file:
    PRACTICE = json.load(file)

# %% demo
for notice in PRACTICE[:1] + PRACTICE[-1:]:
    print(notice["notice"])
    for item in notice["questions"]:
        print(f"   {item['answered']:4} {item['question']}")

# %% [markdown]
# ## 2. Ask the model
#
# The obvious way: show notice and question, and see which of `yes` and `no` the model would rather say next.

# %% demo
def asks(notice, question):
    prompt = f"Notice: {notice}\nQuestion: {question}\nDoes the notice answer it, yes or no? Answer:"
    yes, no = labkit.score(prompt, [" yes", " no"])
    return "yes" if yes > no else "no"


said = [(asks(one["notice"], item["question"]), item["answered"]) for one in PRACTICE[:3] for item in one["questions"]]
print(f"{sum(one == other for one, other in said)} of {len(said)} right; tossing a coin gives about {len(said) // 2}.")
print("It said:", " ".join(one for one, _ in said))

# %% [markdown]
# ## 3. Turn it around
#
# The model cannot say what it knows. But it can do what every language model is made for: tell how likely a text is. A
# question that a notice answers shares its words and its sense. So *after that notice* the question is less of a surprise
# than after no notice at all.
#
# Surprise is the log-probability without its minus: a question with log P = −40 is surprising, one with −24 less so. If
# notice and question belong together, the notice takes a part of the surprise away:
#
# **support** = (log P after the notice − log P after none) ÷ (surprise after none)
#
# From −40 to −24 is a support of 16 ÷ 40 = 0.4. No help at all is 0, and a notice that misleads is below 0. Because it is a
# *share*, a long question counts like a short one, and one in Filipino, of which this model knows little, like one in
# English. Write it, with `-` for minus and `/` for divided by: `after` is the log-probability after the notice, `without`
# after none.

# %% solution="support"
def support(after, without):
    """The share of a question's surprise that the notice takes away."""
    ### BEGIN SOLUTION
    return (after - without) / -without
    ### END SOLUTION
    ### BEGIN STARTER
    # return ...
    ### END STARTER

# %% demo
support(-24.0, -40.0)

# %% [markdown]
# The box below asks the model. For each notice it scores all its questions after your template with the notice in it, and
# after the same template with "None." in its place. There is nothing in it to change.

# %%
def what_is_wrong(template, threshold):
    """Why the answer cannot be used, or an empty text."""
    if not isinstance(template, str) or template.count("{notice}") != 1:
        return "write {notice} exactly once, where the town's notice should stand"
    if len(template) > 500:
        return f"the template has {len(template)} characters; keep it under 500"
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or threshold != threshold:
        return "the threshold must be a number, such as 0.5"
    if not isinstance(support(-24.0, -40.0), float):
        return "write support first, in part 3"
    return ""


def supports(template, by_sentence, notice, questions):
    """For each question how much the notice, or its best sentence, supports it."""
    pieces = re.split(r"(?<=[.?!]) +", notice) if by_sentence else [notice]
    prompts = [template.replace("{notice}", piece) for piece in [*pieces, "None."]]
    *rows, nothing = labkit.score(prompts, [" " + question for question in questions])
    return [support(max(row[place] for row in rows), nothing[place]) for place in range(len(questions))]


def decide(template, by_sentence, threshold, notices):
    """For each question of each notice, whether the notice answers it: "yes" or "no"."""
    told = []
    for one in notices:
        questions = [item["question"] for item in one["questions"]]
        values = supports(template, by_sentence, one["notice"], questions)
        told += ["yes" if value > threshold else "no" for value in values]
    return told


def wanted(notices):
    return [item["answered"] for one in notices for item in one["questions"]]

# %% [markdown]
# ## 4. Your template and threshold
#
# Three things are yours to choose:
#
# 1. the **threshold**: above it you answer, below it you refuse. Look at the picture, and put it where it separates best;
# 2. the **template**: what stands around the notice, so that a question is what naturally comes next. It ends just before
#    the question;
# 3. whether the notice is read **by sentence** (the best sentence counts) or as a whole.
#
# Change one, run the boxes below, look at the picture, change the next.

# %% solution="grounding"
### BEGIN SOLUTION
TEMPLATE = "Passage: {notice}\nQuestion:"
BY_SENTENCE = True
THRESHOLD = 0.36
### END SOLUTION
### BEGIN STARTER
# TEMPLATE = "You are a helpful assistant. Only use what is in the notice. {notice}"
# BY_SENTENCE = False
# THRESHOLD = 0.0
### END STARTER

# %% demo
import matplotlib.pyplot as plt

rows = []
trouble = what_is_wrong(TEMPLATE, THRESHOLD)
for one in [] if trouble else PRACTICE:
    values = supports(TEMPLATE, BY_SENTENCE, one["notice"], [item["question"] for item in one["questions"]])
    rows += [(value, item["answered"], one["language"], item["question"]) for value, item in zip(values, one["questions"])]


def picture():
    figure, axes = plt.subplots(figsize=(7, 2.4))
    for place, (word, mark) in enumerate((("no", "x"), ("yes", "o"))):
        here = [value for value, answered, _, _ in rows if answered == word]
        axes.plot(here, [place] * len(here), mark, markersize=8, fillstyle="none")
    axes.axvline(THRESHOLD, linestyle="--", color="black")
    axes.set_yticks([0, 1], ["not in the notice", "in the notice"])
    axes.set_ylim(-0.6, 1.6)
    axes.set_xlabel("support; the dashed line is your threshold")
    ends = {word: sorted(value for value, answered, _, _ in rows if answered == word) for word in ("no", "yes")}
    says = f"Support of questions that are not in the notice: {ends['no'][0]:.2f} to {ends['no'][-1]:.2f}; of those that are: "
    labkit.show(figure, says + f"{ends['yes'][0]:.2f} to {ends['yes'][-1]:.2f}. Your threshold is {THRESHOLD}.")


if trouble:
    print("Nothing to show yet:", trouble)
else:
    picture()

# %% demo
for value, answered, language, question in sorted(rows):
    said = "yes" if value > THRESHOLD else "no"
    print("right" if said == answered else "WRONG", f"{value:6.2f} {language:8}", question)

# %% demo
labkit.allowance()

# %% [markdown]
# ## 5. Checks you can run
#
# These are 20 of the lab's 100 points. After you submit, your choice is tried on 72 questions about twelve notices you have
# never seen (40 points), your `support` on other numbers (10 points), and it is looked at whether all works cleanly (10
# points): it refuses as well as it answers, and it refuses questions about another notice. What you write at the end is
# read by your instructor (20 points).

# %% test="support-examples" points=8 outcome="grounding"
def is_near(given, number):
    return isinstance(given, (int, float)) and abs(given - number) < 1e-6


check("a notice that takes 16 of 40 away supports with 0.4", is_near(support(-24.0, -40.0), 0.4), points=4, hint="divide what it takes away by the surprise without it")
check("a notice that misleads supports with less than 0", is_near(support(-50.0, -40.0), -0.25), points=4, hint="after - without is negative then")

# %% test="practice" points=12 outcome="grounding"
trouble = what_is_wrong(TEMPLATE, THRESHOLD)
told = [] if trouble else decide(TEMPLATE, BY_SENTENCE, THRESHOLD, PRACTICE)
right = sum(one == other for one, other in zip(told, wanted(PRACTICE)))
advice = trouble or f"it is right on {right} of {len(wanted(PRACTICE))}; look at the WRONG lines and at the picture above"
check("is right on at least 24 of the 36 practice questions", right >= 24, points=4, hint=advice)
check("is right on at least 28 of the 36 practice questions", right >= 28, points=4, hint=advice)
check("is right on at least 30 of the 36 practice questions", right >= 30, points=4, hint=advice)

# %% test="unseen-questions" points=40 hidden outcome="grounding"
from labkit.calibration import gain
from labkit.draw import draw

with open("hidden/notices.json", encoding="utf-8") as file:
    UNSEEN = draw(json.load(file), each=4, by=("language",))
# In an order that is each learner's own, so that a question's place says nothing.
UNSEEN = [{**one, "questions": draw(one["questions"], each=3, by=("answered",))} for one in UNSEEN]
blind = ["yes"] * len(wanted(UNSEEN))  # whoever always answers is right by half: that is where the way begins
told = blind if what_is_wrong(TEMPLATE, THRESHOLD) else decide(TEMPLATE, BY_SENTENCE, THRESHOLD, UNSEEN)
asked = [{"notice": one["topic"] + " " + one["language"], "question": item["question"]} for one in UNSEEN for item in one["questions"]]
way = gain("accuracy", asked, [one == other for one, other in zip(told, wanted(UNSEEN))])
place = "put the threshold where the picture separates"
shape = "let the template end where the question must come, and look at the picture again"
finer = "try the notice by sentence and whole, and move the threshold by small steps"
check("decides unseen questions better than by chance", way >= 0.3, points=8, hint=place)
check("goes half of the way to a careful choice", way >= 0.5, points=8, hint=place)
check("goes most of the way", way >= 0.7, points=8, hint=shape)
check("would spare citizens most invented answers", way >= 0.8, points=8, hint=shape)
check("is nearly as good as a careful choice", way >= 0.9, points=8, hint=finer)

# %% test="support-properties" points=10 hidden outcome="grounding"
pairs = [(-31.5, -45.0), (-12.0, -80.0), (-66.0, -60.0), (-7.25, -29.0)]


def agrees(after, without):
    return is_near(support(after, without), (after - without) / abs(without))


check("agrees with the formula on other numbers", all(agrees(*pair) for pair in pairs), points=4, hint="(after - without) / -without")
check("is 0 where the notice does not help", all(is_near(support(one, one), 0) for _, one in pairs), points=3, hint="after - without is 0 then")
check("counts a question that is twice as long like a short one", all(is_near(support(2 * a, 2 * b), (a - b) / -b) for a, b in pairs), points=3, hint="divide: a share does not grow with the length")

# %% test="works-cleanly" points=10 hidden outcome="grounding"
works = way >= 0.5
refused = [one == "no" for one, other in zip(told, wanted(UNSEEN)) if other == "no"]
answered = [one == "yes" for one, other in zip(told, wanted(UNSEEN)) if other == "yes"]
swapped = [{**UNSEEN[place], "notice": UNSEEN[place - 1]["notice"]} for place in range(3)]
lost = decide(TEMPLATE, BY_SENTENCE, THRESHOLD, swapped).count("no") if works else 0
first = "this counts once the choice works on unseen questions"
check("refuses at least six of ten that cannot be answered", works and sum(refused) >= 0.6 * len(refused), points=4, hint=first)
check("answers at least six of ten that can be answered", works and sum(answered) >= 0.6 * len(answered), points=3, hint=first)
check("refuses nearly every question about another notice", works and lost >= 15, points=3, hint=first)

# %% [markdown]
# ## 6. Think it over
#
# Answer in English or Filipino, in five to ten sentences.
# Double-click the question below, write your answer under it, and press **Shift + Enter**.

# %% [markdown] answer="reflect" points=20 outcome="judgement"
# (a) Which questions did your choice get wrong, and what have they in common? (b) For the town's website, is it worse to
# refuse a question that the notice answers, or to answer one that it does not? Where would you put the threshold then?
# (c) Which decision about a citizen should never be left to such a helper, and what does the Data Privacy Act (RA 10173)
# ask of an office that keeps the questions?

# %% [markdown]
# How your answer is read, five points for each of four: it names questions that *you* saw go wrong; it explains what they
# have in common; it weighs the two mistakes for somebody it names, and draws the threshold from that; it names a decision
# that stays with a person, and says why. Each counts 0 (not there), 2 (named), 4 (explained) or 5 (with an example).
#
# **Sources.** That asking a small model is no better than chance, and that turning the question around works, was measured
# for this course; the figures stand beside the lab. Data Privacy Act, RA 10173, and the National Privacy Commission's
# Advisory 2024-04 on artificial intelligence, privacy.gov.ph.

# %% [markdown]
# ## 7. Hand in
#
# Save the notebook (**Ctrl + S**), then run the box below. It answers with a receipt: your proof that your work arrived.
# Your score, with reasons, appears on this lab's page a little later. You may hand in again; the newest counts.

# %% demo
import labkit

labkit.submit()
