from datetime import datetime
from pathlib import Path

import pytest

from labkit.courses import AllowanceRule, ModelLimits, load_course, load_courses
from labkit.courses.frameworks import load_frameworks
from labkit.errors import AuthorError, OperatorError

REPOSITORY = Path(__file__).parents[3]


def test_a_course_needs_only_titles_and_ids(write):
    lab = load_course(write(), "c").lab("one")

    assert (lab.course, lab.title, lab.profile, lab.ai_policy) == ("c", "One", "light", "assigned-models")
    assert lab.allowance == AllowanceRule(20_000, "day")
    assert lab.models == ("smollm2-135m-instruct",)
    assert lab.languages == ("en",)
    assert lab.attempts is None


def test_a_course_names_the_packages_it_needs(write):
    toml = 'title = "T"\npackages = ["scikit-learn", "Pillow", "ruamel.yaml"]\n[[labs]]\nid = "one"\ntitle = "One"\n'

    assert load_course(write(toml=toml), "c").packages == ("scikit-learn", "Pillow", "ruamel.yaml")
    assert load_course(write(), "c").packages == ()


def test_every_key_an_author_may_write_is_read(write):
    toml = (
        'title = "T"\ndescription = "D"\n[titles]\nfil = "P"\n[[labs]]\nid = "one"\ntitle = "One"\n'
        'titles = {fil = "Isa"}\nallowance = {tokens = 5, per = "total"}\nmodels = ["m"]\nai_policy = "closed"\n'
        'due = 2027-01-31T23:59:00+08:00\nprofile = "torch"\nlimits = {seconds = 5, memory_mb = 100}\n'
        "attempts = 3\n"
    )
    course = load_course(write(toml=toml), "c")
    lab = course.labs[0]

    assert (course.description, course.titles["fil"], lab.titles["fil"]) == ("D", "P", "Isa")
    assert (lab.allowance, lab.models, lab.ai_policy) == (AllowanceRule(5, "total"), ("m",), "closed")
    assert (lab.model_limits, lab.preface) == (ModelLimits(), "")
    assert lab.due == datetime.fromisoformat("2027-01-31T23:59:00+08:00")
    assert (lab.profile, lab.limits.seconds, lab.limits.memory_mb, lab.attempts) == ("torch", 5, 100, 3)


@pytest.mark.parametrize(
    ("toml", "line", "found"),
    [
        ('title = "T"\nttle = "T"\n[[labs]]\nid = "one"\ntitle = "O"', 2, "unknown key 'ttle'"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\ndeadline = 3', 5, "unknown key 'deadline'"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nallowance = {token = 3}', 5, "unknown key 'token'"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nallowance = {per = "week"}', 5, "per = 'week'"),
        *(
            (f'title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\n{wrong}', 5, found)
            for wrong, found in (
                ("allowance = {requests = -1}", "requests = -1"),
                ("allowance = {requests = true}", "requests = True"),
                ("model_limits = {prompt = 0}", "prompt = 0"),
                ("model_limits = {answer = 100001}", "answer = 100001"),
                ("model_limits = {tokens = 5}", "unknown key 'tokens'"),
                ("preface = 7", "`preface` is missing or is not text"),
            )
        ),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nlimits = {seconds = 0}', 5, "seconds = 0"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nai_policy = "exam"', 5, "ai_policy = 'exam'"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nprofile = "gpu"', 5, "profile = 'gpu'"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\ndue = 2027-01-31T23:59:00', 5, "due = 2027"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\ndue = 9999-12-31T23:59:59Z', 5, "due = 9999"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\ndue = 0001-01-01T00:00:00Z', 5, "due = 0001"),
        ('title = "T"\nx = ' + "[" * 5000 + "]" * 5000, 2, "this is not TOML"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nmodels = "m"', 5, "models = 'm'"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\ntitles = {tl = "x"}', 5, "unknown language 'tl'"),
        *(
            (f'title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nattempts = {value}', 5, "attempts = ")
            for value in ("0", "-1", "2.0", "true", '"3"')
        ),
        ('title = "T"\n[[labs]]\nid = "One"\ntitle = "O"', 3, "'One' cannot be a lab's id"),
        ('title = "T"\n[[labs]]\nid = "two"\ntitle = "O"', 3, "there is no two/lab.py"),
        ('title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\n[[labs]]\nid = "one"\ntitle = "O"', 6, "listed twice"),
        ('title = "T"\n[[labs]]\nid = "one"', 2, "`title` is missing"),
        ('[[labs]]\nid = "one"\ntitle = "O"', 1, "`title` is missing"),
        ('title = "T"', 1, "a course has no labs"),
        ('title = "T"\nthis is not toml', 2, "this is not TOML"),
        *(
            (f'title = "T"\npackages = {wrong}\n[[labs]]\nid = "one"\ntitle = "O"', 2, found)
            for wrong, found in (
                ('"scipy"', "packages = 'scipy'"),
                ("[7]", "7 is no package's name"),
                *(
                    (f'["scipy", "{name}"]', f"{name!r} is no package's name")
                    for name in ("scipy>=1", "a b", "x[y]", "-x", "x.", "git+https://x.example/y", "", "ñ")
                ),
            )
        ),
    ],
)
def test_what_course_toml_cannot_hold_is_refused_by_file_and_line(write, toml, line, found):
    with pytest.raises(AuthorError) as refused:
        load_course(write(toml=toml), "c")

    assert refused.value.file.endswith("course.toml")
    assert (refused.value.line, found in refused.value.found) == (line, True), refused.value
    assert refused.value.instead


