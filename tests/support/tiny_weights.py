"""A tiny weights table, so that tests need no ten-gigabyte files."""

from __future__ import annotations

import hashlib

from pipeline.core.weights.table import Weight, parse_row

BODY = b"weights " * 300
SHA = hashlib.sha256(BODY).hexdigest()
OTHER = b"others. " * 300
PACKED = {"a.tflite": BODY, "b.tflite": BODY + b"b"}
"""Files that lie in a wheel."""
TERMS = {"licence": "cc-by-nc-4.0", "inherited": "CC BY-NC 4.0", "pickle": "none", "title": "A model"}


def tiny_table(address: str = "http://127.0.0.1:9") -> dict[str, Weight]:
    """Rows of every kind: known hash, unknown hash, several files, by hand, other editions, business-clean, in a wheel."""
    known = {"file": "model.ckpt", "source": f"{address}/known", "size": len(BODY), "sha256": [SHA]}
    rows = {
        "known": {"commercial": "no", "alternative": "row clean", "files": [known]},
        "unknown": {"commercial": "no", "files": [{"file": "new.ckpt", "source": f"{address}/unknown"}]},
        "several": {
            "commercial": "cond",
            "condition": "terms to be cleared",
            "files": [{"file": "unet/model.bin", "source": f"{address}/unet"}, known],
        },
        "by-hand": {"commercial": "no", "page": "https://drive.example/folder", "files": [{"file": "drive.ckpt"}]},
        "editions": {"commercial": "no", "editions": "a smaller one circulates", "editions_at_least": 1500, "files": [known]},
        "clean": {"commercial": "yes", "files": [{**known, "mirrors": [f"{address}/mirror"]}]},
        "md5": {
            "commercial": "yes",
            "files": [{"file": "m.onnx", "source": f"{address}/md5", "md5": hashlib.md5(BODY).hexdigest()}],
        },
    }
    rows["packed"] = {
        "commercial": "yes",
        "files": [
            {
                "file": name,
                "source": f"wheel:thing==1.0:thing/nets/{name}",
                "size": len(body),
                "sha256": [hashlib.sha256(body).hexdigest()],
                "mirrors": [f"{address}/{name}"],
            }
            for name, body in PACKED.items()
        ],
    }
    return {name: parse_row(name, {"used_by": [f"tryon:{name}"], **TERMS, **fields}) for name, fields in rows.items()}
