#!/usr/bin/env python3
"""A CRM of somebody else's in one file: it pops a page when an agent is rung or dials, and logs each call exactly once.

    SWITCHBOARD_TOKEN=... ./foreign_crm.py http://127.0.0.1:8080 127.0.0.1:8090 crm.db

The token needs webhooks.read, webhooks.write, events.read and call_records.read, and `[webhooks] allowed_nets` this address. Server and script
may be killed at any moment: an event comes by webhook, perhaps twice, and once more by the pull API, and what it means is written down
together with its ID, or not at all. http://127.0.0.1:8090/ is the page; who shows it to others puts a sign-in before it. Python 3.11.
"""
import base64, contextlib, datetime, hashlib, hmac, http.client, http.server, json, os, secrets, sqlite3, sys, threading, time
import urllib.error, urllib.request

SERVER, LISTEN, DATABASE = sys.argv[1:4]
HEADERS = {"Authorization": f"Bearer {os.environ['SWITCHBOARD_TOKEN']}", "Content-Type": "application/json"}
HOST, HOOK = LISTEN.rsplit(":", 1), f"http://{LISTEN}/hook"
TYPES = ["call.created", "agent.state_changed", "call.ended"]
BODY_MAX = 256 << 10  # no event that is sent is longer
POP_MAX_S, SEEN_MAX_S = 600, 90 * 86400  # what is older pops no page; and is not sent again
NEWS = threading.Condition()
TABLES = """PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS seen (event TEXT PRIMARY KEY, at REAL);
CREATE TABLE IF NOT EXISTS party (call TEXT PRIMARY KEY, caller TEXT, callee TEXT);
CREATE TABLE IF NOT EXISTS pop (id INTEGER PRIMARY KEY, call TEXT, agent TEXT, does TEXT, UNIQUE (call, agent));
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, call TEXT, record TEXT);"""
PAGE = """<!doctype html><meta charset=utf-8><title>CRM</title><h1>CRM</h1><div id=pops></div><h2>Calls</h2><pre id=log></pre><script>
const show = async () => document.getElementById("log").textContent = (await (await fetch("/log")).json())
  .map(({record: r}) => r && `${r.created_at}  ${r.caller} -> ${r.callee}  ${r.answered_at ? "answered" : "not answered"}`).join("\\n");
new EventSource("/pops").onmessage = event => {
  const {agent, does, caller, callee} = JSON.parse(event.data), line = document.createElement("p");
  line.textContent = `agent ${agent} ${does}: ${caller} -> ${callee}`;
  document.getElementById("pops").prepend(line);
};
show(); setInterval(show, 2000);
</script>"""

@contextlib.contextmanager
def transaction():
    """All that is written in it is kept, or nothing."""
    with contextlib.closing(sqlite3.connect(DATABASE, timeout=10)) as db, db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN IMMEDIATE")
        yield db

def rows(query, *values):
    with transaction() as db:
        return [dict(row) for row in db.execute(query, values)]

def note(name):
    return next((row["value"] for row in rows("SELECT value FROM note WHERE name = ?", name)), None)

def api(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SERVER}/api/v1/{path}", data, HEADERS, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")

def verified(headers, body):
    """Whether the server signed this body with our secret a moment ago (Standard Webhooks)."""
    key = base64.b64decode(note("secret").removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    is_ours = any(hmac.compare_digest(expected, one) for one in headers.get("webhook-signature", "").split())
    return is_ours and abs(time.time() - int(headers["webhook-timestamp"])) <= 300

def take(db, event):
    """Writes down what an event means, the first time that it comes."""
    data, age_s = event["data"], time.time() - datetime.datetime.fromisoformat(event["time"]).timestamp()
    is_wanted = event["type"] in TYPES
    if not is_wanted or not db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (event["id"], time.time())).rowcount:
        return
    if event["type"] == "call.created":
        db.execute("INSERT OR IGNORE INTO party VALUES (?, ?, ?)", (data["call"], data["caller"], data["callee"]))
    elif event["type"] == "call.ended":
        db.execute("INSERT INTO log (call) VALUES (?)", (data["call"],))
    elif data["call_status"] in ("ringing", "dialling") and age_s < POP_MAX_S:
        db.execute("INSERT OR IGNORE INTO pop (call, agent, does) VALUES (?, ?, ?)", (data["call"], data["agent"], data["call_status"]))

