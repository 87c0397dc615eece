# %% [markdown]
# # 1.1 Mga token at temperatura
#
# Kapag nagtanong ka sa language model, dalawang bagay ang nagtatakda ng makukuha mo at ng halaga nito. Pinuputol ang
# teksto mo sa mga **token**, maliliit na pirasong kilala ng model. Pagkatapos, paulit-ulit, binibigyan ng model ng
# score ang bawat piraso, ginagawang tsansa ang mga score, at binubunot ang kasunod na piraso. **Temperatura** ang
# nagsasabi kung gaano kapangahas ang pagbunot.
#
# Kukumpletuhin mo mismo ang dalawang bahagi, sa pagpuno ng mga puwang sa ilang maikling linya:
#
# - ang `chances(scores, temperature)` ay gumagawa ng mga tsansa mula sa mga score;
# - ang `estimate_tokens(text, language)` ay nagsasabi nang maaga kung ilang token ang magagastos sa isang teksto.
#
# Hindi ka pa nakapagprograma? Puwang ang tatlong tuldok (`...`), at ang nasa likod ng `#` sa linyang iyon ang nagsasabi
# kung ano ang ilalagay. I-click ang isang kulay-abong kahon at pindutin ang **Shift + Enter** para patakbuhin, mula itaas
# hanggang ibaba. Wala kang masisira rito.

# %%

# %% [markdown]
# ## 1. Mula score tungo sa tsansa
#
# Tanungin ang totoong model kung paano ito magpapatuloy. Log-probability ang mga numero: mas malapit sa sero, mas
# malamang.

# %% demo

# %% [markdown]
# Maaaring maging anumang numero ang score; ang tsansa ay nasa pagitan ng 0 at 1, at 1 ang kabuuan ng lahat ng tsansa.
# *Softmax* ang karaniwang paraan:
#
# 1. hatiin ang bawat score sa temperatura;
# 2. ibawas sa bawat isa ang pinakamalaki sa mga numerong ito (walang tsansang nababago, at nananatiling maliit ang
#    mga numero);
# 3. itaas ang e sa bawat numero: `math.exp(numero)`;
# 4. hatiin ang bawat isa sa kabuuan nila.
#
# Sa mababang temperatura, halos tiyak ang pinakamahusay na piraso; sa mataas, nagkakalapit ang lahat ng tsansa. Ang
# temperaturang eksaktong 0 ay nangangahulugang: kunin ang pinakamahusay. Kung may magkakapantay na pinakamahusay,
# paghatian nila ang tsansa.
#
# Ang `scores` ay listahang gaya ng `[2.0, 1.0, 0.0]`, at listahang kasinghaba nito ang sagot. Gumagawa nito ang linyang
# gaya ng `[score / 2 for score in scores]`: kalahati ng bawat score. Punan ang tatlong puwang; handa na ang ibang linya.

# %% solution="chances"

# %% test="chances-examples" points=10

# %% demo

# %% demo

# %% [markdown]
# ## 2. Ang halaga ng isang teksto
#
# May maiikling teksto ng tanggapan sa kahon sa ibaba, sa Ingles at sa Filipino na iisa ang kahulugan, kasama ang bilang
# ng token ng bawat isa para sa model ng kursong ito (binilang gamit ang sarili nitong tokenizer).

# %% demo

# %% demo

# %% [markdown]
# Paghambingin ang dalawang pangungusap na magkasinghaba. Natuto ang modelng ito mula sa Ingles, kaya buo nitong kilala
# ang karamihan ng salitang Ingles at kailangang baybayin nang pira-piraso ang mga salitang Filipino. Para magplano ng
# badyet, hindi kailangan ng eksaktong bilang; sapat na ang pagtataya: **ilang karakter ang nasasaklaw ng isang token,
# sa karaniwan, sa bawat wika?**
#
# Hanapin ang dalawang karaniwan mula sa `PAIRS`: pagsamahin ang lahat ng karakter, pagsamahin ang lahat ng token, at
# minsan lang maghati. (Kung kukunin ang karaniwan ng sariling numero ng bawat pares, magiging katumbas ng isang talata ang
# isang salita.) Saka tayain ang mga token ng isang teksto mula sa haba nito: buong bilang na hindi bababa sa 1. Ang
# `language` ay `"english"` o `"filipino"`. Punan muli ang mga puwang.

# %% solution="cost"

# %% test="cost-examples" points=10

# %% demo

# %% test="chances-properties" points=30 hidden

# %% test="cost-properties" points=20 hidden

# %% test="same-again" points=10 hidden

# %% [markdown]
# ## 3. Pag-isipan
#
# Sumagot sa Filipino o Ingles, sa lima hanggang sampung pangungusap.
# I-double-click ang tanong sa ibaba, isulat ang sagot mo sa ilalim nito, at pindutin ang **Shift + Enter**.

# %% [markdown] answer="reflect" points=20
# Binabayaran ng isang serbisyo ang bawat token, at pare-pareho ang bilang na magagamit ng bawat tao sa isang araw.
# (a) Ano ang sinasabi ng pagtataya mo tungkol sa iisang serbisyong iniaalok sa Ingles at sa Filipino? (b) Sino ang
# nagbabayad ng pagkakaiba, at makatarungan ba iyon? (c) Anong temperatura ang pipiliin mo para sa sagot tungkol sa
# taning na itinakda ng batas, at ano para sa mga ideya sa pista ng bayan? Bakit?

# %% [markdown]
# Paano babasahin ang sagot mo, tig-limang puntos ang apat na ito: ginagamit ang mga numerong *ikaw* ang nakakita; sinasabi kung sino
# ang nagbabayad sa pagkakaiba at kung makatarungan iyon, na may dahilan; pumipili ng temperatura para sa taning at para sa
# pista; sinasabi ang magagawa ng bawat pili sa isang mamamayan. 0 ang bawat isa kung wala, 2 kung nabanggit, 4 kung naipaliwanag, 5
# kung may halimbawa.
#
# **Mga pinagkunan.** Softmax na may temperatura: Hinton at iba pa, "Distilling the Knowledge in a Neural Network", 2015,
# arxiv.org/abs/1503.02531. Na mas maraming token ang ilang wika: Petrov at iba pa, "Language Model Tokenizers Introduce Unfairness
# Between Languages", 2023, arxiv.org/abs/2305.15425. Nasa data/LICENSES.toml kung saan galing ang mga pangungusap.

# %% [markdown]
# ## 4. Ipasa
#
# I-save ang notebook (**Ctrl + S**), saka patakbuhin ang kahon sa ibaba. Sasagot ito ng resibo: patunay na dumating ang
# gawa mo. Maya-maya ay lilitaw sa pahina ng lab na ito ang iyong puntos at ang mga dahilan. Maaari kang magpasa muli;
# ang pinakabago ang bibilangin.

# %% demo
