# %% [markdown]
# # 1.1 Tokens and temperature
#
# When you type a question to a language model, two things happen that decide what you get and what it costs. Your
# text is cut into **tokens**, small pieces the model knows. Then, again and again, the model gives every piece a
# score, turns the scores into chances, and draws the next piece. **Temperature** says how adventurous that draw is.
#
# You will finish both parts yourself, by filling gaps in a few short lines:
#
# - `chances(scores, temperature)` turns scores into chances;
# - `estimate_tokens(text, language)` says beforehand how many tokens a text will cost.
#
# You have never programmed? Where you see three dots (`...`) there is a gap, and what stands behind the `#` in that line
# says what goes into it. Click a grey box and press **Shift + Enter** to run it, from top to bottom. Nothing you do here
# can break anything.

# %%
import csv
import math

with open("data/pairs.csv", encoding="utf-8") as file:
    PAIRS = list(csv.DictReader(file))


def has_gaps(*given):
    """Whether three dots are left in what an answer gives."""
    return any(one is ... or (isinstance(one, list) and ... in one) for one in given)

# %% [markdown]
# ## 1. From scores to chances
#
# Ask the real model how it would go on. The numbers are its log-probabilities: nearer to zero is likelier.

# %% demo
import labkit

labkit.score("The capital of the Philippines is", [" Manila", " Cebu", " Tokyo"])

# %% [markdown]
# A score can be any number; a chance lies between 0 and 1, and all chances add up to 1. The usual way from one to the
# other is called *softmax*:
#
# 1. divide every score by the temperature;
# 2. subtract the largest of these numbers from each (this changes no chance and keeps the numbers small);
# 3. raise e to the power of each: `math.exp(number)`;
# 4. divide each by their sum.
#
# A low temperature makes the best piece almost certain; a high one brings all chances closer together. A temperature
# of exactly 0 means: take the best one. If several are equally best, share the chance among them.
#
# `scores` is a list such as `[2.0, 1.0, 0.0]`, and the answer is a list of the same length. A line such as
# `[score / 2 for score in scores]` makes one: half of each score. Fill the three gaps; every other line is ready.

# %% solution="chances"
def chances(scores, temperature):
    """The chance of each score, a list of numbers that add up to 1."""
    ### BEGIN SOLUTION
    largest = max(scores)
    if temperature == 0:
        winners = [1.0 if score == largest else 0.0 for score in scores]
        return [winner / sum(winners) for winner in winners]
    powers = [math.exp((score - largest) / temperature) for score in scores]
    return [power / sum(powers) for power in powers]
    ### END SOLUTION
    ### BEGIN STARTER
    # largest = max(scores)
    # if temperature == 0:
    #     winners = [1.0 if score == largest else 0.0 for score in scores]
    #     return [... for winner in winners]  # its share: the winner divided by sum(winners)
    # powers = [... for score in scores]  # math.exp( ) of: score less largest, that divided by the temperature
    # return [... for power in powers]  # its chance: the power divided by the sum of all powers
    ### END STARTER

# %% test="chances-examples" points=10 outcome="chances"
def near(given, wanted):
    if not isinstance(given, list) or len(given) != len(wanted) or ... in given:
        return False
    return all(abs(a - b) < 1e-3 for a, b in zip(given, wanted))


gaps = "fill the gaps in the box above, and run it again"
check("two equal scores share the chance", near(chances([1.0, 1.0], 1.0), [0.5, 0.5]), points=2, hint=gaps)
check("a score that is 1 higher is e times as likely", near(chances([1.0, 0.0], 1.0), [0.731, 0.269]), points=3, hint="exp of (score − largest) ÷ temperature, divided by the sum")
check("at temperature 2 the same two are closer together", near(chances([1.0, 0.0], 2.0), [0.622, 0.378]), points=3, hint="divide by the temperature before exp")
check("temperature 0 takes the best one", near(chances([1.0, 0.0], 0), [1.0, 0.0]), points=2, hint="divide each winner by sum(winners)")

# %% demo
import matplotlib.pyplot as plt

WORDS = [" Manila", " Cebu", " Davao", " Rizal", " rice"]
scores = labkit.score("The capital of the Philippines is", WORDS)


def picture():
    figure, axes = plt.subplots(figsize=(7, 2.6))
    told = []
    for place, (temperature, hatch) in enumerate(((0, ""), (0.5, "//"), (1, ".."), (3, "xx"))):
        spots = [spot + 0.2 * place for spot in range(len(WORDS))]
        bars = chances(scores, temperature)
        axes.bar(spots, bars, 0.2, label=f"temperature {temperature}", hatch=hatch, edgecolor="black")
        told.append(f"at temperature {temperature} the likeliest word has {max(bars):.2f}")
    axes.set_xticks([spot + 0.3 for spot in range(len(WORDS))], WORDS)
    axes.set_ylabel("chance")
    axes.legend()
    labkit.show(figure, "The chances of five words: " + "; ".join(told) + ".")


