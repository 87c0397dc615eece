"""Grades every hostile submission of tests/autograder/hostile with stock `nbgrader autograde` and with ours.

Stock means its plain configuration and its own Execute: the lab as a stock assignment, a learner with the hostile
submission, and an honest one after her. Each runs in a throwaway sandbox. Told are points that stock gives and ours
does not, and damage: files, gradebook or another's score changed, processes that stay, a batch that stops.
"""
