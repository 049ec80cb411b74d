"""A web application of several processes whose every process shows the same statistics.

taskscope serve
gunicorn -w 4 -b 127.0.0.1:8082 app:application
"""

import json
import os
import time
from urllib.parse import parse_qs
from urllib.request import urlopen

import taskscope

SERVICE = "speech"
MONITOR = os.environ.get("MONITOR", "http://127.0.0.1:8787")  # where `taskscope serve` answers

scope = taskscope.connect(service=SERVICE)


def application(environ, start_response):
    """Answer a request: POST /speak?text=...&seconds=... works, GET /stats shows what all processes did."""
    path = environ["PATH_INFO"]
    query = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
    try:
        if path == "/speak":
            answer = speak(query.get("text", ""), float(query.get("seconds", 0)))
        elif path == "/stats":
            answer = stats()
        else:
            return respond(start_response, "404 Not Found", {"error": f"no such path: {path}"})
    except ValueError as error:
        return respond(start_response, "400 Bad Request", {"error": str(error)})
    return respond(start_response, "200 OK", answer)


def speak(text, seconds):
    """Work on one request, as a run: it is recorded however it ends."""
    with scope.run("speak", queue="voices") as run:
        if not text:
            raise ValueError("there is no text")
        time.sleep(seconds)
        run.output()
        return {"spoken": len(text)}


def stats():
    """Ask the one server that knows of all processes. No process counts anything itself."""
    with urlopen(f"{MONITOR}/api/v1/stats?service={SERVICE}", timeout=10) as response:
        known = json.load(response)
    return {
        "total_tasks": known["tasks"]["total"],
        "active_tasks": known["running"],
        "tasks_completed": known["succeeded"],
        "tasks_failed": known["failed"],
        "success_rate": known["success_rate"],
    }


def respond(start_response, status, answer):
    """Send JSON; the header says which process answered."""
    body = json.dumps(answer).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("X-Process", str(os.getpid())),
    ]
    start_response(status, headers)
    return [body]
