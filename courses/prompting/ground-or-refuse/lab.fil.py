# %% [markdown]
# # 1.4 Sumagot ayon sa teksto, o tumanggi
#
# Naglagay ang isang bayan ng katulong sa website na sumasagot sa mga mamamayan mula sa sariling mga paunawa ng bayan. Hindi ang
# pagsasabing "hindi ko alam" ang pinakamasamang magagawa nito kundi ang mag-imbento: ng patakaran, ng bayad, ng huling araw. May
# kikilos ayon doon. Kaya bago ang anumang sagot, narito ang pasya ng gawaing ito: **sinasagot ba talaga ng paunawang ito ang
# tanong na ito?** Kung hindi, *wala sa dokumento* ang sasabihin ng katulong, at tao ang sasagot.
#
# Magagawa mong
#
# - ipakita na ang maliit na modelong *tinatanong* lamang kung alam nito ay hindi makapagsasabi;
# - baligtarin ang tanong, para magawa iyon ng modelo ring iyon;
# - maglagay ng hangganan gamit ang mga tanong na nakikita mo, at sabihin kung ano ang kapalit kapag mali ang lagay nito.
#
# **Paano gamitin ang pahinang ito.** I-click ang isang kulay-abong kahon at pindutin ang **Shift + Enter** para
# patakbuhin ito. Patakbuhin ang mga kahon mula itaas hanggang ibaba.

# %% [markdown]
# ## 1. Ang mga paunawa
#
# Anim na paunawa sa Ingles, Filipino at Taglish, tig-anim na tanong: tatlong sinasagot ng paunawa, at tatlong hindi, bagaman
# tungkol sa iisang bagay. Isinulat ang lahat para sa kursong ito; walang bayan na may ganitong mga patakaran.

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
# ## 2. Tanungin ang modelo
#
# Ang unang maiisip: ipakita ang paunawa at ang tanong, at tingnan kung alin sa `yes` at `no` ang mas gustong isunod ng modelo.

# %% demo
def asks(notice, question):
    prompt = f"Notice: {notice}\nQuestion: {question}\nDoes the notice answer it, yes or no? Answer:"
    yes, no = labkit.score(prompt, [" yes", " no"])
    return "yes" if yes > no else "no"


said = [(asks(one["notice"], item["question"]), item["answered"]) for one in PRACTICE[:3] for item in one["questions"]]
print(f"{sum(one == other for one, other in said)} of {len(said)} right; tossing a coin gives about {len(said) // 2}.")
print("It said:", " ".join(one for one, _ in said))

# %% [markdown]
# ## 3. Baligtarin
#
# Hindi masabi ng modelo kung ano ang alam nito. Pero kaya nito ang ginagawa ng bawat modelo ng wika: sabihin kung gaano
# kalamang ang isang teksto. Ang tanong na sinasagot ng paunawa ay may mga salita at diwang gaya ng sa paunawa. Kaya *pagkatapos
# ng paunawang iyon*, mas hindi nakagugulat ang tanong kaysa kung walang paunawa.
#
# Ang gulat ay ang log-probability na walang minus: nakagugulat ang tanong na may log P = −40, mas hindi ang may −24. Kung
# bagay ang paunawa at ang tanong, inaalis ng paunawa ang isang bahagi ng gulat:
#
# **support** = (log P pagkatapos ng paunawa − log P nang wala) ÷ (gulat nang wala)
#
# Mula −40 hanggang −24, ang support ay 16 ÷ 40 = 0.4. Kapag walang naitulong, 0; kapag nakalilito ang paunawa, mababa sa 0.
# Dahil *bahagi* ito ng kabuuan, pantay ang bilang ng mahabang tanong at ng maikli, at ng tanong sa Filipino, na kaunti lang ang
# alam ng modelong ito, at ng tanong sa Ingles. Isulat ito: ang `after` ay ang log-probability pagkatapos ng paunawa, ang
# `without` ay nang wala.

# %% solution="support"

# %% demo
support(-24.0, -40.0)

# %% [markdown]
# Tinatanong ng kahon sa ibaba ang modelo. Sa bawat paunawa, minamarkahan nito ang lahat ng tanong pagkatapos ng iyong template na
# may paunawa, at pagkatapos ng template ring iyon na "None." ang laman. Wala kang babaguhin dito.

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
# ## 4. Ang template at hangganan mo
#
# Tatlong bagay ang pipiliin mo:
#
# 1. ang **hangganan** (`THRESHOLD`): kapag lampas dito, sasagot; kapag mababa, tatanggi. Tingnan ang larawan, at ilagay ito kung
#    saan pinakamalinaw ang hiwalayan;
# 2. ang **template**: ang nakapaligid sa paunawa, para tanong ang likas na kasunod. Nagtatapos ito bago mismo ang tanong;
# 3. kung babasahin ang paunawa **bawat pangungusap** (ang pinakamahusay ang bibilangin) o nang buo.
#
# Magbago ng isa, patakbuhin ang mga kahon sa ibaba, tingnan ang larawan, saka baguhin ang susunod.

