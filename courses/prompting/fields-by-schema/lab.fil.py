# %% [markdown]
# # 1.3 Mga field mula sa isang liham
#
# Sumusulat ang mamamayan ng liham; pangalan, halaga at araw ang hinihingi ng form. May taong buong araw na nagbabasa at
# nagta-type. Kayang punan ng modelo ng wika ang form para sa kaniya, pero kung talagang *form* ang lalabas: pare-parehong
# field tuwing gagamitin, numero kung saan dapat ang numero, at walang bagay na hindi sinasabi ng liham. Sa gawaing ito,
# gagawin mo iyan gamit ang napakaliit na modelo, at isusulat mo ang tatlong linyang nakahuhuli kapag nag-imbento ito.
#
# Magagawa mong
#
# - bigyan ang modelo ng **schema**, isang form na hindi nito malalabasan;
# - magpakita ng **mga halimbawa** na parang usapan, at makita kung bakit mas mabisa iyon kaysa paliwanag;
# - ihambing ang sagot sa liham **nang walang anumang modelo**, para mapunta sa tao ang inimbento.
#
# **Paano gamitin ang pahinang ito.** I-click ang isang kulay-abong kahon at pindutin ang **Shift + Enter** para
# patakbuhin ito. Patakbuhin ang mga kahon mula itaas hanggang ibaba.

# %% [markdown]
# ## 1. Ang mga liham
#
# Labindalawang liham-pagsasanay tungkol sa pera: sa Ingles, sa Filipino, sa Taglish. Apat na bagay ang kailangan ng opisina
# sa bawat isa: ang **pangalan** ng sumulat (`name`), ang **halaga** sa buong piso (`amount`), at ang **buwan at araw**
# (`month`, `day`). Gawa-gawa para sa kursong ito ang lahat ng liham at pangalan.

# %%

# %% demo

# %% [markdown]
# ## 2. Magtanong nang magalang, makakuha ng kuwento
#
# Una, nang walang anumang form. Basahin ang sagot: magiliw ito marahil, at baka tama pa. Pero kailangan pa itong unawain ng
# isang programa, at iba na naman ang anyo nito bukas.

# %% demo

# %% [markdown]
# ## 3. Form na hindi nito malalabasan
#
# Inilalarawan ng **JSON schema** ang isang form: kung anong mga field mayroon, at ano ang puwedeng ilagay sa bawat isa. Sa mga
# salitang sumusunod lamang sa form pinapipili ng server ang modelo. Ilan sa masasabi ng isang field:
#
# | isusulat mo | ang ibig sabihin |
# |---|---|
# | `{"type": "string", "maxLength": 40}` | teksto na hanggang 40 titik |
# | `{"type": "integer", "minimum": 1, "maximum": 31}` | buong numero mula 1 hanggang 31 |
# | `{"enum": ["yes", "no"]}` | isa lamang sa mga ito |
#
# Pinupunan ang mga field **ayon sa pagkakasunod na isinulat mo**, at nakikita ng bawat isa ang lahat ng nauna rito.
#
# Pinagsasama ng kahon sa ibaba ang mga pinili mo: nagiging tanong at sagot ang bawat halimbawa mo, na parang ganoon na
# sumagot ang modelo noon; saka darating ang totoong liham. Wala kang babaguhin dito.

# %%

# %% [markdown]
# ## 4. Ang hiling, mga field at mga halimbawa mo
#
# Nasa ibaba ang simula ng karamihan: magiliw na hiling, maluwag na mga field, walang halimbawa. Mga isa sa tatlong field
# lamang ang tumatama. Mga puwedeng subukan, isa-isa, at sukatin pagkatapos ng bawat isa:
#
# 1. Higpitan ang mga field: isa sa labindalawa ang buwan (`{"enum": MONTHS}`), mula 1 hanggang 31 ang araw, at walang
#    sumusulat tungkol sa mas mababa sa 20 piso.
# 2. Magbigay ng **mga halimbawa**: dalawa, tapos apat, tapos walo. Sumulat ng sarili mong mga liham, sa mga wika ng inyong
#    mamamayan, na iba-iba ang sulat ng halaga at petsa. Kinokopya lang ang mga halimbawang magkakamukha.
# 3. Kapag may mga halimbawa na, puwedeng paikliin ang hiling: marahil ang liham na lang, `"{message}"`.
# 4. Palitan ang pagkakasunod ng mga field. Baka dapat mauna ang pinakamadaling makita.

