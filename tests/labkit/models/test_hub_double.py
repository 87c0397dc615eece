"""The hub of these tests speaks the protocol: Hugging Face's own client is content with it."""

from pathlib import Path

import huggingface_hub


def test_hugging_faces_own_client_reads_and_downloads_from_it(hub, tmp_path: Path):
    info = huggingface_hub.HfApi(endpoint=hub.url, token=False).model_info("Acme/Tiny", files_metadata=True)
    told = {one.rfilename: one.lfs.sha256 if one.lfs else one.blob_id for one in info.siblings}
    assert info.sha == "c" * 40 and len(told["config.json"]) == 40 and len(told["model-1.safetensors"]) == 64
    path = huggingface_hub.hf_hub_download(
        "Acme/Tiny", "model-1.safetensors", endpoint=hub.url, token=False, local_dir=tmp_path
    )
    assert Path(path).read_bytes() == hub.repo.commits["c" * 40]["model-1.safetensors"]
