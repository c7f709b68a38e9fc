// Runs the scenarios of LeaseClientsTest: driver URL. Prints a line for each.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"driver/relayleases"
)

type lease = relayleases.Lease

func event(name string) {
	if answer, err := http.Get(os.Args[1] + "/event/" + name); err == nil {
		answer.Body.Close()
	}
}

func run(name string, most time.Duration, ask relayleases.Ask, work func(*lease) error) {
	pool := relayleases.Pool{URL: os.Args[1] + "/" + name, Key: "secret", MaxWait: most}
	body, key := relayleases.Ask{"model": "m \"\n\u00e9\U0001f600", "input_tokens": 1200}, ""
	for member, value := range ask {
		body[member] = value
	}
	err := pool.Lease(context.Background(), body, func(l *lease) error { key = l.Key; return work(l) })
	if err != nil {
		fmt.Println(name, "failed", err)
	} else {
		fmt.Println(name, "ok", key)
	}
}

func used(l *lease) error { l.Sent.Add(1); l.Usage(1, 2, 0, 0, 1); return nil }

func main() {
	boom, half := errors.New("boom"), 30*time.Second
	for _, name := range []string{"waits", "seconds", "budget", "lost", "balancer", "unsettled"} {
		run(name, half, nil, used)
	}
	run("bound", time.Second, nil, used)
	run("sent", half, nil, func(l *lease) error { l.Sent.Add(1); l.Progress.Store(5); return boom })
	run("unsent", half, nil, func(l *lease) error { return boom })
	run("unknown", half, nil, func(l *lease) error { return nil })
	run("renews", half, nil, func(l *lease) error {
		l.Sent.Add(1)
		l.Progress.Store(7)
		event("renews/progress/2")
		l.Usage(1100, 9, 100, 50, 1)
		return nil
	})
	run("gone", half, nil, func(l *lease) error {
		l.Sent.Add(1)
		event("gone/progress/1")
		run("beside", half, nil, func(*lease) error { event("beside/progress/2"); return nil })
		l.Usage(1, 2, 0, 0, 1)
		return nil
	})
	run("bulk", half, relayleases.Ask{"requests": 10, "partial": true}, func(l *lease) error {
		l.Usage(10, 20, 0, 0, 1)
		l.Usage(30, 40, 1, 2, 1)
		return nil
	})
	run("refused", half, nil, func(l *lease) error {
		l.Sent.Add(1)
		l.Observed(http.Header{"X-Ratelimit-Limit-Requests": {"50"}})
		l.Refused(429, http.Header{"Retry-After": {"7"}}, "slow \"down\"")
		return nil
	})
	run("partly", half, relayleases.Ask{"requests": 4}, func(l *lease) error {
		l.Sent.Add(1)
		l.Usage(10, 20, 1, 2, 1)
		l.Sent.Add(2)
		l.Refused(429, nil, "")
		return nil
	})
	run("made", half, nil, func(l *lease) error { l.Sent.Add(1); l.Progress.Store(7); l.Refused(529, nil, ""); return nil })
	run("often", half, nil, func(l *lease) error { l.Sent.Add(2); l.Usage(10, 20, 0, 0, 1); return nil })
}
