"""One text for one mailbox, the same wherever addresses are compared.

Only A-Z are folded: Unicode's own folding makes the long s an s and the Kelvin sign a k, which are other mailboxes, and
a way into somebody's account.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

# The domain of those who were erased: nobody's, and nobody's to give.
ERASED = "erased.invalid"
_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)


def fold(email: str) -> str:
    return email.translate(_FOLD)