# %% solution="grounding"

# %% demo
import matplotlib.pyplot as plt

rows = [
    (value, item["answered"], one["language"], item["question"])
    for one in PRACTICE
    for value, item in zip(
        supports(TEMPLATE, BY_SENTENCE, one["notice"], [each["question"] for each in one["questions"]]), one["questions"]
    )
]
figure, axes = plt.subplots(figsize=(7, 2.4))
for place, (word, mark) in enumerate((("no", "x"), ("yes", "o"))):
    here = [value for value, answered, _, _ in rows if answered == word]
    axes.plot(here, [place] * len(here), mark, markersize=8, fillstyle="none")
axes.axvline(THRESHOLD, linestyle="--", color="black")
axes.set_yticks([0, 1], ["not in the notice", "in the notice"])
axes.set_ylim(-0.6, 1.6)
axes.set_xlabel("support; the dashed line is your threshold")
middle = {word: sorted(value for value, answered, _, _ in rows if answered == word) for word in ("no", "yes")}
says = f"Support of questions that are not in the notice: {middle['no'][0]:.2f} to {middle['no'][-1]:.2f}; of those that are: "
labkit.show(figure, says + f"{middle['yes'][0]:.2f} to {middle['yes'][-1]:.2f}. Your threshold is {THRESHOLD}.")

# %% demo
for value, answered, language, question in sorted(rows):
    said = "yes" if value > THRESHOLD else "no"
    print("right" if said == answered else "WRONG", f"{value:6.2f} {language:8}", question)

# %% demo
labkit.allowance()

# %% [markdown]
# ## 5. Mga pagsusuring puwede mong patakbuhin
#
# Ito ang 20 sa 100 puntos ng gawain. Pagkatapos mong magsumite, susubukin ang pinili mo sa 72 tanong tungkol sa labindalawang
# paunawang hindi mo pa nakikita (40 puntos), ang `support` mo sa ibang mga numero (10 puntos), at titingnan kung maayos ang lahat
# (10 puntos): tumatanggi ito nang kasinghusay ng pagsagot, at tinatanggihan ang mga tanong tungkol sa ibang paunawa. Babasahin ng
# iyong guro ang isusulat mo sa dulo (20 puntos).

# %% test="support-examples" points=8

# %% test="practice" points=12

# %% test="unseen-questions" points=40 hidden

# %% test="support-properties" points=10 hidden

# %% test="works-cleanly" points=10 hidden

# %% [markdown]
# ## 6. Pag-isipan
#
# Sumagot sa Ingles o Filipino, sa lima hanggang sampung pangungusap.

# %% [markdown] answer="reflect" points=20
# (a) Aling mga tanong ang nagkamali ang pinili mo, at ano ang pagkakatulad ng mga ito? (b) Para sa website ng bayan, alin ang mas
# masama: tanggihan ang tanong na sinasagot ng paunawa, o sagutin ang hindi? Saan mo kung gayon ilalagay ang hangganan? (c) Aling
# pasya tungkol sa isang mamamayan ang hindi kailanman dapat ipaubaya sa ganitong katulong, at ano ang hinihingi ng Data Privacy
# Act (RA 10173) sa opisinang nagtatago ng mga tanong?

# %% [markdown]
# Paano babasahin ang sagot mo, tig-limang puntos ang apat na ito: binabanggit ang mga tanong na *ikaw mismo* ang nakakitang
# nagkamali; ipinaliliwanag ang pagkakatulad nila; tinitimbang ang dalawang pagkakamali para sa taong binanggit, at doon kinuha ang
# hangganan; binabanggit ang pasyang sa tao dapat manatili, at kung bakit. 0 ang bawat isa kung wala, 2 kung nabanggit, 4 kung
# naipaliwanag, 5 kung may halimbawa.
#
# **Mga pinagkunan.** Sinukat para sa kursong ito na ang pagtatanong sa maliit na modelo ay parang paghagis lamang ng barya, at na
# gumagana ang pagbaligtad sa tanong; nasa tabi ng gawain ang mga numero. Data Privacy Act, RA 10173, at ang Advisory 2024-04 ng
# National Privacy Commission tungkol sa artificial intelligence, privacy.gov.ph.

# %% [markdown]
# ## 7. Magsumite
#
# I-save ang notebook (**Ctrl + S**), saka patakbuhin ang kahon sa ibaba. Resibo ang isasagot nito: patunay na dumating ang gawa
# mo. Lilitaw pagkaraan ng kaunti sa pahina ng gawaing ito ang iskor mo, kasama ang mga dahilan. Puwede kang magsumite ulit;
# ang pinakabago ang bibilangin.

# %% demo
import labkit

labkit.submit()
