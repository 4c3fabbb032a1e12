# A stand-in for the legacy exporter. It keeps its queue in export_queue.json, exports all records each time, and never removes
# a file.
import json
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HOME = Path("/opt/d3kos/data/exports")
QUEUE = HOME / "export_queue.json"


def read_queue():
    queue = json.loads(QUEUE.read_text())
    for entry in queue["pending"]:
        # The legacy worker reads these fields before it sends an export.
        datetime.fromisoformat(entry["next_retry_at"].replace("Z", "+00:00"))
        json.loads(Path(entry["export_file"]).read_text())["data"]
        entry["tier"], entry["retry_count"], entry["file_size_bytes"], entry["category_count"]
    return queue


class Handler(BaseHTTPRequestHandler):
    def answer(self, value):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def do_GET(self):
        queue = read_queue()
        lists = ("pending", "uploading", "completed", "failed")
        self.answer({"exporter": "legacy", **{f"{name}_count": len(queue[name]) for name in lists}})

    def do_POST(self):
        now = datetime.now(timezone.utc)
        stamp = now.strftime("%Y%m%d_%H%M%S")
        path = HOME / "exports" / f"export_{stamp}.json"
        entries = [{"entry_id": f"legacy-{stamp}", "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "type": "text", "content": "By the legacy exporter"}]
        document = {
            "installation_id": "0123456789abcdef",
            "export_timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "format_version": "1.0",
            "data": {"boatlog": {"category": "boatlog", "entry_count": 1, "entries": entries}},
        }
        path.write_text(json.dumps(document))
        queue = read_queue()
        queue["pending"].append({
            "queue_id": f"q_{stamp}", "export_file": str(path), "created_at": document["export_timestamp"], "tier": 2,
            "category_count": 1, "file_size_bytes": path.stat().st_size, "status": "pending", "retry_count": 0,
            "next_retry_at": document["export_timestamp"], "last_error": None,
        })
        QUEUE.write_text(json.dumps(queue, indent=2))
        self.answer({"success": True, "queue_id": f"q_{stamp}"})


HTTPServer(("127.0.0.1", 8094), Handler).serve_forever()
