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
# Labindalawang mensaheng pagsasanay sa pag-uuri at sampu sa pagpapadala, na maaari mong basahin, at siyam pa na walang label na
# kailangan sa pagmamarka (hakbang 2). Isinulat ang lahat para sa kursong ito; walang mamamayang sumulat ng mga ito.

# %%

# %% demo

# %% [markdown]
# ## 2. Ang nakikita ng modelo
#
# Iisa ang ginagawa ng modelo ng wika: sinasabi nito kung aling mga salita ang malamang na *susunod*. Kaya hindi tayo
# humihingi ng sagot at umaasa. Inilalagay natin ang mensahe sa iyong template at sinusukat kung gaano kalamang ang
# bawat isa sa tatlong salitang `praise`, `complaint` at `question` sa mismong kasunod nito. Subukan mo. Log-probability
# ang mga numero: mas malapit sa sero, mas malamang.

# %% demo

# %% [markdown]
# Madalas, iisang salita ang nananalo anuman ang mensahe, dahil mas gusto lang ng modelo ang salitang iyon sa lugar na
# iyon. *Bias* ang tawag dito. Inaalis natin ito bago maghambing: ibinabawas sa numero ng bawat salita ang karaniwan
# nito sa siyam na mensaheng pang-calibrate, na hindi ginagamit ang sariling label. Iyan ang ginagawa ng kahon sa
# ibaba; wala kang babaguhin dito.

# %%

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

# %% [markdown]
# Gaano kalakas ang bias? Binibilang ng larawan kung gaano kadalas pinipili ng modelo ang bawat salita sa labindalawang
# mensaheng pagsasanay, na tig-apat bawat uri: una nang walang binabago, saka nang inalis ang bias.

# %% demo

# %% [markdown]
# ## 4. Ang mas mahirap na kalahati: sa aling opisina?
#
# Ngayon, sa isa sa limang mesa dapat mapunta ang mensahe: `certificates` (kapanganakan, kasal, kamatayan), `taxes` (pati permit
# at bayarin), `health`, `roads` (pati ilaw at tulay) o `garbage` (pati puno at ilog). Limang salita sa halip na tatlo, at mas
# magkakalapit. Gamitin ang natutuhan mo, pero sumukat muli: baka makasama rito ang nakatulong sa itaas. Dalawang puwedeng
# subukan: dulo gaya ng `It is about`, at mga halimbawa para sa *bawat* opisina, sa Ingles at Taglish.
#
# Sinadyang wala rito ang Filipino. Sa modelong ito, parang paghagis lang ng dais ang pagpapadala ng mga mensaheng Filipino (isa sa
# lima, sinukat sa 60 mensahe), anuman ang template. Kaunti lang ang nabasa nitong Filipino. Kung gagamitin pa rin ito ng
# opisina, suwerte ang magpapasya para sa ilan sa mga mamamayan. Ingles at Taglish ang kaya nitong matutuhan.

# %% solution="routing"

# %% demo

# %% demo

# %% [markdown]
# ## 5. Mga pagsusuring maaari mong patakbuhin
#
# Ito ang 20 sa 100 puntos ng gawain. Pagkatapos mong magsumite, susubukin ang unang template mo sa 72 mensaheng hindi mo pa
# nakikita (30 puntos) at ang ikalawa sa 50 (20 puntos), at titingnan kung malinis ang paggana ng mga ito (10 puntos): iisang uri
# ang ibinibigay ng una kapag pangalan o lugar lamang ang nabago, maikli ang dalawa, at walang numero ng telepono o e-mail ng
# sinuman. Babasahin ng iyong tagapagturo ang isusulat mo sa dulo (20 puntos).

# %% test="practice" points=14

# %% test="practice-routing" points=6

# %% test="unseen-messages" points=30 hidden

# %% test="unseen-routing" points=20 hidden

# %% test="works-cleanly" points=10 hidden

# %% [markdown]
# ## 6. Pag-isipan
#
# Sumagot sa Filipino o Ingles, sa lima hanggang sampung pangungusap.
# I-double-click ang tanong sa ibaba, isulat ang sagot mo sa ilalim nito, at pindutin ang **Shift + Enter**.

# %% [markdown] answer="reflect" points=20
# Gusto ng opisina mong gamitin ang template na ito simula Lunes. (a) Aling uri ng mensahe ang mali ang pagkakauri ng template mo,
# at sa anong wika? (b) Ano ang maaaring mangyari sa mamamayang ang reklamo ay inuring papuri, at sino sa opisina mo ang
# makapapansin? (c) Hindi maipadala ng modelong ito sa tamang opisina ang mga mensaheng Filipino. Ano ang sasabihin mo sa opisinang
# gustong gamitin ito para sa lahat? Ano ang ipauubaya mo sa modelo, at ano ang dapat pa ring pagpasyahan ng tao?

# %% [markdown]
# Paano babasahin ang sagot mo, tig-limang puntos ang apat na ito: binabanggit ang mga mensaheng mali ang uri ayon sa template *mo*;
# sinasabi ang mangyayari sa mamamayan, at kung sino ang makapapansin; sinasabi ang gagawin sa wikang hindi alam ng modelo;
# inihihiwalay ang gagawin ng modelo nang mag-isa sa pagpapasyahan ng tao. 0 ang bawat isa kung wala, 2 kung nabanggit, 4 kung
# naipaliwanag, 5 kung may halimbawa.
#
# **Mga pinagkunan.** Kung bakit dapat alisin ang pagkiling ng modelo sa isang salita: Zhao at iba pa, "Calibrate Before Use", 2021,
# arxiv.org/abs/2102.09690. Sinukat para sa kursong ito ang mga numero ng gawain; nasa tabi nito ang mga iyon.

# %% [markdown]
# ## 7. Ipasa
#
# I-save ang notebook (**Ctrl + S**), saka patakbuhin ang kahon sa ibaba. Sasagot ito ng resibo: patunay na dumating ang
# gawa mo. Maya-maya ay lilitaw sa pahina ng lab na ito ang iyong puntos at ang mga dahilan. Maaari kang magpasa muli;
# ang pinakabago ang bibilangin.

# %% demo
