"""What a learner reads about her submission, in her language. Her mistake and our fault never share a sentence."""

from __future__ import annotations

_WORDS: dict[str, tuple[str, str]] = {
    # What became of her notebook.
    "unreadable": (
        "What you submitted is not a notebook that can be read. Open the lab again: you get a fresh copy, and what "
        "you had stays beside it. Bring your answers over, save and submit once more.",
        "Hindi mabasa bilang notebook ang isinumite mo. Buksan muli ang lab: may bagong kopya, at nasa tabi nito ang "
        "dati mo. Ilipat ang mga sagot mo, i-save, at magsumite ulit.",
    ),
    "not_found": (
        "Your answer to {name} was not found, so it counts as not answered. To get the cell back, choose "
        "“Get a fresh copy” on the lab's page (yours stays beside it) and bring your other answers over.",
        "Hindi nakita ang sagot mo sa {name}, kaya itinuring itong walang sagot. Para maibalik ang cell, piliin ang "
        "“Kumuha ng bagong kopya” sa pahina ng lab (mananatili ang sa iyo) at ilipat ang iba mong sagot.",
    ),
    "not_in_release": (
        "Your copy of this lab is from before {name} was added, so it counts as not answered. Choose “Get a "
        "fresh copy” on the lab's page (yours stays beside it) and bring your answers over.",
        "Mas luma ang kopya mo ng lab kaysa sa {name}, kaya itinuring itong walang sagot. Piliin ang “Kumuha ng bagong "
        "kopya” sa pahina ng lab (mananatili ang sa iyo) at ilipat ang mga sagot mo.",
    ),
    "elsewhere": (
        "The cell {name} is missing or still as it was given; what it was to define was found in another cell of yours "
        "(or in several), taken from there and graded.",
        "Wala ang cell na {name} o hindi pa ito nababago; nakita sa iba mong cell (isa o higit pa) ang dapat nitong "
        "tukuyin, at iyon ang kinuha at minarkahan.",
    ),
    "helpers": (
        "What your answer to {name} uses from other cells of yours ({names}) was taken along. It stands above your "
        "answer, so the line numbers told you count it too.",
        "Isinama ang ginagamit ng sagot mo sa {name} mula sa iba mong cell ({names}). Nasa itaas ito ng sagot mo, kaya "
        "kasama ito sa bilang ng mga linyang sinasabi sa iyo.",
    ),
    "split": (
        "The cell {name} stands in several parts; they were graded together, from top to bottom, so what a later part "
        "defines again counts. If there is an old copy among them, delete it.",
        "Nahati ang cell na {name}; minarkahan nang magkasama ang mga bahagi, mula itaas pababa, kaya ang huling "
        "depinisyon ang binibilang. Kung may lumang kopya sa mga ito, burahin iyon.",
    ),
    "untouched": (
        "You left the written answer {name} as it was, so it earns nothing. Write your own and submit again.",
        "Hindi mo binago ang nakasulat na sagot sa {name}, kaya wala itong puntos. Isulat ang iyo, saka magsumite.",
    ),
    "not_text": (
        "Your answer to {name} is not text of ordinary length, so it counts as not answered.",
        "Hindi karaniwang teksto ang sagot mo sa {name}, kaya itinuring itong walang sagot.",
    ),
    "duplicate": (
        "There is more than one cell {name}, and one of them was graded: the original if it holds an answer, otherwise "
        "the first that does. Delete the others.",
        "Higit sa isa ang cell na {name}, at isa ang minarkahan: ang orihinal kung may sagot ito, kung wala ay ang "
        "unang may sagot. Burahin ang iba.",
    ),
    "retyped": (
        "The cell {name} has another type than in the lab; its text was graded all the same.",
        "Iba na ang uri ng cell na {name} kaysa sa lab; minarkahan pa rin ang laman nito.",
    ),
    # What became of her cells.
    "cell_stopped": (
        "Your cell {name} stopped with {kind}{line}{text}. Run it by itself and mend that first.",
        "Huminto ang cell mong {name} dahil sa {kind}{line}{text}. Patakbuhin ito nang mag-isa at ayusin muna iyon.",
    ),
    "asked_somebody": (
        "Your cell {name} calls input(){line}, and nobody is there to answer while it is graded. Put the value "
        "itself there.",
        "Tumatawag ng input() ang cell mong {name}{line}, at walang sasagot habang minamarkahan. Ilagay na ang "
        "mismong halaga.",
    ),
    "not_written": (
        "{name} is not written yet: it still raises NotImplementedError.",
        "Hindi pa naisusulat ang {name}: NotImplementedError pa rin ang lumalabas dito.",
    ),
    "ended_exit": (
        "Your code ended the program while {name} ran. Remove exit() and its like.",
        "Tinapos ng code mo ang programa habang tumatakbo ang {name}. Alisin ang exit() at mga katulad nito.",
    ),
    "ended_time": (
        "Your code took longer than {limit:g} seconds and was stopped. Look for a loop that never ends.",
        "Lumampas sa {limit:g} segundo ang code mo kaya pinahinto ito. Maghanap ng loop na hindi natatapos.",
    ),
    "ended_memory": (
        "Your code used more than {limit:g} MB of memory and was stopped. Keep less at once.",
        "Lumampas sa {limit:g} MB ng memorya ang code mo kaya pinahinto ito. Bawasan ang sabay na hinahawakan.",
    ),
    "ended_disk": (
        "Your code wrote more files than there is room for and was stopped. Keep less on disk, or delete as you go.",
        "Mas marami ang isinulat na file ng code mo kaysa sa kasya, kaya pinahinto ito. Bawasan ang isinusulat.",
    ),
    "limit_disk": (
        "Your code filled the disk space it may use. Write less, or delete as you go.",
        "Napuno ng code mo ang disk na puwede nitong gamitin. Bawasan ang isinusulat, o magbura habang tumatakbo.",
    ),
    "limit_file": (
        "Your code wrote a file larger than is allowed. Write less into one file.",
        "Sumulat ang code mo ng file na mas malaki sa pinapayagan. Bawasan ang laman ng isang file.",
    ),
    "limit_files": (
        "Your code opened more files at once than is allowed. Close each one: `with open(...) as file:` does.",
        "Sabay na nagbukas ang code mo ng mas maraming file kaysa pinapayagan. Isara ang bawat isa gamit ang `with`.",
    ),
    "limit_processes": (
        "Your code started more threads or processes than is allowed. Use fewer at once.",
        "Nagsimula ang code mo ng mas maraming thread o proseso kaysa pinapayagan. Bawasan ang sabay-sabay.",
    ),
    "limit_memory": (
        "Your code asked for more memory than it may use ({limit:g} MB). Keep less at once.",
        "Humingi ang code mo ng memoryang higit sa puwede ({limit:g} MB). Bawasan ang sabay na hinahawakan.",
    ),
    # What became of a check.
    "raised": ("Your code raised {kind} in {label}{text}.", "Nagkaroon ng {kind} ang code mo sa {label}{text}."),
    "missing": ("{label} is not defined.", "Walang nakatakdang {label}."),
    "gone": ("Your code had stopped before this check.", "Huminto na ang code mo bago ang pagsusuring ito."),
    "not-plain": (
        "{label} gave an object of a type of its own where a number, text, list or array is expected.",
        "Nagbigay ang {label} ng sariling uri ng object sa halip na numero, teksto, list o array.",
    ),
    "malformed": (
        "What {label} gave could not be read: it is too large, too deep or of an unusual type.",
        "Hindi mabasa ang ibinigay ng {label}: masyadong malaki, malalim, o kakaiba ang uri.",
    ),
    "empty": (
        "{label} gave something empty where there is something to give.",
        "Walang laman ang ibinigay ng {label} kahit may dapat itong ibigay.",
    ),
    "unusable": (
        "This could not be checked with what your code returned ({kind}).",
        "Hindi ito masuri gamit ang ibinalik ng code mo ({kind}).",
    ),
    "checked_time": (
        "What your code returned took too long to check. Return something that is smaller, or that comes to an end.",
        "Masyadong matagal suriin ang ibinalik ng code mo. Magbalik ng mas maliit, o ng may katapusan.",
    ),
    "checked_memory": (
        "What your code returned took more memory to check than there is. Return something smaller.",
        "Higit sa kayang memorya ang kailangan para suriin ang ibinalik ng code mo. Magbalik ng mas maliit.",
    ),
    "assert": ("Did not hold: {text}", "Hindi natupad: {text}"),
    "assert_hidden": ("A hidden check of this part did not hold.", "May nakatagong pagsusuri rito na hindi natupad."),
    "all_hold": ("Everything checked here holds.", "Natupad ang lahat ng sinuri rito."),
    "an_error": ("an error", "isang error"),
    "on_line": (" on line {number}", " sa linya {number}"),
    # The page nbgrader's feedback button makes.
    "feedback_score": ("{score:.4g} of {max:.4g} points", "{score:.4g} sa {max:.4g} na puntos"),
    "feedback_at_least": (
        "At least {score:.4g} of {max:.4g} points",
        "Hindi bababa sa {score:.4g} sa {max:.4g} na puntos",
    ),
    "feedback_coarse": (
        "While you may still hand in again, hidden checks are told in words and not in points.",
        "Habang maaari ka pang magsumite muli, sinasabi sa salita at hindi sa puntos ang mga nakatagong pagsusuri.",
    ),
    "feedback_late": ("Taken off for being late: {points:.4g}", "Ibinawas dahil nahuli: {points:.4g}"),
    "feedback_hidden": (
        "This check is hidden; its code is not shown.",
        "Nakatago ang pagsusuring ito at ang code nito.",
    ),
    "feedback_comment": ("Comment", "Puna"),
    "holds_all": ("All of it holds.", "Natupad ang lahat."),
    "holds_some": ("Some of it does not hold yet.", "May hindi pa natutupad dito."),
    "holds_nothing": ("Nothing of it holds yet.", "Wala pang natutupad dito."),
    # The page of `labkit courses preview`.
    "preview_is": (
        "A preview: this lab as a learner meets it, run before she has written anything. It took {seconds:.1f} s.",
        "Patikim: ganito makikita ng mag-aaral ang lab, pinatakbo bago siya magsulat ng anuman. Tumagal ito ng "
        "{seconds:.1f} s.",
    ),
    "preview_not_ran": (
        "A preview: this lab as a learner meets it. It was not run.",
        "Patikim: ganito makikita ng mag-aaral ang lab. Hindi ito pinatakbo.",
    ),
    "preview_stops": ("It first stops at {cell}: {error}", "Unang humihinto sa {cell}: {error}"),
    "preview_goes_on": (
        "Nothing stops before she writes something.",
        "Walang humihinto bago siya magsulat ng anuman.",
    ),
    "preview_platform": (
        "This cell needs the platform; here it was run without.",
        "Kailangan ng cell na ito ang platform; dito ay pinatakbo nang wala ito.",
    ),
    "preview_code": ("Code", "Code"),
    "preview_output": ("What it gives", "Ang lumalabas"),
    "preview_picture": ("A picture that this code made", "Larawang ginawa ng code na ito"),
    "preview_yours": ("She writes here", "Dito siya magsusulat"),
    # What is ours.
    "fault": (
        "The grader had a problem of its own; this is not your work's fault. Your submission is kept and will be "
        "graded again.",
        "Nagkaproblema ang grader mismo; hindi ito dahil sa gawa mo. Nakatago ang isinumite mo at mamarkahan muli.",
    ),
}


def say(key: str, language: str, **values: object) -> str:
    """The sentence `key` in `language`; English where we have no other."""
    english, filipino = _WORDS[key]
    return (filipino if language == "fil" else english).format(**values)
