"""The workshop: versions of courses' texts that instructors send, that are checked, and that are released from there.

WORKSHOP/COURSE.git              a bare repository: one commit for each version
WORKSHOP/previews/COURSE/NUMBER/ LAB.LANGUAGE.html as learners would see the version's labs
"""

from labkit.workshop.versions import Version, Workshop, Written

__all__ = ["Version", "Workshop", "Written"]
