"""Every table, and every other place, that may hold something of a person: the record of processing.

A table without an entry fails a test, and so does a column that names a person and is in none. Export, erasure and
docs/privacy.md are made from it, so whoever adds a table adds one entry here and nothing else.
"""

from __future__ import annotations

from labkit.programme.privacy.entry import Entry, Named, Place

# RA 10173 (Data Privacy Act of 2012), sections 12 and 13.
CONSENT = "consent (section 12a; 13a where sensitive)"
CONTRACT = "needed to give the course (section 12b)"
INTEREST = "legitimate interest in a safe, fair platform (section 12f)"
DUTY = "legal duty to account for personal data (section 12c)"
NOBODY = "no personal data"

_ACCOUNT = "while she has an account, and 5 years after she takes part in nothing"
_WORK = "3 years after her last cohort of the course ends; points stay without her words"
_ALWAYS = "as long as the platform"
_ISSUER = Named("issued_by", "rename")

ENTRIES = (
    Entry(
        "people",
        "Name, e-mail, language, office; region, sex, disability and employer where a cohort asks for them.",
        "To know who takes part, and to report by group.",
        CONSENT,
        _ACCOUNT,
        (Named("username", "rename"),),
    ),
    Entry(
        "passwords",
        "A one-way hash of her password.",
        "To sign in.",
        CONTRACT,
        "until she is erased",
        (Named("username", "delete"),),
        {"hash": "it helps to guess a password and tells nothing else"},
    ),
    Entry(
        "identities",
        "Her account at the identity provider: who provides it and the number it has there.",
        "To know her again however her name or address changes there.",
        CONTRACT,
        "until she is erased",
        (Named("username", "delete"),),
    ),
    Entry(
        "attempts",
        "How often somebody tried to sign in lately, under a hash of the name.",
        "To bound guessing.",
        INTEREST,
        "a quarter of an hour; swept out after a day at most",
    ),
    Entry("cohorts", "Names, dates and courses of cohorts.", "To give the course.", NOBODY, _ALWAYS),
    Entry(
        "enrolments",
        "Who is in which cohort, as what, since when.",
        "To give access to the course.",
        CONTRACT,
        _ACCOUNT,
        (Named("username", "rename"),),
    ),
    Entry("cohort_groups", "Which group leads into which cohort.", "To enrol people.", NOBODY, _ALWAYS),
    Entry(
        "invitations",
        "Codes for a place in a cohort, and who made them.",
        "To open a programme.",
        INTEREST,
        _ALWAYS,
        (Named("made_by", "rename"),),
        {"digest": "it stands for a code that opens a cohort"},
    ),
    Entry(
        "applicants",
        "Name, e-mail, language and region of whoever asked for a place and has none.",
        "To give places in order.",
        CONSENT,
        "90 days after the invitation ends",
        (Named("email", "delete", by="email"),),
    ),
    Entry(
        "consents",
        "Which version of the notice she agreed to, when, in which language.",
        "To prove it.",
        DUTY,
        "until she is erased",
        (Named("username", "delete"),),
    ),
    Entry(
        "looks",
        "Who looked at whose data, at what and when.",
        "So that everybody sees who looked.",
        DUTY,
        "2 years",
        (Named("subject", "delete"), Named("viewer", "rename")),
    ),
    Entry(
        "erasures",
        "That somebody was erased: pseudonym, time, who did it; her username until every part is cleared.",
        "To finish it after a crash and to account for it.",
        DUTY,
        _ALWAYS,
        (Named("by", "rename"),),
        {"pending": "another person's, and gone in a moment"},
    ),
    Entry(
        "sign_in_links",
        "One-time links made for her: when, by whom, whether used.",
        "To sign in, and to show who could have.",
        CONTRACT,
        "90 days after a link was used or ended",
        (Named("username", "delete"), _ISSUER),
        {"digest": "it stands for a link that signs somebody in"},
    ),
    Entry(
        "allowances",
        "How much of each lab's allowance she used.",
        "To share the models fairly.",
        CONTRACT,
        _ACCOUNT,
        (Named("username", "rename"),),
    ),
    Entry(
        "reservations",
        "What a call to a model that runs now may cost.",
        "To share the models fairly.",
        CONTRACT,
        "while the call runs",
        (Named("username", "rename"),),
    ),
    Entry(
        "charges",
        "What each call to a model cost, not what was said.",
        "To account for the allowance.",
        CONTRACT,
        _ACCOUNT,
        (Named("username", "rename"),),
    ),
    Entry(
        "calls",
        "Each call to a model: which, for which lab, when, what it cost, and a keyed digest of what was asked.",
        "To answer for what models are used for.",
        INTEREST,
        "5 years",
        (Named("username", "rename"),),
        {"digest": "it tells only the site whether two texts are the same"},
    ),
    Entry(
        "prompts",
        "What she asked models and what they answered, where the site keeps that.",
        "To look into what went wrong.",
        CONSENT,
        "30 days",
        (Named("username", "delete"),),
    ),
    Entry(
        "limits",
        "Another allowance than the course's, for her or her cohort, and who gave it.",
        "To share the models fairly.",
        CONTRACT,
        _ACCOUNT,
        (Named("username", "delete"), Named("set_by", "rename")),
    ),
    Entry(
        "pauses",
        "Which class may not use which model for now, and who said so.",
        "To teach.",
        INTEREST,
        "while it lasts",
        (Named("set_by", "rename"),),
    ),
    Entry(
        "exams",
        "When which cohort has an exam, and who set it.",
        "To hold exams.",
        CONTRACT,
        _ALWAYS,
        (Named("set_by", "rename"),),
    ),
    Entry(
        "reports",
        "An answer of a model she reported to her instructor, with what she asked.",
        "To mend labs and to keep models safe.",
        CONTRACT,
        "1 year",
        (Named("username", "delete"), Named("seen_by", "rename")),
    ),
    Entry(
        "submissions",
        "What she handed in, when, with its receipt; the files are kept beside.",
        "To grade it and to prove that it came.",
        CONTRACT,
        _WORK,
        (Named("username", "rename"),),
    ),
    Entry("batches", "Which lab was graded again, when.", "To go on after a crash.", NOBODY, _ALWAYS),
    Entry(
        "scores",
        "Points of each submission with the reasons; the reasons may quote her work.",
        "To tell her, and to certify.",
        CONTRACT,
        _WORK,
        (Named("submission", "strip", by="submission"),),
        dict.fromkeys(("report", "score"), "feedback/ has what you may see of it"),
    ),
    Entry(
        "gradings",
        "Every earlier grading of a submission.",
        "To explain how a score came about.",
        CONTRACT,
        _WORK,
        (Named("submission", "strip", by="submission"),),
        dict.fromkeys(("report", "score"), "feedback/ has what you may see of it"),
    ),
    Entry(
        "recordings",
        "What the model answered while grading, under a hash; nothing says whose work asked.",
        "So that grading again gives the same points.",
        INTEREST,
        _ALWAYS,
    ),
    Entry("engines", "Which model answered last.", "So that recordings are found.", NOBODY, _ALWAYS),
)