# %% solution="request"

# %% solution="fields"

# %% solution="examples"

# %% demo

# %% demo

# %% [markdown]
# ## 5. Ang hindi sinasabi ng liham
#
# Napansin mo ba? May mga record na mukhang perpekto pero inimbento: kinopya ng modelo ang pangalan sa mga halimbawa mo, o
# nag-imbento ng araw. Mas masama ang form na mali ang pangalan kaysa form na blangko. Pero hindi kailangan ng modelo para
# mapansin ito: **ang wala sa liham ay hindi nabasa roon.**
#
# Isulat ang `doubtful(record, text)`. Ibinabalik nito ang listahan ng mga field sa `name`, `amount` at `day` na ang halaga ay
# wala sa liham; listahang walang laman kapag naroon ang tatlo. (Huwag isama ang `month`: *Hunyo* ang June.) Ibinibigay sa iyo
# ng `numbers_in(text)` sa ibaba ang mga numero ng liham, na inalisan ng kuwit. Totoo ang `record["name"] in text` kapag nasa
# liham ang pangalan. Nagtatapos sa tutuldok ang kondisyon, at nasa ilalim nito, apat na puwang papasok, ang gagawin:
#
# ```
# if 5 not in numbers_in(text):
#     doubts.append("day")
# ```

# %%

# %% solution="doubts"

# %% demo

# %% demo

# %% [markdown]
# ## 6. Mga pagsusuring puwede mong patakbuhin
#
# Ito ang 20 sa 100 puntos ng gawain. Pagkatapos mong magsumite, susubukin ang form mo sa 60 liham na hindi mo pa nakikita (40
# puntos), ang pagsusuri mo sa mga record na sadyang sinira (10 puntos), at titingnan kung maayos ang lahat (10 puntos): kapag
# halaga lamang ng liham ang nagbago, halaga lamang ng form ang dapat magbago; at dapat maikli ito at walang numero ng telepono
# o e-mail ng sinuman. Babasahin ng iyong guro ang isusulat mo sa dulo (20 puntos).

# %% test="catches" points=8

# %% test="practice" points=12

# %% test="unseen-letters" points=40 hidden

# %% test="catches-unseen" points=10 hidden

# %% test="works-cleanly" points=10 hidden

# %% [markdown]
# ## 7. Pag-isipan
#
# Sumagot sa Ingles o Filipino, sa lima hanggang sampung pangungusap.
# I-double-click ang tanong sa ibaba, isulat ang sagot mo sa ilalim nito, at pindutin ang **Shift + Enter**.

# %% [markdown] answer="reflect" points=20
# (a) Aling field ang pinakamadalas magkamali, sa anong wika, at bakit sa palagay mo? (b) Nakikita ng pagsusuri mo ang wala sa
# liham. Aling mga pagkakamali ang hindi nito nakikita? Ilarawan ang isa. (c) Personal na datos ang form na may pangalan at
# bayad ng mamamayan. Alin sa mga liham ang itatago mo, hanggang kailan, at sino ang puwedeng tumingin sa mga record na
# napunta sa tao?

# %% [markdown]
# Paano babasahin ang sagot mo, tig-limang puntos ang apat na ito: binabanggit ang *ikaw mismo* ang nakakita sa mga resulta
# mo; ipinaliliwanag kung bakit, gamit ang ipinakita ng gawaing ito; binabanggit ang pagkakamaling makalulusot sa pagsusuri,
# at kung sino ang masasaktan; nagpapasya kung ano ang itatago at sino ang titingin, at sinasabi kung bakit. 0 ang bawat isa
# kung wala, 2 kung nabanggit, 4 kung naipaliwanag, 5 kung may halimbawa.
#
# **Mga pinagkunan.** JSON Schema, json-schema.org. Data Privacy Act ng Pilipinas, RA 10173, at ang Advisory 2024-04 ng National
# Privacy Commission tungkol sa artificial intelligence, privacy.gov.ph.

# %% [markdown]
# ## 8. Magsumite
#
# I-save ang notebook (**Ctrl + S**), saka patakbuhin ang kahon sa ibaba. Resibo ang isasagot nito: patunay na dumating ang gawa
# mo. Lilitaw pagkaraan ng kaunti sa pahina ng gawaing ito ang iskor mo, kasama ang mga dahilan. Puwede kang magsumite ulit;
# ang pinakabago ang bibilangin.

# %% demo
