"""Sends the requests of a file by several workers, within the limits that Relay keeps; after a kill, run it again.

    RELAY_API_KEY=… python3 batch.py requests.jsonl answers.jsonl --secrets keys.json --workers 8

A line of requests.jsonl is the body of a request to Anthropic's Messages API; keys.json is {"id of a key": "secret"}.
answers.jsonl gets {"line": 1, "status": 200, "answer": {…}}. No line is sent twice unless the provider refused it: one
that was sent and has no answer (a kill, a lost connection) may have been served, and is sent again only with --again.
"""
import argparse, collections, concurrent.futures, fcntl, http.client, json, os, pathlib, sys, threading
import urllib.error, urllib.request
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from relay_leases import Pool

ITS_OWN_FAULT = (400, 404, 413, 422)  # of a request: no key helps, and no later time
TRIES = 5

class Journal:
    """Lines on disk. A kill can tear the last one, which is dropped then. One process at a time writes them."""
    def __init__(self, path):
        self._file, self._lock = open(path, "a+b", buffering=0), threading.Lock()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another run writes {path}")
        self._file.seek(0)
        whole = self._file.read().rpartition(b"\n")[0]
        self._file.truncate(len(whole) + 1 if whole else 0)
        self.lines = [json.loads(line) for line in whole.splitlines()]

    def add(self, line):
        with self._lock:
            self._file.write(json.dumps(line).encode() + b"\n")
            os.fsync(self._file.fileno())

class Batch:
    def __init__(self, options):
        self.pool, self.options = Pool(options.relay, os.environ["RELAY_API_KEY"]), options
        self.secrets = json.loads(pathlib.Path(options.secrets).read_text())
        self.answers, self.sent = Journal(options.answers), Journal(options.answers + ".sent")
        self.answered = {answer["line"] for answer in self.answers.lines}
        sent = collections.Counter()
        for n in self.sent.lines:  # -n: the provider refused it
            sent[abs(n)] += 1 if n > 0 else -1
        self.doubt = set() if options.again else {n for n in sent if sent[n] > 0} - self.answered
        with open(options.requests) as lines:
            bodies = {n: json.loads(line) for n, line in enumerate(lines, 1) if line.strip()}
        self.todo = collections.deque(i for i in bodies.items() if i[0] not in self.answered | self.doubt)
        self.tries, self.lock = collections.Counter(), threading.Lock()

    def take(self):  # the next lines, all of one model
        with self.lock:
            some = []
            while self.todo and len(some) < self.options.bulk and self.todo[0][1]["model"] == (some or self.todo)[0][1]["model"]:
                some.append(self.todo.popleft())
            return some

    def give_back(self, lines):
        with self.lock:
            self.todo.extendleft(reversed(lines))

    def work(self):
        while some := self.take():
            try:
                size, most = sum(len(json.dumps(body)) for _, body in some), sum(body["max_tokens"] for _, body in some)
                with self.pool.lease(some[0][1]["model"], input_bytes=size, max_tokens=most, requests=len(some), partial=True,
                                     priority="batch", max_wait=86400) as lease:
                    self.give_back(some[lease.requests:])
                    del some[lease.requests:]
                    while some and self.ask(lease, *some[0]):
                        del some[0]
            finally:
                self.give_back(some)

    def ask(self, lease, n, body):
        """False if the provider refused it for now, which ends the lease."""
        headers = {"x-api-key": self.secrets[lease.key], "anthropic-version": "2023-06-01", "content-type": "application/json"}
        data = json.dumps({**body, "model": lease.model}).encode()
        request = urllib.request.Request(self.options.provider + "/v1/messages", data, headers)
        self.sent.add(n)
        lease.sent()
        try:
            with urllib.request.urlopen(request, timeout=600) as reply:
                status, answer = reply.status, json.load(reply)
                lease.observed(reply.headers)
        except urllib.error.HTTPError as error:
            status, answer = error.code, error.read().decode("utf-8", "replace")
            self.tries[n] += 1
            if status not in ITS_OWN_FAULT and self.tries[n] < TRIES:
                self.sent.add(-n)
                lease.refused(status, error.headers, answer)
                return False
            lease.usage(0, 0)
        except (OSError, http.client.HTTPException, ValueError) as error:
            print(f"line {n}: {error!r}", file=sys.stderr)
            self.doubt.add(n)
            return True
        else:
            used = collections.Counter({name: n for name, n in answer.get("usage", {}).items() if isinstance(n, int)})
            read, written = used["cache_read_input_tokens"], used["cache_creation_input_tokens"]
            lease.usage(used["input_tokens"] + read + written, used["output_tokens"], read, written)
        self.answers.add({"line": n, "status": status, "answer": answer})
        self.answered.add(n)
        return True

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(self.options.workers) as workers:
            failures = [run.exception() for run in [workers.submit(self.work) for _ in range(self.options.workers)]]
        print(f"answered {len(self.answered)}, left {len(self.todo)}, in doubt {sorted(self.doubt)}", *filter(None, failures))
        return 1 if self.todo or self.doubt else 0

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests"), parser.add_argument("answers")
    parser.add_argument("--secrets", required=True, help="the provider's keys by Relay's ids of them")
    parser.add_argument("--relay", default="http://localhost:8787")
    parser.add_argument("--provider", default="https://api.anthropic.com")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--bulk", type=int, default=10, help="requests in one lease")
    parser.add_argument("--again", action="store_true", help="also what was sent and has no answer")
    sys.exit(Batch(parser.parse_args()).run())
