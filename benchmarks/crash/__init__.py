"""Kills the platform's processes and cuts its power, and looks for anything acknowledged that is lost or doubled.

    python -m benchmarks.crash --kills 200 [--database sqlite|postgresql|both] [--json] [--quick] [--seed N]

Killing: the real hub, submissions service, gateway (before the backend that echoes), grader and, for PostgreSQL, a
server of its own with fsync on. Simulated learners submit and ask while SIGKILL meets a process at random moments;
whatever dies is started again. Once everything is quiet, each acknowledgement is compared with what is kept.

Cutting: every write of the submissions store and the ledger on SQLite is recorded with strace. The folder is rebuilt
as a disk might hold it after a power cut at a chosen moment, opened as at a start, and each acknowledgement printed
before the cut is looked for.

What this does not cover: disks that lie about a sync, damage to what was synced before, PostgreSQL's own files after
a power cut, the proxy, pages and learners' servers.
"""
