# %% [markdown]
# # 1.2 Pag-uuri ng mga mensahe ng mamamayan
#
# Daan-daang mensahe ang dumarating sa munisipyo araw-araw: sa Ingles, sa Filipino, sa Taglish. Bago makasagot ang
# sinuman, kailangan munang makita kung ano ang bawat isa: **papuri** (`praise`), **reklamo** (`complaint`) o
# **tanong** (`question`). Sa gawaing ito, tuturuan mo ang isang maliit na modelo ng wika na gawin ang unang
# pag-uuring iyon. Hindi ka susulat ng programa. Susulat ka ng isang teksto, ang *template*, at babasahin ito ng modelo
# nang isang beses para sa bawat mensahe.
#
# Matututuhan mo
#
# - kung bakit *ipinagpapatuloy* ng modelo ang isang teksto sa halip na sundin ito, at ano ang epekto nito sa pagtatanong;
# - kung ano ang nagagawa ng ilang mabuting halimbawa na hindi nagagawa ng magalang na utos;
# - kung paano subukin ang isang prompt sa maraming mensahe at hindi sa isa lamang, para hindi ka malinlang ng suwerte.
#
# **Paano gamitin ang pahinang ito.** I-click ang isang kulay-abong kahon at pindutin ang **Shift + Enter** para
# patakbuhin ito. Patakbuhin ang mga kahon mula itaas hanggang ibaba. Kung saan ka pinasusulat, ang nasa loob lamang
# ng mga panipi ang babaguhin.

# %% [markdown]
# ## 1. Ang mga mensahe
#
# Labindalawang mensaheng pagsasanay na maaari mong basahin, at siyam pa na walang label na kailangan sa pagmamarka
# (hakbang 3). Isinulat ang lahat para sa kursong ito; walang mamamayang sumulat ng mga ito.

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
# ## 2. Ang nakikita ng modelo
#
# Iisa ang ginagawa ng modelo ng wika: sinasabi nito kung aling mga salita ang malamang na *susunod*. Kaya hindi tayo
# humihingi ng sagot at umaasa. Inilalagay natin ang mensahe sa iyong template at sinusukat kung gaano kalamang ang
# bawat isa sa tatlong salitang `praise`, `complaint` at `question` sa mismong kasunod nito. Subukan mo. Log-probability
# ang mga numero: mas malapit sa sero, mas malamang.

# %% demo
labkit.score("Message: The park is so clean now, thank you!\nType:", [" praise", " complaint", " question"])

# %% [markdown]
# Madalas, iisang salita ang nananalo anuman ang mensahe, dahil mas gusto lang ng modelo ang salitang iyon sa lugar na
# iyon. *Bias* ang tawag dito. Inaalis natin ito bago maghambing: ibinabawas sa numero ng bawat salita ang karaniwan
# nito sa siyam na mensaheng pang-calibrate, na hindi ginagamit ang sariling label. Iyan ang ginagawa ng kahon sa
# ibaba; wala kang babaguhin dito.

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
# ## 3. Ang iyong template
#
# Ganito nagsisimula ang karamihan: isang magiliw na pakiusap, na parang sa katrabaho. Hindi ito gumagana nang mabuti.
# Pagbutihin mo. Ang `{message}` ang lugar na kalalagyan ng mensahe ng bawat mamamayan; dapat itong naroon nang
# eksaktong isang beses.
#
# Mga puwedeng subukan, isa-isa:
#
# 1. Ipinagpapatuloy ng modelo ang teksto mo. **Tapusin ang teksto kung saan mismo dapat lumabas ang label**,
#    halimbawa sa `Type:`.
# 2. Bigyan ng iisang hugis ang lahat: `Message: ...` sa isang linya at `Type: ...` sa kasunod.
# 3. Magpakita ng dalawa o tatlong **tapos nang halimbawa** sa hugis na iyon bago ang totoong mensahe, tig-isa bawat uri.
# 4. Gamitin ang mga wika ng iyong mga mamamayan. Sumulat ng sarili mong mga halimbawa; huwag kopyahin ang mga
#    mensaheng pagsasanay (walang puntos ang template na may kinopyang mensahe, dahil ipinapakita lang nito na nakita
#    na nito ang mga sagot).
# 5. Hindi laging mas mabuti ang mas marami, at mahalaga ang pagkakasunod-sunod. Sukatin mo.

# %% solution="template"

# %% demo
answers = sort_messages(TEMPLATE, [message["text"] for message in PRACTICE])
for answer, message in zip(answers, PRACTICE):
    print("right" if answer == message["kind"] else "WRONG", f"{answer:10} {message['text']}")

# %% demo
labkit.allowance()

# %% [markdown]
# ## 4. Mga pagsusuring maaari mong patakbuhin
#
# Ito ang 20 sa 100 puntos ng gawain. Pagkatapos mong magsumite, susubukin ang iyong template sa 72 mensaheng hindi mo
# pa nakikita (50 puntos), at titingnan kung malinis ang paggana nito (10 puntos): iisang uri ang ibinibigay kapag
# pangalan o lugar lamang ang nabago, maikli ito, at walang numero ng telepono o e-mail ng sinuman. Babasahin ng iyong
# tagapagturo ang isusulat mo sa dulo (20 puntos).

# %% test="practice" points=20

# %% test="unseen-messages" points=50 hidden

# %% test="works-cleanly" points=10 hidden

# %% [markdown]
# ## 5. Pag-isipan
#
# Sumagot sa Filipino o Ingles, sa lima hanggang sampung pangungusap.

# %% [markdown] answer="reflect" points=20
# Gusto ng opisina mong gamitin ang template na ito simula Lunes. (a) Aling uri ng mensahe ang mali ang pagkakauri ng
# template mo, at sa anong wika? (b) Ano ang maaaring mangyari sa mamamayang ang reklamo ay inuring papuri, at sino sa
# opisina mo ang makapapansin? (c) Ano ang ipauubaya mo sa modelo, at ano ang dapat pa ring pagpasyahan ng tao?

# %% [markdown]
# ## 6. Ipasa
#
# I-save ang notebook (**Ctrl + S**), saka patakbuhin ang kahon sa ibaba. Sasagot ito ng resibo: patunay na dumating ang
# gawa mo. Maya-maya ay lilitaw sa pahina ng lab na ito ang iyong puntos at ang mga dahilan. Maaari kang magpasa muli;
# ang pinakabago ang bibilangin.

# %% demo
import labkit

labkit.submit()
