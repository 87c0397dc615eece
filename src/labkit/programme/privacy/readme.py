"""What stands in an export's README.txt, in English and Filipino."""

from __future__ import annotations

from labkit.programme.people import Person
from labkit.programme.privacy.registry import BY_TABLE

_ENGLISH = """\
Your data, {name} ({username})

This is everything labkit keeps of you.

README.txt         this text
rows/TABLE.json    your rows of each table of the database; what each table is for stands below
receipts/ID.json   the signed receipt of each submission
submissions/ID/    the files you handed in
feedback/          your results, as you may read them now
training/          the files of rows you trained on; of each training its model and, in history.json, how it went
home/              your home folder: notebooks and files. home/LEFT_OUT.txt, if it is there, says what was too large
                   to be put in. Links are not followed.
gradebook/         what nbgrader, where answers are graded by hand, keeps of you
hub/               what JupyterHub, which signs you in, keeps of you

Left out: the hash of your password, and the digests of sign-in links and invitation codes. They are secrets that tell
nothing of you. In backups and log files there may be more; they age out by themselves.

Keep this file where only you can read it.
"""

_FILIPINO = """\
Ang datos mo, {name} ({username})

Ito ang lahat ng itinatago ng labkit tungkol sa iyo.

README.txt         ang tekstong ito
rows/TABLE.json    ang mga hanay mo sa bawat talahanayan ng database; nasa ibaba kung para saan ang bawat isa
receipts/ID.json   ang nilagdaang resibo ng bawat ipinasa mo
submissions/ID/    ang mga file na ipinasa mo
feedback/          ang mga resulta mo, ayon sa maaari mong mabasa ngayon
training/          ang mga file ng row na pinagsanayan mo; sa bawat pagsasanay, ang modelo nito at, sa history.json, ang
                   naging takbo nito
home/              ang home folder mo: mga notebook at file. Sinasabi ng home/LEFT_OUT.txt, kung mayroon, kung ano ang
                   masyadong malaki para maisama. Hindi sinusundan ang mga link.
gradebook/         ang itinatago tungkol sa iyo ng nbgrader, kung saan minamarkahan nang mano-mano ang mga sagot
hub/               ang itinatago tungkol sa iyo ng JupyterHub, kung saan ka nagsa-sign in

Hindi isinama: ang hash ng password mo, at ang mga digest ng sign-in link at ng mga code ng imbitasyon. Mga lihim ito na
walang sinasabi tungkol sa iyo. Maaaring may iba pa sa mga backup at log; kusa itong naluluma at nabubura.

Itago ang file na ito kung saan ikaw lamang ang makakabasa.
"""


def readme(whose: Person) -> str:
    about = {"name": whose.full_name, "username": whose.username}
    tables = "\n".join(
        f"{entry.table + '.json':<22} {entry.holds} {entry.why}"
        for _, entry in sorted(BY_TABLE.items())
        if entry.persons
    )
    return f"{_ENGLISH.format(**about)}\nrows/\n{tables}\n\n{'-' * 78}\n\n{_FILIPINO.format(**about)}"