def register():
    """Makes the webhook where there is none. The secret is kept before, so that whatever is sent can be verified."""
    with transaction() as db:
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        is_new = db.execute("INSERT OR IGNORE INTO note VALUES ('secret', ?)", (secret,)).rowcount
    ours = [hook["id"] for hook in api("GET", "webhooks?limit=100")["items"] if hook["url"] == HOOK]
    while is_new and ours:  # made for a database that is gone: nobody knows its secret
        api("DELETE", f"webhooks/{ours.pop()}")
    if not ours:
        api("POST", "webhooks", {"url": HOOK, "secret": note("secret"), "types": TYPES, "allow_private": True})

def catch_up():
    """Asks for all that follows the last position asked for. What came by the webhook meanwhile is known."""
    items = True
    while items:
        after = note("cursor")
        try:
            page = api("GET", "events?limit=200" + (f"&after={after}" if after else ""))
        except urllib.error.HTTPError:  # 410, so far back nothing is kept: begin at the oldest
            page = api("GET", "events?limit=200")
        items = page["items"]
        with transaction() as db:
            for event in items:
                take(db, event)
            db.execute("INSERT OR REPLACE INTO note VALUES ('cursor', ?)", (page["next_cursor"],))
            db.execute("DELETE FROM seen WHERE at < ?", (time.time() - SEEN_MAX_S,))

def work():
    """Registers and catches up, at first and every half a minute, and completes the log by the records of its calls."""
    next_s = 0
    while True:
        try:
            if time.monotonic() >= next_s:
                register()
                catch_up()
                next_s = time.monotonic() + 30
            for row in rows("SELECT id, call FROM log WHERE record IS NULL"):
                record = api("GET", f"call-records/{row['call']}")
                if record["ended_at"]:
                    rows("UPDATE log SET record = ? WHERE id = ?", json.dumps(record), row["id"])
        except (OSError, http.client.HTTPException, ValueError) as error:  # the server is away, or the record not written yet
            print(f"again in a second: {error}", flush=True)
        with NEWS:
            NEWS.wait(1)

class Crm(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, kind="text/plain", text=""):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["Content-Length"]), BODY_MAX))
        if not verified(self.headers, body):
            return self.answer(401)
        with transaction() as db:
            take(db, json.loads(body))
        self.answer(204)  # only now: what is not answered is sent again
        with NEWS:
            NEWS.notify_all()
    def do_GET(self):
        if self.path != "/log":
            return self.pops() if self.path == "/pops" else self.answer(200, "text/html", PAGE)
        log = rows("SELECT call, record FROM log ORDER BY id DESC LIMIT 100")
        self.answer(200, "application/json", json.dumps([{**row, "record": json.loads(row["record"] or "null")} for row in log]))
    def pops(self):
        """Server-sent events. A browser that comes back says which one it had last."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        last = self.headers.get("Last-Event-ID") or rows("SELECT COALESCE(MAX(id), 0) AS newest FROM pop")[0]["newest"]
        while True:
            for pop in rows("SELECT * FROM pop LEFT JOIN party USING (call) WHERE id > ? ORDER BY id", int(last)):
                last = pop["id"]
                self.wfile.write(f"id: {last}\ndata: {json.dumps(pop)}\n\n".encode())
            self.wfile.write(b": here\n\n")
            with NEWS:
                NEWS.wait(1)

if __name__ == "__main__":
    with contextlib.closing(sqlite3.connect(DATABASE)) as tables:
        tables.executescript(TABLES)
    threading.Thread(target=work, daemon=True).start()
    http.server.ThreadingHTTPServer((HOST[0], int(HOST[1])), Crm).serve_forever()
