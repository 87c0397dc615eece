"""Grading with warm sandboxed children against stock nbgrader and otter-grader, interleaved in one run.

    python -m benchmarks.grading [--json] [--quick] [--only light|train|prompt]

Every way grades the same finished notebooks: ours with repair, report and gradebook in one thread and in two;
`nbgrader autograde` one submission a call, in one batch, and called in process; `otter run` and otter's API. Seconds
are medians for one submission; a ratio is a median over another median of the same run. After that come the CPU
seconds beyond what the notebook itself needs, the memory of a child and of its zygote, and a class that hands in at
once, through the real queue, store and gradebook.

What this does not cover: more than one machine, `otter grade` (it needs docker; `otter run` is what it does inside a
container), and learners whose code is slow: that is theirs on every side.
"""