if has_gaps(chances(scores, 0), chances(scores, 1)):
    print("Nothing to show yet: fill the gaps in chances first, then run this box again.")
else:
    picture()

# %% demo
import random

for temperature in () if has_gaps(chances(scores, 0), chances(scores, 1)) else (0, 1, 3):
    print(temperature, *random.choices(WORDS, chances(scores, temperature), k=12))

# %% [markdown]
# ## 2. What a text costs
#
# The box below holds short office texts in English and in Filipino that say the same, with the number of tokens each
# one has for the model of this course (counted with its own tokenizer).

# %% demo
for pair in PAIRS[:5]:
    print(pair["english_tokens"], pair["english"], "|", pair["filipino_tokens"], pair["filipino"])

# %% demo
figure, axes = plt.subplots(figsize=(6, 3))
for language, mark in (("english", "o"), ("filipino", "x")):
    axes.plot([len(pair[language]) for pair in PAIRS], [int(pair[language + "_tokens"]) for pair in PAIRS], mark, label=language, fillstyle="none")
axes.set_xlabel("characters")
axes.set_ylabel("tokens")
axes.legend()
labkit.show(figure, "Tokens against characters of each text: the Filipino points lie higher than the English ones.")

# %% [markdown]
# Compare two sentences of the same length. This model learned from English, so it knows most English words whole and
# must spell Filipino words in pieces. To plan a budget you need no exact count; an estimate will do: **how many
# characters does one token cover, on average, in each language?**
#
# Find the two averages from `PAIRS`: add up all characters, add up all tokens, and divide once. (The average of each
# pair's own number would count a word like a paragraph.) Then estimate a text's tokens from its length: a whole number that
# is at least 1. `language` is `"english"` or `"filipino"`. Again, fill the gaps.

# %% solution="cost"
def characters_per_token(language):
    """How many characters one token covers on average, over all of PAIRS."""
    ### BEGIN SOLUTION
    characters = sum(len(pair[language]) for pair in PAIRS)
    return characters / sum(int(pair[language + "_tokens"]) for pair in PAIRS)
    ### END SOLUTION
    ### BEGIN STARTER
    # characters = sum(len(pair[language]) for pair in PAIRS)
    # tokens = sum(int(pair[language + "_tokens"]) for pair in PAIRS)
    # return ...  # how many characters there are for one token
    ### END STARTER


def estimate_tokens(text, language):
    """About how many tokens this text costs."""
    ### BEGIN SOLUTION
    return max(1, round(len(text) / characters_per_token(language)))
    ### END SOLUTION
    ### BEGIN STARTER
    # length = len(text)
    # return ...  # the length divided by characters_per_token(language), as a whole number: max(1, round( ))
    ### END STARTER

# %% test="cost-examples" points=10 outcome="cost"
def number(given):
    return given if isinstance(given, (int, float)) else -1


english, filipino = number(characters_per_token("english")), number(characters_per_token("filipino"))
check("an English token covers between 3.5 and 6 characters", 3.5 < english < 6, points=3)
check("a Filipino token covers fewer characters than an English one", 1.5 < filipino < english, points=3)
once, twice = (number(estimate_tokens("po " * many, "filipino")) for many in (100, 200))
check("twice the text costs about twice the tokens", 1.9 < twice / once < 2.1, points=4)

# %% demo
for language in ("english", "filipino"):
    print(language, "has", characters_per_token(language), "characters for one token;")
    print('  "Salamat po sa inyong tulong." costs about', estimate_tokens("Salamat po sa inyong tulong.", language), "tokens")

# %% test="chances-properties" points=30 hidden outcome="chances"
import random

draw = random.Random(11)
lists = [[draw.uniform(-8, 8) for _ in range(draw.randint(2, 7))] for _ in range(30)]
heat = [draw.uniform(0.3, 4) for _ in lists]


def close(one, other):
    return len(one) == len(other) and all(abs(a - b) < 1e-6 for a, b in zip(one, other))


def softmax(scores, t):
    return [math.exp(s / t) / sum(math.exp(o / t) for o in scores) for s in scores]


def disorder(row):
    return -sum(p * math.log(p) for p in row if p > 0)


def are_chances(row, scores):
    return len(row) == len(scores) and abs(sum(row) - 1) < 1e-9 and all(0 <= p <= 1 for p in row)


def agrees():
    return all(close(chances(scores, t), softmax(scores, t)) for scores, t in zip(lists, heat))


def moved():
    return all(close(chances([s + 5 for s in scores], t), softmax(scores, t)) for scores, t in zip(lists, heat))


def wider():
    return all(disorder(chances(s, 3.0)) > disorder(chances(s, 0.5)) + 1e-9 for s in lists)


