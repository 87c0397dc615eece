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

# %% demo

# %% [markdown]
# ## 2. Tanungin ang modelo
#
# Ang unang maiisip: ipakita ang paunawa at ang tanong, at tingnan kung alin sa `yes` at `no` ang mas gustong isunod ng modelo.

# %% demo

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

# %% [markdown]
# Tinatanong ng kahon sa ibaba ang modelo. Sa bawat paunawa, minamarkahan nito ang lahat ng tanong pagkatapos ng iyong template na
# may paunawa, at pagkatapos ng template ring iyon na "None." ang laman. Wala kang babaguhin dito.

# %%

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

# %% demo

# %% demo

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
# I-double-click ang tanong sa ibaba, isulat ang sagot mo sa ilalim nito, at pindutin ang **Shift + Enter**.

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
