"""Runs the scenarios of LeaseClientsTest: driver.py URL. Prints a line for each."""
import sys, urllib.request
from relay_leases import Pool, Refused

def event(name):  # waits until the server has seen it
    urllib.request.urlopen(sys.argv[1] + "/event/" + name, timeout=60).read()

def run(name, work, max_wait=30, **ask):
    try:
        with Pool(sys.argv[1] + "/" + name, "secret").lease("m \"\n\u00e9\U0001f600", input_tokens=1200, max_wait=max_wait, **ask) as lease:
            work(lease)
        print(name, "ok", lease.key, flush=True)
    except (Refused, RuntimeError) as error:
        print(name, "failed", error, flush=True)

def boom(lease):
    raise RuntimeError("boom")

def sent_boom(lease):
    lease.sent(); lease.progress(5); boom(lease)

def renews(lease):
    lease.sent(); lease.progress(7); event("renews/progress/2"); lease.usage(1100, 9, 100, 50)

def gone(lease):
    lease.sent(); event("gone/progress/1"); run("beside", lambda other: event("beside/progress/2")); lease.usage(1, 2)

def bulk(lease):
    lease.usage(10, 20); lease.usage(30, 40, 1, 2)

def refused(lease):
    lease.sent(); lease.observed({"x-ratelimit-limit-requests": "50"}); lease.refused(429, {"retry-after": "7"}, "slow \"down\"")

def partly(lease):
    lease.sent(); lease.usage(10, 20, 1, 2); lease.sent(2); lease.refused(429, {})

def made(lease):
    lease.sent(); lease.progress(7); lease.refused(529, {})

def often(lease):
    lease.sent(); lease.sent(); lease.usage(10, 20)

def used(lease):
    lease.sent(); lease.usage(1, 2)

run("waits", used, 20); run("seconds", used, 20); run("bound", used, 1); run("budget", used, 20); run("lost", used); run("balancer", used)
run("sent", sent_boom); run("unsent", boom); run("unknown", lambda lease: None); run("renews", renews); run("gone", gone)
run("unsettled", used); run("bulk", bulk, requests=10, partial=True); run("refused", refused)
run("partly", partly, requests=4); run("made", made); run("often", often)