sure = 1 / (1 + math.exp(-1))
check("chances add up to 1 and each is between 0 and 1", all(are_chances(chances(s, t), s) for s, t in zip(lists, heat)), points=3, hint="divide by the sum of all")
check("agrees with softmax at any temperature", agrees(), points=6, hint="divide each score by the temperature before exp")
check("a higher temperature brings the chances closer together", wider(), points=6, hint="divide by the temperature, do not multiply")
check("adding the same to all scores changes nothing", moved(), points=3, hint="softmax looks at differences only")
check("temperature 0 takes the best", all(chances(s, 0).index(1.0) == s.index(max(s)) for s in lists), points=5, hint="treat 0 before you divide by it")
check("equally good ones share the chance at temperature 0", close(chances([3.0, 1.0, 3.0], 0), [0.5, 0.0, 0.5]), points=3, hint="divide 1 among the winners")
check("holds for very large scores", close(chances([2000.0, 1999.0], 1.0), [sure, 1 - sure]), points=4, hint="subtract the largest number before exp")

# %% test="cost-properties" points=20 hidden outcome="cost"
with open("hidden/pairs.csv", encoding="utf-8") as file:
    UNSEEN = list(csv.DictReader(file))


def average(pairs, tongue):
    return sum(len(pair[tongue]) for pair in pairs) / sum(int(pair[tongue + "_tokens"]) for pair in pairs)


def off(tongue):
    guessed = sum(estimate_tokens(pair[tongue], tongue) for pair in UNSEEN)
    return abs(guessed / sum(int(pair[tongue + "_tokens"]) for pair in UNSEEN) - 1)


def whole(texts):
    counts = [estimate_tokens(text, tongue) for text in texts for tongue in ("english", "filipino")]
    return all(type(count) is int and count >= 1 for count in counts)


check("the English average is that of all pairs together", abs(characters_per_token("english") / average(PAIRS, "english") - 1) < 0.002, points=4, hint="add up all characters, add up all tokens, then divide once")
check("the Filipino average is that of all pairs together", abs(characters_per_token("filipino") / average(PAIRS, "filipino") - 1) < 0.002, points=4, hint="add up all characters, add up all tokens, then divide once")
check("estimates unseen English within 10 %", off("english") < 0.10, points=4, hint="use the average of the language asked for")
check("estimates unseen Filipino within 10 %", off("filipino") < 0.10, points=4, hint="use the average of the language asked for")
check("an estimate is a whole number of at least 1", whole(["", "a", "Salamat po."]), points=4, hint="use max and round")

# %% test="same-again" points=10 hidden outcome="chances"
def counts_steadily():
    one = estimate_tokens("Magandang umaga po sa inyong lahat.", "filipino")
    estimate_tokens("Good morning to you all.", "english")
    return one >= 5 and one == estimate_tokens("Magandang umaga po sa inyong lahat.", "filipino")


def draws_nothing():
    one = chances([1.0, 0.0, -1.0], 1.0)
    chances([5.0, 5.0], 0.1)
    return close(one, softmax([1.0, 0.0, -1.0], 1.0)) and one == chances([1.0, 0.0, -1.0], 1.0)


check("the same scores give the same chances again, whatever was asked in between", draws_nothing(), points=5)
check("the same text costs the same again, whatever was asked in between", counts_steadily(), points=5)

# %% [markdown]
# ## 3. Think it over
#
# Answer in English or Filipino, in five to ten sentences.
# Double-click the question below, write your answer under it, and press **Shift + Enter**.

# %% [markdown] answer="reflect" points=20 outcome="judgement"
# A service pays for every token and each person may use the same number a day. (a) What does your estimate say about
# the same service offered in English and in Filipino? (b) Who pays for the difference, and is that fair? (c) Which
# temperature would you choose for an answer about a legal deadline, and which for ideas for a town fiesta? Why?

# %% [markdown]
# How your answer is read, five points for each of four: it uses the numbers that *you* found; it says who pays for the
# difference and whether that is fair, with a reason; it chooses a temperature for the deadline and one for the fiesta; it
# says what each choice could do to a citizen. Each counts 0 (not there), 2 (named), 4 (explained) or 5 (explained with an
# example).
#
# **Sources.** Softmax with temperature: Hinton and others, "Distilling the Knowledge in a Neural Network", 2015,
# arxiv.org/abs/1503.02531. That some languages cost more tokens: Petrov and others, "Language Model Tokenizers Introduce
# Unfairness Between Languages", 2023, arxiv.org/abs/2305.15425. Where the sentences come from stands in
# data/LICENSES.toml.

# %% [markdown]
# ## 4. Hand in
#
# Save the notebook (**Ctrl + S**), then run the box below. It answers with a receipt: your proof that your work arrived.
# Your score, with reasons, appears on this lab's page a little later. You may hand in again; the newest counts.

# %% demo
import labkit

labkit.submit()