FRAMEWORKS = (
    '[[frameworks]]\nkey = "f"\ntitle = "F"\npublisher = "P"\ndate = "2024"\nurl = "https://example.org"\n'
    'competencies = {one = "The first", two = "The second"}\n'
)
LABS = '[[labs]]\nid = "one"\ntitle = "O"\n'


def outcome(*lines: str) -> str:
    return "\n".join(['title = "T"', "", "[[outcomes]]", *lines, LABS])


def test_a_course_says_what_one_can_do_afterwards_and_which_competencies_that_is(write):
    root = write(
        toml=outcome('id = "ask"', 'text = "Ask well"', 'texts = {fil = "Magtanong"}', 'frameworks = ["f/two"]')
    )
    (root / "frameworks.toml").write_text(FRAMEWORKS)
    course = load_course(root, "c")

    [found] = course.outcomes
    assert (found.id, found.text, found.texts["fil"], course.labs[0].outcomes) == (
        "ask",
        "Ask well",
        "Magtanong",
        ("ask",),
    )
    [competency] = found.competencies
    assert (competency.text, competency.framework.title, competency.framework.url) == (
        *("The second", "F", "https://example.org"),
    )


def test_a_course_says_what_its_page_tells_before_one_starts(write):
    toml = (
        'title = "T"\ndescription = "D"\ndescriptions = {fil = "L"}\nprerequisite = "None"\n'
        'prerequisites = {fil = "Wala"}\nlicence = "CC-BY-4.0"\n[[labs]]\nid = "one"\ntitle = "O"\nsummary = "S"\n'
        'summaries = {fil = "B"}\nminutes = 60\n[[labs]]\nid = "two"\ntitle = "O"\nafter = ["one"]\n'
    )
    root = write(toml=toml, **{"../two/lab.py": "# %%\n"})
    course = load_course(root, "c")

    assert (course.descriptions["fil"], course.prerequisite, course.prerequisites["fil"]) == ("L", "None", "Wala")
    assert (course.licence, course.languages) == ("CC-BY-4.0", ("en",))
    one, two = course.labs
    assert (one.summary, one.summaries["fil"], one.minutes, one.after, two.after) == ("S", "B", 60, (), ("one",))


@pytest.mark.parametrize(
    ("toml", "line", "found"),
    [
        (outcome('id = "a"', 'text = "x"', 'txt = "x"'), 6, "unknown key 'txt'"),
        (outcome('id = "A b"', 'text = "x"'), 4, "'A b' cannot be an outcome's id"),
        (outcome('id = "a"'), 3, "`text` is missing"),
        (outcome('id = "a"', 'text = "x"', "[[outcomes]]", 'text = "y"', 'id = "a"'), 8, "'a' is there twice"),
        (outcome('id = "a"', 'text = "x"', 'texts = {tl = "x"}'), 6, "unknown language 'tl'"),
        (outcome('id = "a"', 'text = "x"', 'frameworks = "f/one"'), 6, "frameworks = 'f/one'"),
        (outcome('id = "a"', 'text = "x"', 'frameworks = ["f/one", "f/three"]'), 6, "no competency 'f/three'"),
        (outcome('id = "a"', 'text = "x"', "frameworks = [", '  "g/one",', "]"), 7, "no competency 'g/one'"),
        (f'title = "T"\noutcomes = 3\n{LABS}', 2, "not a list of tables"),
        *(
            (f'title = "T"\n{LABS}{wrong}', 5, told)
            for wrong, told in (
                ("minutes = 0", "minutes = 0"),
                ('minutes = "60"', "minutes = '60'"),
                ("summary = 3", "`summary` is missing or is not text"),
                ('summaries = {tl = "x"}', "unknown language 'tl'"),
                ('after = ["two"]', "there is no lab 'two' above this one"),
                ('after = ["one"]', "there is no lab 'one' above this one"),
            )
        ),
        (f'title = "T"\nlicence = 4\n{LABS}', 2, "`licence` is missing or is not text"),
        (f'title = "T"\nprerequisites = "x"\n{LABS}', 2, "`prerequisites` is not a table of texts"),
    ],
)
def test_what_a_course_cannot_promise_is_refused_by_file_and_line(write, toml, line, found):
    root = write(toml=toml)
    (root / "frameworks.toml").write_text(FRAMEWORKS)
    with pytest.raises(AuthorError) as refused:
        load_course(root, "c")

    assert refused.value.file.endswith("course.toml")
    assert (refused.value.line, found in refused.value.found) == (line, True), refused.value