PLACES = (
    Place(
        "handed-in files",
        "The bytes of what was handed in, by content.",
        "To grade it.",
        CONTRACT,
        _WORK,
        "deleted, but for bytes somebody else handed in too",
        holding="submissions",
        folder="blobs",
    ),
    Place(
        "home folder",
        "Her notebooks and files.",
        "To work in.",
        CONTRACT,
        _ACCOUNT,
        "deleted, with her server's log",
        holding="home",
        folder="homes",
    ),
    Place(
        "nbgrader's gradebooks",
        "Points, comments, and copies of graded notebooks.",
        "To grade by hand.",
        CONTRACT,
        "until she is erased",
        "points stay under the pseudonym; name, comments and notebooks go",
        holding="gradebook",
        folder="nbgrader",
    ),
    Place(
        "JupyterHub's database",
        "Username, sessions, last activity.",
        "To sign in and to start servers.",
        CONTRACT,
        "until she is erased",
        "the account is deleted through the hub",
        holding="hub",
        folder="hub.sqlite",
    ),
    Place(
        "rosters being read",
        "A roster file between its plan and its application.",
        "To show an officer what it changes.",
        CONTRACT,
        "an hour",
        "not touched; gone within the hour",
        folder="uploads",
    ),
    Place(
        "accepted terms of models",
        "Which account of the machine accepted a model's terms of use, and when; nothing of learners.",
        "To show that the model may be used.",
        INTEREST,
        _ALWAYS,
        "not touched: it is the operator's record towards whoever licenses the model",
        folder="models",
    ),
    Place(
        "log files",
        "What went wrong, when; now and then a username or an address.",
        "To mend the platform.",
        INTEREST,
        "until 15 MB of a process are newer",
        "not touched; they age out",
        folder="log",
    ),
    Place(
        "backups",
        "All of the above, of one moment.",
        "To lose nothing.",
        INTEREST,
        "as whoever runs the platform keeps them; 90 days are advised",
        "not touched; they age out, and after a restore she is erased again",
    ),
)

BY_TABLE = {entry.table: entry for entry in ENTRIES}