@pytest.mark.parametrize(
    ("before", "after", "line", "found"),
    [
        ('title = "F"', 'titel = "F"', 3, "unknown key 'titel'"),
        ('title = "F"\n', "", 1, "`title` is missing"),
        ('date = "2024"', "date = 2024-01-01", 5, "`date` is missing or is not text"),
        ("https://example.org", "example.org", 6, "url = 'example.org'"),
        ('key = "f"', 'key = "F f"', 2, "'F f' cannot be a key"),
        ('one = "The first"', "one = 3", 7, "one = 3"),
        ('competencies = {one = "The first", two = "The second"}\n', "", 1, "no competencies"),
        ("[[frameworks]]", "x = 3\n[[frameworks]]", 1, "unknown key 'x'"),
        (FRAMEWORKS, FRAMEWORKS * 2, 9, "'f' is there twice"),
    ],
)
def test_a_framework_that_does_not_say_where_it_is_from_is_refused(write, before, after, line, found):
    root = write()
    (root / "frameworks.toml").write_text(FRAMEWORKS.replace(before, after))
    with pytest.raises(AuthorError) as refused:
        load_course(root, "c")

    assert refused.value.file.endswith("frameworks.toml")
    assert (refused.value.line, found in refused.value.found) == (line, True), refused.value


def test_the_frameworks_of_this_repository_are_cited_with_a_place_to_read_them():
    known = load_frameworks(REPOSITORY / "courses" / "frameworks.toml")
    assert sum(name.startswith("unesco-students/") for name in known) == 12
    assert known["unesco-students/human-agency"].framework.url == "https://doi.org/10.54675/JKJB9835"
    assert known["eu-ai-act/ai-literacy"].text == "EU AI Act, Article 4: AI literacy"


def test_a_file_nobody_reads_is_refused(write):
    root = write(**{"lab.tl.py": "# %%\n"})

    with pytest.raises(AuthorError, match="nothing reads a file of this name"):
        load_course(root, "c")


def test_a_missing_course_or_lab_names_those_there_are(write):
    root = write()

    with pytest.raises(OperatorError, match="Courses there: c"):
        load_course(root, "d")
    with pytest.raises(OperatorError, match="Its labs are: one"):
        load_course(root, "c").lab("two")
    with pytest.raises(OperatorError, match="no folder of courses"):
        load_courses(root / "nowhere")


def test_the_courses_of_this_repository_load():
    assert "testing" in [course.id for course in load_courses(REPOSITORY / "courses")]


def test_a_release_changes_with_every_file_that_grading_reads_and_with_no_other(write):
    root = write(**{"lab.fil.py": "# %%\n"})
    folder = root / "c" / "one"
    lab = load_course(root, "c").lab("one")
    seen = [lab.release]
    for name in ("lab.py", "lab.fil.py", "calibration.json", "data/a.csv", "hidden/b.csv", "hidden/c/d.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("# %%\n# changed\n")
        seen.append(lab.release)
    (folder / "data" / "a.csv").rename(folder / "data" / "z.csv")
    seen.append(lab.release)
    assert len(set(seen)) == len(seen)
    (folder / "README.md").write_text("x")
    (folder / "submissions").mkdir(exist_ok=True)
    (folder / "submissions" / "x.py").write_text("x")
    assert lab.release == seen[-1]


def test_a_lab_may_bound_requests_prompts_and_answers_and_say_something_first(write):
    toml = (
        'title = "T"\n[[labs]]\nid = "one"\ntitle = "O"\nallowance = {tokens = 5, requests = 2}\n'
        'model_limits = {prompt = 100, answer = 30}\npreface = "Be kind."\n'
    )
    lab = load_course(write(toml=toml), "c").labs[0]
    assert (lab.allowance.requests, lab.model_limits, lab.preface) == (2, ModelLimits(100, 30), "Be kind.")
